/** The two steps of an uninstall that helm waits for, against a cluster in memory. */
import { beforeEach, describe, expect, it } from 'vitest';
import { awaitNodes, removeAgents } from '../../src/agent/uninstall/uninstall.ts';
import { aDaemonSet } from '../fakes/builders.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { createFakeCluster, type FakeCluster } from '../fakes/uninstall-api.ts';

let clock: FakeClock;
let said: string[];
let cluster: FakeCluster;
beforeEach(() => {
  clock = createFakeClock();
  said = [];
  cluster = createFakeCluster();
});

const OPTIONS = {
  namespace: 'kube-system',
  agents: 'agents',
  cleaners: 'cleaners',
  limitMs: 240_000,
  say: (sentence: string): void => void said.push(sentence),
  signal: new AbortController().signal,
};
function outcome(work: Promise<boolean>): () => boolean | undefined {
  let result: boolean | undefined;
  void work.then((value) => {
    result = value;
  });
  return () => result;
}

describe("deleting the agents' DaemonSet", () => {
  it('is done when it is gone, and fine where it was gone before', async () => {
    cluster.sets.set('agents', aDaemonSet({ uid: 'a1' }));
    const result = outcome(removeAgents({ clock, api: cluster.api }, OPTIONS));
    await clock.until('done', () => result() === true, 10_000);

    expect(cluster.done).toEqual(['delete agents a1']);
  });

  it('leaves one alone that helm did not install: these objects were applied as they are', async () => {
    cluster.sets.set('agents', aDaemonSet({ ofHelm: false }));
    const result = outcome(removeAgents({ clock, api: cluster.api }, OPTIONS));
    await clock.until('done', () => result() === false, 10_000);

    expect(cluster.done).toEqual([]);
    expect(said).toEqual([
      expect.stringMatching(/^DaemonSet kube-system\/agents was not installed by helm, and was left alone: .*--no-hooks$/),
    ]);
  });

  it('says what is wrong when the DaemonSet stays although it was told to go', async () => {
    cluster.sets.set('agents', aDaemonSet({ uid: 'a1', deleting: true }));
    const api = { ...cluster.api, deleteDaemonSet: async () => undefined };
    const result = outcome(removeAgents({ clock, api }, OPTIONS));
    await clock.run(250_000);

    expect(result()).toBe(false);
    expect(said).toEqual([expect.stringMatching(/^DaemonSet kube-system\/agents was told to go and is still there: .*finalizers/)]);
  });

  it('is given up when its time is over', async () => {
    cluster.down = true;
    const result = outcome(removeAgents({ clock, api: cluster.api }, OPTIONS));
    await clock.run(239_000);
    expect(result()).toBeUndefined();
    await clock.run(10_000);

    expect(result()).toBe(false);
    expect(said).toContain('nobody answers');
  });
});

describe('waiting for the nodes', () => {
  beforeEach(() => {
    cluster.nodes = [
      { name: 'a', ready: true },
      { name: 'b', ready: true },
    ];
    cluster.pods = [
      { node: 'a', ready: true, waiting: '' },
      { node: 'b', ready: false, waiting: '' },
    ];
    cluster.sets.set('cleaners', aDaemonSet({ desired: 2, ready: 1 }));
  });

  it('ends when all are clean, and takes the cleaners away', async () => {
    const result = outcome(awaitNodes({ clock, api: cluster.api }, OPTIONS));
    await clock.run(30_000);
    expect(result()).toBeUndefined();
    expect(cluster.done).toEqual(['tie cleaners ds1']);

    cluster.pods = cluster.pods.map((pod) => ({ ...pod, ready: true }));
    await clock.until('done', () => result() === true, 5_000);

    expect(cluster.done).toEqual(['tie cleaners ds1', 'delete cleaners ds1']);
    expect(said).toEqual(['2 nodes are clean: a, b']);
  });

  it('does not wait for a node that is down, names it, and leaves it its cleaner', async () => {
    cluster.nodes = [
      { name: 'a', ready: true },
      { name: 'b', ready: false },
    ];
    const result = outcome(awaitNodes({ clock, api: cluster.api }, OPTIONS));
    await clock.until('done', () => result() === true, 5_000);

    expect(cluster.done).toEqual(['tie cleaners ds1']);
    expect(said).toEqual(['1 node is clean: a', expect.stringMatching(/^1 node is down: b: cleaned as soon as the node comes back; /)]);
  });

  it('names a node that is up and not clean when its time is over', async () => {
    cluster.pods = [{ node: 'a', ready: false, waiting: 'ImagePullBackOff' }, ...cluster.pods.slice(1)];
    const result = outcome(awaitNodes({ clock, api: cluster.api }, OPTIONS));
    await clock.run(245_000);

    expect(result()).toBe(false);
    expect(said).toContain('node a is up and not clean: ImagePullBackOff');
    expect(said).toContain('node b is up and not clean');
    expect(cluster.sets.has('cleaners')).toBe(true);
  });

  it('removes what belongs to the cleaners where they have removed themselves first', async () => {
    cluster.sets.delete('cleaners');
    const result = outcome(awaitNodes({ clock, api: cluster.api }, OPTIONS));
    await clock.until('done', () => result() === true, 5_000);

    expect(cluster.done).toEqual(['remove belongings of cleaners']);
    expect(said).toEqual(['DaemonSet kube-system/cleaners has nothing to clean any more']);
  });

  it('goes on where it was interrupted', async () => {
    cluster.down = true;
    const result = outcome(awaitNodes({ clock, api: cluster.api }, OPTIONS));
    await clock.run(30_000);
    cluster.down = false;
    cluster.pods = cluster.pods.map((pod) => ({ ...pod, ready: true }));
    await clock.until('done', () => result() === true, 5_000);

    expect(said[0]).toBe('nobody answers');
  });
});
