/** The agent in its DaemonSet's pod: captures itself, places the standby, renews it, and takes the old one away. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/core/model/model.ts';
import { aContainer, aHostPod, aSandbox } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';
import {
  agentOf,
  agentPod,
  agentRuns,
  filesOf,
  inCharge,
  ledgerOf,
  manifestOf as manifestIn,
  put as putInto,
  standbyRuns,
} from './own-world.ts';

let world: World;
afterEach(async () => world.stop());

const put = (parts: Parameters<typeof putInto>[1]): void => putInto(world, parts);
const files = (): readonly string[] => filesOf(world);
const ledger = (): Promise<Ledger> => ledgerOf(world);
const manifestOf = (name: string): string => manifestIn(world, name);

describe("the DaemonSet's pod", () => {
  it('captures itself beside a full set of checkpoints, and places the standby while all is well', async () => {
    world = await inCharge();

    expect(files()[0]).toMatch(/^podckpt-ckpt-agent-1-/);
    expect(manifestOf('agent-1')).toContain('{"name":"POD_CHECKPOINTER_ROLE","value":"standby"}');
    expect((await ledger()).placed).toMatchObject([{ key: 'ckpt_agent-1', self: true }]);
    expect(world.counts.get('checkpointer_activations_total placed')).toBeUndefined();
  });

  it('goes on being quiet with the standby in place', async () => {
    world = await inCharge();
    const { revision } = (await ledger()).placed[0] ?? { revision: '' };
    put(standbyRuns('agent-1', revision));
    await world.clock.run(120_000);

    const calls = world.manifests.calls.length;
    const writes = world.store.calls.length;
    await world.clock.run(600_000);

    expect(world.manifests.calls.slice(calls).filter((call) => call !== 'list')).toEqual([]);
    expect(world.manifests.calls.length - calls).toBeLessThanOrEqual(11);
    expect(world.store.calls.slice(writes).filter((call) => call !== 'load' && call !== 'keys' && call !== 'read')).toEqual([]);
  });

  it('goes on capturing others with the standby in place', async () => {
    world = createWorld({ ...agentOf('a1'), limits: { checkpoints: 2, bytesPerPod: 1_000_000, bytesTotal: 10_000_000 } });
    world.api.pods.set('a1', agentPod('a1', 'agent-1'));
    world.runtime = { sandboxes: [], containers: [] };
    put(agentRuns('a1', 'agent-1'));
    world.start();
    await world.clock.until('the standby', () => files().length === 1, 60_000);

    world.api.pods.set('u1', aHostPod());
    put({ sandbox: aSandbox(), container: aContainer() });
    world.podsChanged();

    await world.clock.until('the other capture', () => world.counts.get('checkpointer_captures_total saved') === 2, 60_000);
  });

  it('leaves the pods of its own DaemonSet to themselves', async () => {
    world = createWorld({ ...agentOf('a1'), selection: { namespaces: ['*'], nodeName: 'n1', ownUid: 'a1' } });
    for (const uid of ['a1', 'a0']) {
      world.api.pods.set(uid, agentPod(uid, `agent-${uid}`));
      put(agentRuns(uid, `agent-${uid}`));
    }
    world.start();
    await world.clock.run(120_000);

    expect((await world.store.load()).map(({ key }) => key)).toEqual(['ckpt_agent-a1']);
  });

  it('takes the old standby away only when its own runs; at every moment one lies there', async () => {
    world = await inCharge();
    put(standbyRuns('agent-1', (await ledger()).placed[0]?.revision ?? ''));
    await world.stop();
    const [store, manifests, runtime] = [world.store, world.manifests, world.runtime];
    const next = createWorld(agentOf('a2'));
    // the next pod of the DaemonSet, on the same disk
    Object.assign(next.ports, { store, manifests });
    world = { ...next, store, manifests } as World;
    next.runtime = {
      sandboxes: runtime?.sandboxes.filter((s) => s.uid !== 'a1') ?? [],
      containers: runtime?.containers.filter((c) => c.podUid !== 'a1') ?? [],
    };
    next.runtime.sandboxes.push(agentRuns('a2', 'agent-2').sandbox);
    next.runtime.containers.push(agentRuns('a2', 'agent-2').container);
    next.api.pods.set('a2', agentPod('a2', 'agent-2'));
    next.api.pods.set('u1', aHostPod());
    next.start();
    await next.clock.until('the new standby', () => files().length === 2, 60_000);
    await next.clock.run(300_000);
    expect(files()).toHaveLength(2);

    const revision = (await store.readLedger()).placed.find(({ key }) => key === 'ckpt_agent-2')?.revision ?? '';
    const { sandbox, container } = standbyRuns('agent-2', revision);
    next.runtime.sandboxes.push(sandbox);
    next.runtime.containers.push(container);
    await next.clock.until('the old one to leave', () => files().length === 1, 130_000);
    expect(files()[0]).toContain('agent-2');

    next.runtime.sandboxes = next.runtime.sandboxes.filter((s) => s.uid !== 'static-agent-1');
    next.runtime.containers = next.runtime.containers.filter((c) => c.podUid !== 'static-agent-1');
    await next.clock.run(70_000);
    expect((await store.load()).map(({ key }) => key)).toEqual(['ckpt_agent-2', 'kube-system_web-1']);
    expect(next.counts.get('checkpointer_retirements_total standby-replaced')).toBe(1);
    world = next;
  });
});

describe('a renewed input of the agent', () => {
  const source = { sources: [{ serviceAccountToken: { path: 'token' } }, { configMap: { name: 'kube-root-ca.crt' } }] };
  function mounted(): void {
    const pod = agentPod('a1', 'agent-1');
    world.api.pods.set('a1', {
      ...pod,
      spec: {
        ...pod.spec,
        containers: (pod.spec?.containers ?? []).map((container) => ({
          ...container,
          volumeMounts: [{ name: 'access', mountPath: '/access' }],
        })),
        volumes: [{ name: 'access', projected: source }],
      },
    });
    world.podsChanged();
  }
  function give(ca: string, token: string): void {
    const file = (path: string, text: string) => ({ path, mode: 0o644, uid: 0, gid: 0, content: new TextEncoder().encode(text) });
    world.volumes = { access: { version: `${ca} ${token}`, files: [file('ca.crt', ca), file('token', token)] } };
  }
  /** The standby of the first CA runs. */
  async function settled(): Promise<string> {
    world = await inCharge();
    give('ca one', 'token one');
    mounted();
    await world.clock.until('the first revision', () => manifestOf('agent-1').includes('/files/access'), 90_000);
    const { revision } = (await ledger()).placed[0] ?? { revision: '' };
    put(standbyRuns('agent-1', revision));
    await world.clock.run(10_000);
    return revision;
  }

  it('that is only its token changes nothing', async () => {
    const revision = await settled();
    give('ca one', 'token two');
    const before = manifestOf('agent-1');
    await world.clock.run(180_000);

    expect(manifestOf('agent-1')).toBe(before);
    expect((await ledger()).placed).toMatchObject([{ revision, attempt: 1 }]);
    expect(world.counts.get('checkpointer_captures_total unchanged')).toBe(1);
  });

  it('replaces the standby in place: at no moment is there none, whatever fails on the way', async () => {
    for (const port of ['manifests', 'store'] as const) {
      for (const method of port === 'manifests' ? ['place', 'list'] : ['writeLedger', 'save']) {
        const revision = await settled();
        world[port].failOnNthCall(1, new Error('disk full'), method);
        give('ca two', 'token one');
        let least = 1;
        await world.clock.until(
          `the new revision, with a failing ${method}`,
          () => {
            least = Math.min(least, files().length);
            return !manifestOf('agent-1').includes(revision);
          },
          300_000,
        );
        await world.clock.run(10_000);

        expect(least).toBe(1);
        expect(files()).toHaveLength(1);
        expect((await ledger()).placed).toMatchObject([{ self: true, phase: 'placed', attempt: 1 }]);
        expect(manifestOf('agent-1')).toContain((await ledger()).placed[0]?.revision);
        await world.stop();
      }
    }
  });
});
