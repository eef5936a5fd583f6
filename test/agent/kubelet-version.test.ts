/** What the agent knows of the kubelet's version decides what it captures, and is asked for anew. */
import { afterEach, expect, it } from 'vitest';
import { PortError } from '../../src/ports.ts';
import { aHostPod, parentRuns } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

const captures = (result: string): number => world.counts.get(`checkpointer_captures_total ${result}`) ?? 0;

/** A parent with a secret variable that is to go by file. */
function begin(): void {
  world = createWorld({ agentImage: 'agent:1' });
  const pod = aHostPod();
  const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }];
  const containers = (pod.spec?.containers ?? []).map((container) => ({ ...container, env }));
  const metadata = { ...pod.metadata, annotations: { ...pod.metadata?.annotations, 'checkpointer/secret-env': 'env-file' } };
  world.api.pods.set('u1', { ...pod, metadata, spec: { ...pod.spec, containers } } as typeof pod);
  world.env = [{ name: 'PASSWORD', value: 'top-secret' }];
  world.runtime = structuredClone({ sandboxes: [...parentRuns.sandboxes], containers: [...parentRuns.containers] });
  world.kubelet = [{ namespace: 'kube-system', name: 'web-1' }];
}

it('refuses a hand-over by file while the version is unknown, and captures once the kubelet is a newer one', async () => {
  begin();
  world.start();
  await world.clock.until('the refusal', () => captures('refused') === 1, 30_000);
  expect(world.agent.status().refused[0]?.reasons.map((reason) => reason.code)).toEqual(['needs-newer-kubelet']);

  world.kubeletMinor = 36;
  await world.clock.until('the capture', () => captures('saved') === 1, 120_000);

  expect(world.agent.status().refused).toEqual([]);
  const [checkpoint] = await world.store.load();
  expect(JSON.stringify(checkpoint)).not.toContain('top-secret');
  expect(checkpoint?.record.images).toContainEqual({ container: 'podckpt-env', image: 'agent:1', imageRef: '' });
});

it('waits when the version cannot be told now, and refuses nothing', async () => {
  begin();
  const { kubeletVersion } = world.ports;
  let down = true;
  Object.assign(kubeletVersion, {
    atLeast: async () => {
      if (down) throw new PortError('unavailable', 'the kubelet is not running');
      return 37;
    },
  });
  world.start();
  await world.clock.until('a failed try', () => captures('failed') > 0, 30_000);
  expect(captures('refused')).toBe(0);

  down = false;
  await world.clock.until('the capture', () => captures('saved') === 1, 120_000);
});
