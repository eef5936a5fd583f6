/** The standby, whole: in charge without credentials, by local truth, until it makes way for the DaemonSet's pod. */
import { afterEach, describe, expect, it } from 'vitest';
import { blindWatch } from '../../src/adapters/kubernetes/index.ts';
import type { Ledger, RawPod } from '../../src/core/model.ts';
import { aContainer, aHostPod, aPod, aSandbox, copyContainer, copySandbox, parentDied, policy } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';
import { agentRuns, filesOf, inCharge, ledgerOf, put as putInto, standbyRuns } from './own-world.ts';

let world: World;
afterEach(async () => world.stop());

const put = (parts: Parameters<typeof putInto>[1]): void => putInto(world, parts);
const files = (): readonly string[] => filesOf(world);
const ledger = (): Promise<Ledger> => ledgerOf(world);
const said = (message: RegExp): number => world.lines.filter((line) => message.test(line.message)).length;

describe('the standby', () => {
  /** The whole node has rebooted without an API server: the standby alone is there, with no credentials. */
  async function rebooted(parent: RawPod = aHostPod()): Promise<void> {
    await prepared(parent);
    world.start();
    await world.clock.until('the copy', () => files().length === 2, 30_000);
    put({ sandbox: copySandbox, container: copyContainer });
    await world.clock.run(2_000);
  }
  /** What the DaemonSet's pod has left on the disk, under the standby. */
  async function prepared(parent: RawPod): Promise<void> {
    world = await inCharge();
    if (parent.spec?.hostNetwork !== true) {
      world.api.pods.set('u1', parent);
      world.podsChanged();
      await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 3, 90_000);
    }
    await world.stop();
    const before = world;
    world = createWorld({ policy: { ...policy, role: 'standby', ownUid: 'static-agent-1' } });
    Object.assign(world.ports, { store: before.store, manifests: before.manifests, watch: blindWatch() });
    world = Object.assign(world, { store: before.store, manifests: before.manifests });
    world.api.outcome = 'refused';
    world.runtime = structuredClone({ sandboxes: [...parentDied.sandboxes], containers: [...parentDied.containers] });
    put(standbyRuns('agent-1', 'r'));
    world.kubelet = [];
  }
  const yields = (): boolean => said(/makes way/) > 0;
  const yielded = (limitMs: number): Promise<number> => world.clock.until('the yield', yields, limitMs);

  it('starts the copies, and hands back on the host network by local truth alone', async () => {
    await rebooted();
    world.api.outcome = 'answered';
    await world.clock.run(3_000);
    expect(files()).toHaveLength(2);

    put({ sandbox: aSandbox({ id: 's2' }), container: aContainer({ id: 'p2', sandboxId: 's2', state: 'created' }) });
    const took = await world.clock.until('the withdrawal', () => files().length === 1, 1_000);

    expect(took).toBeLessThanOrEqual(50);
    expect(files()[0]).toContain('agent-1');
  });

  it('hands back a pod with its own address when that has run for minReady, with no view of the API', async () => {
    await rebooted(aPod({ containerId: 'p1' }));
    world.api.outcome = 'answered';
    await world.clock.run(3_000);

    put({ sandbox: aSandbox({ id: 's2' }), container: aContainer({ id: 'p2', sandboxId: 's2' }) });
    const took = await world.clock.until('the withdrawal', () => files().length === 1, 30_000);

    expect(took).toBeGreaterThanOrEqual(10_000);
    expect(took).toBeLessThanOrEqual(12_000);
  });

  it('captures nothing and retires nothing, whatever answers', async () => {
    await rebooted();
    world.api.outcome = 'ok';
    const before = (await world.store.load()).map(({ key }) => key);
    await world.clock.run(200_000);

    expect((await world.store.load()).map(({ key }) => key)).toEqual(before);
    expect(world.counts.get('checkpointer_captures_total saved')).toBeUndefined();
  });

  it('probes four times a minute while the API server answers and nothing waits', async () => {
    await prepared(aHostPod());
    world.api.outcome = 'answered';
    let probes = 0;
    const { probe } = world.ports.probe;
    Object.assign(world.ports.probe, {
      probe: async (ms: number) =>
        probe(ms).finally(() => {
          probes += 1;
        }),
    });
    world.start();
    await world.clock.run(60_000);
    probes = 0;
    await world.clock.run(600_000);

    expect(probes).toBeGreaterThanOrEqual(38);
    expect(probes).toBeLessThanOrEqual(41);
  });

  it('makes way within two seconds for a running pod of the DaemonSet, and ends of itself', async () => {
    await prepared(aHostPod());
    world.api.outcome = 'answered';
    world.start();
    await world.clock.run(30_000);
    expect(yields()).toBe(false);

    put(agentRuns('a2', 'agent-2'));
    expect(await yielded(5_000)).toBeLessThanOrEqual(2_000);
    expect((await ledger()).yielded).toMatchObject({ toUid: 'a2', failures: 0, open: true });

    const turns = world.manifests.calls.length;
    await world.clock.run(60_000);
    expect(world.manifests.calls.length).toBe(turns);
    expect(files()).toHaveLength(1);
  });

  it('waits for a hand-back that is due, a minute at most', async () => {
    await rebooted();
    world.api.outcome = 'answered';
    await world.clock.run(3_000);

    put(agentRuns('a2', 'agent-2'));
    const took = await yielded(120_000);

    expect(took).toBeGreaterThanOrEqual(60_000);
    expect(took).toBeLessThanOrEqual(62_000);
    expect(files()).toHaveLength(2);
  });

  it('stays in charge, and says so, when the lock came back at once', async () => {
    await prepared(aHostPod());
    const at = new Date(world.clock.wall() - 60_000).toISOString();
    await world.store.writeLedger({ ...(await ledger()), yielded: { toUid: 'a2', at, bootId: 'b1', failures: 0, open: true } });
    world.api.outcome = 'answered';
    world.start();
    put(agentRuns('a2', 'agent-2'));
    await world.clock.run(290_000);

    expect((await ledger()).yielded).toMatchObject({ failures: 1, open: false });
    expect(said(/lost it at once; the standby stays in charge/)).toBe(1);

    await yielded(20_000);
    expect((await ledger()).yielded).toMatchObject({ toUid: 'a2', failures: 1, open: true });
  });
});
