/** A pod of the uninstall on one node, in memory: when it cleans, when it ends, and that it is in nobody's way. */
import { beforeEach, describe, expect, it } from 'vitest';
import { runCleaner } from '../../src/agent/uninstall/cleaner.ts';
import { PortError } from '../../src/ports.ts';
import { aDaemonSet } from '../fakes/builders.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { createFakeCluster, type FakeCluster } from '../fakes/uninstall-api.ts';

const NAMES = { namespace: 'kube-system', agents: 'agents', cleaners: 'cleaners' };
let clock: FakeClock;
let said: string[];
let stop: AbortController;
let cluster: FakeCluster;
/** Who holds the lock of the node: us, somebody else, or nobody. */
let lock: { holder: 'us' | 'agent' | undefined; waiting: (() => void)[] };
let tries: (boolean | PortError)[];

beforeEach(() => {
  clock = createFakeClock();
  said = [];
  stop = new AbortController();
  cluster = createFakeCluster();
  lock = { holder: undefined, waiting: [] };
  tries = [];
});

const hostLock = {
  held: () => lock.holder === 'us',
  acquire: (signal: AbortSignal): Promise<boolean> =>
    new Promise((resolve) => {
      const take = (): void => {
        if (signal.aborted) return;
        lock.holder = 'us';
        resolve(true);
      };
      signal.addEventListener('abort', () => resolve(lock.holder === 'us'), { once: true });
      if (lock.holder === undefined) take();
      else lock.waiting.push(take);
    }),
  release: () => {
    if (lock.holder === 'us') lock.holder = undefined;
  },
};
function agentEnds(): void {
  lock.holder = undefined;
  for (const take of lock.waiting.splice(0)) take();
}

/** Ends with the test, when the signal comes. */
function clean(): { readonly left: () => boolean; readonly cleaned: () => number } {
  let [left, cleaned] = [false, 0];
  void runCleaner(
    { clock, random: () => 0.5, api: cluster.api, lock: hostLock },
    {
      ...NAMES,
      cleanNode: async () => {
        expect(lock.holder).toBe('us');
        cleaned += 1;
        const outcome = tries.shift() ?? true;
        if (outcome instanceof PortError) throw outcome;
        return outcome;
      },
      leave: async () => {
        left = true;
      },
      say: (sentence) => said.push(sentence),
      signal: stop.signal,
    },
  );
  return { left: () => left, cleaned: () => cleaned };
}

describe('a pod that cleans its node', () => {
  it('cleans when the agents are gone, keeps the lock, and deletes its DaemonSet when every node is clean', async () => {
    const pod = clean();
    await clock.until('cleaned', () => pod.cleaned() === 1, 1_000);
    await clock.run(300_000);
    expect(cluster.done).toEqual([]);
    expect(lock.holder).toBe('us');

    cluster.sets.set('cleaners', aDaemonSet({ uid: 'ds2', createdAt: 2000 }));
    await clock.until('left', pod.left, 40_000);

    expect(cluster.done).toEqual(['delete cleaners ds2']);
    expect(lock.holder).toBeUndefined();
    expect(pod.cleaned()).toBe(1);
  });

  it('asks seldom while it waits for a node that is away for days', async () => {
    clean();
    await clock.run(600_000);
    const { asked } = cluster;
    await clock.run(3_600_000);

    expect(cluster.asked - asked).toBeLessThanOrEqual(2 * 120 + 2);
  });

  it.each([
    ['are there', () => cluster.sets.set('agents', aDaemonSet({ createdAt: 1000 })), /^DaemonSet kube-system\/agents is there/],
    ['cannot be asked about', () => (cluster.down = true), /^nobody answers$/],
  ])('touches nothing and takes no lock while the agents %s, and says so', async (_, given, sentence) => {
    given();
    const pod = clean();
    await clock.run(600_000);

    expect(pod.cleaned()).toBe(0);
    expect(lock.holder).toBeUndefined();
    expect(said[0]).toMatch(sentence);

    cluster.sets.delete('agents');
    cluster.down = false;
    await clock.until('cleaned', () => pod.cleaned() === 1, 10_000);
  });

  it('makes way for agents that were installed again, and leaves the node to them', async () => {
    const pod = clean();
    await clock.until('cleaned', () => pod.cleaned() === 1, 1_000);
    cluster.sets.set('agents', aDaemonSet({ createdAt: 3000 }));

    await clock.until('left', pod.left, 40_000);

    expect(cluster.done).toEqual(['delete cleaners ds1']);
    expect(lock.holder).toBeUndefined();
  });

  it('that comes back after a new install touches nothing', async () => {
    cluster.sets.set('agents', aDaemonSet({ createdAt: 3000 }));
    lock.holder = 'agent';
    const pod = clean();
    await clock.until('left', pod.left, 1_000);
    await clock.run(60_000);

    expect(pod.cleaned()).toBe(0);
    expect(said).toEqual(['the agents were installed again: nothing is cleaned any more']);
    expect(cluster.done).toEqual(['delete cleaners ds1']);
  });

  it('waits in the queue of the lock, and leaves it when the agents are there again', async () => {
    lock.holder = 'agent';
    const pod = clean();
    await clock.run(30_000);
    expect(said).toContain('another process of ours holds the lock of this node: waiting until it ends');

    cluster.sets.set('agents', aDaemonSet({ createdAt: 3000 }));
    await clock.until('left', pod.left, 20_000);
    agentEnds();
    await clock.run(30_000);

    expect(pod.cleaned()).toBe(0);
    expect(lock.holder).toBeUndefined();
  });

  it('gives the lock back when the agents came while it waited for it', async () => {
    lock.holder = 'agent';
    const pod = clean();
    await clock.run(1_000);
    cluster.sets.set('agents', aDaemonSet({ createdAt: 3000 }));
    agentEnds();
    await clock.until('left', pod.left, 20_000);

    expect(pod.cleaned()).toBe(0);
    expect(lock.holder).toBeUndefined();
  });

  it('tries again what failed, with the lock held', async () => {
    tries = [new PortError('unavailable', 'the runtime does not answer'), false];
    cluster.sets.set('cleaners', aDaemonSet({ createdAt: 2000 }));
    const pod = clean();
    await clock.until('left', pod.left, 60_000);

    expect(pod.cleaned()).toBe(3);
    expect(said[0]).toBe('the runtime does not answer');
  });
});
