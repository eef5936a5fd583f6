/** The parent was replaced on this node and the agent has not seen it: what runs here in its place keeps the copy from starting. */
import { afterEach, expect, it } from 'vitest';
import { aContainer, aHostPod, aSandbox } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

const LABELS = { app: 'web' };

/** The kubelet has ended the captured pod and runs this one. */
function replacedBy(pod: { readonly uid: string; readonly name: string }): void {
  const labels = { ...LABELS, 'controller-revision-hash': 'h2' };
  world.runtime = {
    sandboxes: [aSandbox({ id: 's2', labels, ...pod })],
    containers: [aContainer({ id: 'p2', sandboxId: 's2', podUid: pod.uid, podName: pod.name })],
  };
  world.kubelet = [{ namespace: 'kube-system', name: pod.name }];
}

it('starts no copy beside a pod that came again under its name', async () => {
  world = await story.coveredWorld();

  story.apiDown(world);
  replacedBy({ uid: 'u2', name: 'web-1' });
  await world.clock.run(300_000);

  expect(world.agent.status().checkpoints).toMatchObject([{ state: 'inactive', reason: 'parent-running' }]);
  expect(world.manifests.files.size).toBe(0);
});

it('starts no copy beside the next pod of a DaemonSet that it could not see, refused as it was', async () => {
  const pod = aHostPod({ daemonSet: 'ds' });
  world = createWorld();
  world.api.pods.set('u1', { ...pod, metadata: { ...pod.metadata, labels: LABELS } });
  story.parentRunning(world);
  world.start();
  await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 1, 30_000);
  Object.assign(world.api, { outcome: 'answered', denied: 'unauthorized' });
  world.podsChanged();
  await world.clock.run(60_000);

  replacedBy({ uid: 'u2', name: 'web-fghjk' });
  Object.assign(world.api, { outcome: 'refused', denied: undefined, healthy: false });
  await world.clock.run(300_000);

  expect(world.agent.status().checkpoints).toMatchObject([{ state: 'inactive', reason: 'parent-running' }]);
  expect(world.manifests.files.size).toBe(0);
});
