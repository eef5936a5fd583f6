/** A node in memory with the agent in its DaemonSet's pod, for the tests of the agent's own survival. */
import type { AgentSettings } from '../../src/agent/settings.ts';
import type { Ledger, RawPod, RuntimeContainer, Sandbox } from '../../src/core/model/model.ts';
import { aContainer, aHostPod, aSandbox, policy } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';

const LABELS = { 'app.kubernetes.io/name': 'pod-checkpointer', 'app.kubernetes.io/instance': 'one' };

export function agentPod(uid: string, name: string): RawPod {
  const pod = aHostPod({ uid, name, daemonSet: 'ds', containerId: `c-${uid}` });
  return { ...pod, metadata: { ...pod.metadata, namespace: 'ckpt', labels: LABELS } };
}
export function agentRuns(uid: string, name: string): { sandbox: Sandbox; container: RuntimeContainer } {
  const pod = { uid, name, namespace: 'ckpt', labels: LABELS };
  return {
    sandbox: aSandbox({ id: `s-${uid}`, ...pod }),
    container: aContainer({ id: `c-${uid}`, sandboxId: `s-${uid}`, podUid: uid, podName: name, podNamespace: 'ckpt' }),
  };
}
export function standbyRuns(name: string, revision: string): { sandbox: Sandbox; container: RuntimeContainer } {
  const uid = `static-${name}`;
  return {
    sandbox: aSandbox({
      id: `s-${uid}`,
      uid,
      name: `${name}-ckpt-n1`,
      namespace: 'ckpt',
      labels: { ...LABELS, 'checkpointer/copy': 'true' },
      annotations: {
        'kubernetes.io/config.source': 'file',
        'checkpointer/copy-of': `ckpt/${name}`,
        'checkpointer/revision': revision,
      },
    }),
    container: aContainer({ id: `c-${uid}`, sandboxId: `s-${uid}`, podUid: uid, podNamespace: 'ckpt' }),
  };
}
export const agentOf = (uid: string): Partial<AgentSettings> => ({
  policy: { ...policy, role: 'daemonset', ownUid: uid },
  selection: { namespaces: ['kube-system'], nodeName: 'n1', ownUid: uid },
  limits: { checkpoints: 1, bytesPerPod: 1_000_000, bytesTotal: 10_000_000 },
});

export function put(world: World, { sandbox, container }: { sandbox: Sandbox; container: RuntimeContainer }): void {
  world.runtime?.sandboxes.push(sandbox);
  world.runtime?.containers.push(container);
}
export function filesOf(world: World): readonly string[] {
  return [...world.manifests.files.keys()].sort();
}
export function manifestOf(world: World, name: string): string {
  return [...world.manifests.files].find(([file]) => file.includes(name))?.[1] ?? '';
}
export async function ledgerOf(world: World): Promise<Ledger> {
  return world.store.readLedger();
}

/** The DaemonSet's pod in charge, with one other parent; both captured. */
export async function inCharge(change: Partial<AgentSettings> = agentOf('a1')): Promise<World> {
  const world = createWorld(change);
  world.api.pods.set('u1', aHostPod());
  world.api.pods.set('a1', agentPod('a1', 'agent-1'));
  world.runtime = { sandboxes: [aSandbox()], containers: [aContainer()] };
  put(world, agentRuns('a1', 'agent-1'));
  world.kubelet = [
    { namespace: 'kube-system', name: 'web-1' },
    { namespace: 'ckpt', name: 'agent-1' },
  ];
  world.start();
  await world.clock.until('both captures', () => world.counts.get('checkpointer_captures_total saved') === 2, 60_000);
  await world.clock.until('the standby', () => filesOf(world).length === 1, 30_000);
  return world;
}
