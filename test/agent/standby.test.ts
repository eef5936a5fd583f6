/** The standby, whole: in charge without credentials, by local truth, until it makes way for the DaemonSet's pod. */
import { afterEach, describe, expect, it } from 'vitest';
import { blindWatch } from '../../src/adapters/kubernetes/index.ts';
import { readyOf } from '../../src/cli/agent/agent.ts';
import { statusNotes, statusRows } from '../../src/cli/inspect/status.ts';
import type { Ledger, RawPod } from '../../src/core/model/model.ts';
import { aContainer, aHostPod, aPod, aSandbox, copyContainer, copySandbox, parentDied, policy } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';
import { agentOf, agentRuns, filesOf, inCharge, ledgerOf, put as putInto, standbyRuns } from './own-world.ts';

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

  it('says what would keep a copy from starting, and then what keeps it down, each once', async () => {
    await prepared(aHostPod());
    world.images.clear();
    world.start();
    await world.clock.run(120_000);
    const lines = () => world.lines.filter(({ level }) => level === 'warn').map(({ message, fields }) => [message, fields['checkpoint']]);
    expect(lines()).toEqual([
      ['The copy would not start in an outage', 'kube-system/web-1'],
      ['Something keeps the copy down', 'kube-system/web-1'],
    ]);
    expect(readyOf(world.agent.status(), 'standby').detail).toMatch(
      /^the standby is in charge.*\nkube-system\/web-1: image-missing\. An image/,
    );

    world.api.outcome = 'answered';
    await world.clock.run(120_000);
    expect(world.agent.status().checkpoints.find(({ key }) => key === 'kube-system_web-1')?.reason).toBe('would-not-start: image-missing');
    expect(lines()).toHaveLength(2);

    world.images.add('img:1');
    await world.clock.run(65_000);
    expect(world.agent.status().hindrances).toEqual([]);
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

  it('probes forty times a minute while the API server answers and nothing waits', async () => {
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

    expect(probes).toBeGreaterThanOrEqual(380);
    expect(probes).toBeLessThanOrEqual(401);
  });

  it('makes way for a pod of the DaemonSet that has run for two seconds, and ends of itself', async () => {
    await prepared(aHostPod());
    world.api.outcome = 'answered';
    world.start();
    await world.clock.run(30_000);
    expect(yields()).toBe(false);

    put(agentRuns('a2', 'agent-2'));
    const took = await yielded(5_000);
    expect(took).toBeGreaterThanOrEqual(2_000);
    expect(took).toBeLessThanOrEqual(3_500);
    expect((await ledger()).yielded).toMatchObject({ toUid: 'a2', failures: 0, open: true });

    const turns = world.manifests.calls.length;
    await world.clock.run(60_000);
    expect(world.manifests.calls.length).toBe(turns);
    expect(files()).toHaveLength(1);
  });

  it('stays for an image that crashes as it starts, however often: nobody else would act meanwhile', async () => {
    await prepared(aHostPod());
    world.api.outcome = 'answered';
    world.start();
    for (let round = 0; round < 20; round += 1) {
      const { sandbox, container } = agentRuns('a2', 'agent-2');
      put({ sandbox: { ...sandbox, id: 'again' }, container: { ...container, id: `try-${round}`, sandboxId: 'again' } });
      await world.clock.run(1_500);
      for (const one of world.runtime?.containers ?? []) if (one.podUid === 'a2') Object.assign(one, { state: 'exited' });
      await world.clock.run(10_000);
    }

    expect(yields()).toBe(false);
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

  it('says once which pod of the DaemonSet does not take over, and why; on /status too, until that has changed', async () => {
    await prepared(aHostPod());
    world.api.outcome = 'answered';
    world.start();
    const broken = agentRuns('a2', 'agent-2');
    put({ ...broken, container: { ...broken.container, state: 'exited' } });
    world.kubelet = [{ namespace: 'ckpt', name: 'agent-2' }];
    await world.clock.until('the sentence', () => said(/does not take over; the standby stays in charge/) === 1, 10_000);
    await world.clock.run(120_000);

    expect(said(/does not take over/)).toBe(1);
    expect(yields()).toBe(false);
    expect(world.lines.find(({ message }) => /does not take over/.test(message))).toMatchObject({
      level: 'error',
      fields: { pod: 'ckpt/agent-2', reason: 'ending', why: expect.stringContaining('kubectl describe pod --namespace ckpt agent-2') },
    });
    const status = world.agent.status();
    expect(status.takeover).toMatchObject({ pod: 'ckpt/agent-2', trouble: 'ending' });
    const rows = statusRows({ checkpoints: await world.store.load(), ledger: await ledger() }, undefined, status, world.clock.wall());
    expect(rows.map(({ name, reason, warnings }) => [name, reason, warnings])).toEqual([
      ['agent-1', 'takeover-ending', [status.takeover?.message]],
      ['web-1', expect.not.stringContaining('takeover'), []],
    ]);
    expect(statusNotes(status)).toEqual([expect.stringContaining('the standby stays in charge: the container of pod ckpt/agent-2')]);
    expect(readyOf(status, 'standby').detail).toContain(status.takeover?.message);

    world.runtime?.containers.push({ ...broken.container, id: 'c-a2-again' });
    await yielded(5_000);
    expect(world.agent.status().takeover).toBeUndefined();
  });

  it('tells the same pod once, though its container comes and goes', async () => {
    await prepared(aHostPod());
    world.api.outcome = 'answered';
    const at = new Date(world.clock.wall() - 60_000).toISOString();
    await world.store.writeLedger({ ...(await ledger()), yielded: { toUid: 'a2', at, bootId: 'b1', failures: 0, open: true } });
    world.start();
    const broken = agentRuns('a2', 'agent-2');
    put(broken);
    world.kubelet = [{ namespace: 'ckpt', name: 'agent-2' }];
    for (let round = 0; round < 5; round += 1) {
      for (const container of world.runtime?.containers ?? [])
        if (container.podUid === 'a2') Object.assign(container, { state: round % 2 === 0 ? 'exited' : 'running' });
      await world.clock.run(20_000);
    }

    expect(said(/lost it at once; the standby stays in charge/)).toBe(1);
    expect(said(/does not take over/)).toBe(1);
  });
});

describe("the DaemonSet's pod that ends in order", () => {
  async function endedAfterYieldTo(uid: string): Promise<Ledger> {
    world = await inCharge();
    const at = new Date(world.clock.wall() - 30_000).toISOString();
    await world.stop();
    const before = world;
    world = createWorld(agentOf('a1'));
    Object.assign(world.ports, { store: before.store, manifests: before.manifests });
    world = Object.assign(world, { store: before.store, manifests: before.manifests });
    await world.store.writeLedger({ ...(await ledger()), yielded: { toUid: uid, at, bootId: 'b1', failures: 0, open: true } });
    world.start();
    await world.clock.run(5_000);
    await world.stop();
    return ledger();
  }

  it('did not lose the lock: the standby after it has nothing to say against it', async () => {
    const left = await endedAfterYieldTo('a1');
    expect(left.yielded).toBeUndefined();
    expect(left.placed).toHaveLength(1);
  });

  it('leaves alone what is remembered of another pod', async () => {
    expect((await endedAfterYieldTo('a0')).yielded).toMatchObject({ toUid: 'a0', open: true });
  });
});
