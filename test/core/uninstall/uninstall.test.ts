/** The uninstall's own table row by row, and which nodes are clean, down or awaited. */
import { describe, expect, it } from 'vitest';
import { seen, unseen } from '../../../src/core/model/model.ts';
import {
  type CleanerPod,
  cleanerStep,
  type DaemonSetView,
  type NodeView,
  type SeenDaemonSet,
  uninstallProgress,
} from '../../../src/core/uninstall/uninstall.ts';
import { aDaemonSet } from '../../fakes/builders.ts';
import { type Case, misfits, readTable, unreached } from '../tables.ts';

const DOMAINS = {
  agents: ['gone', 'deleting', 'older', 'younger', 'unknown'],
  cleaners: ['gone', 'deleting', 'unknown', 'all-ready', 'some-ready', 'old-status', 'old-pods', 'no-pods'],
  clean: ['yes', 'no'],
} as const;
const rows = readTable('uninstall.txt', DOMAINS);

const AGENTS: Readonly<Record<string, SeenDaemonSet>> = {
  gone: seen(undefined),
  deleting: seen(aDaemonSet({ createdAt: 1000, deleting: true })),
  older: seen(aDaemonSet({ createdAt: 1000 })),
  younger: seen(aDaemonSet({ createdAt: 3000 })),
  unknown: unseen('HTTP 503'),
};
const cleanersThat = (change: Partial<DaemonSetView>): SeenDaemonSet => seen(aDaemonSet({ createdAt: 2000, ...change }));
const CLEANERS: Readonly<Record<string, SeenDaemonSet>> = {
  gone: seen(undefined),
  deleting: cleanersThat({ deleting: true }),
  unknown: unseen('HTTP 503'),
  'all-ready': cleanersThat({}),
  'some-ready': cleanersThat({ ready: 2 }),
  'old-status': cleanersThat({ observed: false }),
  'old-pods': cleanersThat({ updated: 2 }),
  'no-pods': cleanersThat({ desired: 0, updated: 0, ready: 0 }),
};

const answer = (one: Case<keyof typeof DOMAINS>): string =>
  cleanerStep(AGENTS[one.agents] ?? unseen(''), CLEANERS[one.cleaners] ?? unseen(''), one.clean === 'yes');

describe("the cleaner's table", () => {
  it('has every combination in exactly one row, and is what cleanerStep answers', () => {
    const wrong = misfits(rows, DOMAINS, answer, (row) => row.next);

    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it('has no row that no combination reaches', () => {
    expect(unreached(rows, DOMAINS)).toEqual([]);
  });

  it('takes agents of the same second for older ones: nothing is touched', () => {
    expect(cleanerStep(seen(aDaemonSet({ createdAt: 2000 })), cleanersThat({}), false)).toBe('wait');
  });
});

const up = (name: string): NodeView => ({ name, ready: true });
const down = (name: string): NodeView => ({ name, ready: false });
const ready = (node: string): CleanerPod => ({ node, ready: true, waiting: '' });
const notReady = (node: string, waiting = ''): CleanerPod => ({ node, ready: false, waiting });
const none = { clean: [], down: [], awaited: [] };

describe('the progress of an uninstall', () => {
  it.each<[string, DaemonSetView | undefined, readonly CleanerPod[], readonly NodeView[], object]>([
    ['is done when the cleaners have removed themselves', undefined, [], [up('a')], { ...none, result: 'all-clean' }],
    [
      'is done when every pod is ready',
      aDaemonSet({ desired: 1 }),
      [ready('a')],
      [up('a')],
      { ...none, clean: ['a'], result: 'all-clean' },
    ],
    ['is done where no node had an agent', aDaemonSet({ desired: 0 }), [], [up('a')], { ...none, result: 'all-clean' }],
    ['waits for the status', aDaemonSet({ desired: 0, observed: false }), [], [up('a')], { ...none, result: 'going-on' }],
    ['waits for the pods', aDaemonSet({ desired: 2 }), [ready('a')], [up('a'), up('b')], { ...none, clean: ['a'], result: 'going-on' }],
    [
      'waits for a node that is up',
      aDaemonSet({ desired: 2 }),
      [ready('a'), notReady('b', 'ImagePullBackOff')],
      [up('a'), up('b')],
      { clean: ['a'], down: [], awaited: [{ node: 'b', why: 'ImagePullBackOff' }], result: 'going-on' },
    ],
    [
      'waits for a pod whose node is not said',
      aDaemonSet({ desired: 1 }),
      [notReady('')],
      [up('a')],
      { ...none, awaited: [{ node: 'a node that is not named yet', why: '' }], result: 'going-on' },
    ],
    [
      'does not wait for one that is down',
      aDaemonSet({ desired: 3 }),
      [ready('b'), ready('a'), notReady('c')],
      [up('a'), up('b'), down('c')],
      { clean: ['a', 'b'], down: ['c'], awaited: [], result: 'up-clean' },
    ],
    [
      'counts one that went down after it was cleaned as clean',
      aDaemonSet({ desired: 1 }),
      [ready('a')],
      [down('a')],
      { ...none, clean: ['a'], result: 'all-clean' },
    ],
    [
      'forgets one that was removed from the cluster',
      aDaemonSet({ desired: 1 }),
      [ready('a'), notReady('gone')],
      [up('a')],
      { ...none, clean: ['a'], result: 'all-clean' },
    ],
  ])('%s', (_, cleaners, pods, nodes, progress) => {
    expect(uninstallProgress(cleaners, pods, nodes)).toEqual(progress);
  });
});
