/** What a row of `status` says of a checkpoint whose copy does not start, or would not. */
import { describe, expect, test } from 'vitest';
import type { AgentStatus } from '../../src/agent/status.ts';
import { rowNotes, statusColumns, statusNotes, statusRows } from '../../src/cli/inspect/status.ts';
import { aCheckpoint, aLedger, aPlaced, WALL } from '../fakes/builders.ts';

test.each([
  [{}, 'inactive', ''],
  [{ problem: 'pod.json: other bytes' }, 'damaged', 'pod.json: other bytes'],
  [{ problem: 'pod.json: EMFILE', unread: 'EMFILE' }, 'unread', 'pod.json: EMFILE'],
])('%o', (found, state, reason) => {
  const [row] = statusRows({ checkpoints: [aCheckpoint({}, found)], ledger: aLedger() }, undefined, undefined, WALL);
  expect(row).toMatchObject({ state, reason });
});

describe('where an agent answers', () => {
  const key = 'kube-system_web-1';
  const hindrance = {
    key,
    checkpoint: 'kube-system/web-1',
    reason: 'image-missing',
    down: false,
    message: 'Load it.',
    sinceWall: WALL - 5_000,
  } as const;
  const ahead: AgentStatus = {
    lastTurn: 0,
    lockHeld: true,
    sourcesSettled: true,
    checkpoints: [{ key, state: 'inactive', reason: 'would-not-start: image-missing', sinceWall: WALL - 5_000 }],
    refused: [],
    warnings: [],
    hindrances: [hindrance],
    api: { state: 'reachable', evidence: 'requests succeed' },
  };
  const denied = { key, reason: 'image-denied' as const, message: 'It was pulled with a secret.' };
  const rowOf = (agent: AgentStatus, found = {}, ledger = aLedger()) =>
    statusRows({ checkpoints: [aCheckpoint({}, found)], ledger }, new Map(), agent, WALL)[0];

  test('the table has the reason in the column that it always had, and the sentence stands below', () => {
    const row = rowOf(ahead);
    const cells = statusColumns.map(({ header, cell }) => [header, row === undefined ? '' : cell(row)]);

    expect(cells.slice(0, 5)).toEqual([
      ['NAMESPACE', 'kube-system'],
      ['NAME', 'web-1'],
      ['STATE', 'inactive'],
      ['REASON', 'would-not-start: image-missing'],
      ['SINCE', '2026-11-21T07:59:55.000Z'],
    ]);
    expect(statusNotes(ahead)).toEqual(['kube-system/web-1: would-not-start: image-missing. Load it.']);
  });

  test('data has the bare reason and every sentence, that of the hindrance first', () => {
    expect(rowOf({ ...ahead, warnings: [denied] })).toMatchObject({
      reason: 'would-not-start: image-missing',
      obstacle: 'image-missing',
      warnings: ['Load it.', 'It was pulled with a secret.'],
    });
  });

  test('a damaged checkpoint and a manifest that is gone keep their own words', () => {
    expect(rowOf(ahead, { problem: 'pod.json: digest' })).toMatchObject({
      state: 'damaged',
      reason: 'pod.json: digest',
      obstacle: 'image-missing',
    });
    const active = { ...ahead, checkpoints: [{ key, state: 'active', reason: 'copy-serving', sinceWall: WALL - 5_000 }] };
    expect(rowOf(active, {}, aLedger([aPlaced()]))).toMatchObject({ state: 'active', reason: 'manifest-missing' });
    const placing = { ...ahead, checkpoints: [{ key, state: 'inactive', reason: 'api-unsure', sinceWall: WALL }], hindrances: [] };
    expect(rowOf(placing, {}, aLedger([aPlaced()]))).toMatchObject({ state: 'active', reason: 'api-unsure', warnings: [] });
  });

  test('what concerns the node as a whole stands below, each in its own sentence', () => {
    const all: AgentStatus = {
      ...ahead,
      hindrances: [],
      lacking: 'lacking',
      api: { ...ahead.api, denied: 'denied', tls: 'tls' },
      contradiction: 'contradiction',
      staticPodsUnread: 'unread',
      strangers: 'strangers',
    };
    expect(statusNotes(all)).toEqual(['lacking', 'denied', 'tls', 'contradiction', 'unread', 'strangers']);
  });

  test('an agent of before, which tells of no hindrances, is understood', () => {
    const { hindrances: _, ...before } = ahead;

    expect(rowOf({ ...before, warnings: [denied] })).toMatchObject({ reason: 'image-denied', obstacle: '' });
    expect(statusNotes(before)).toEqual([]);
  });
});

describe('a row that calls for somebody to act has its sentence below the table', () => {
  const key = 'kube-system_web-1';
  const agentSaying = (reason: string, more: Partial<AgentStatus> = {}): AgentStatus => ({
    lastTurn: 0,
    lockHeld: true,
    sourcesSettled: true,
    checkpoints: [{ key, state: 'active', reason, sinceWall: WALL }],
    refused: [],
    warnings: [],
    api: { state: 'reachable', evidence: 'requests succeed' },
    ...more,
  });
  const notesOf = (agent: AgentStatus) => rowNotes(statusRows({ checkpoints: [aCheckpoint()], ledger: aLedger() }, undefined, agent, WALL));

  test.each(['kubelet-blind', 'hand-back-overdue', 'hand-back-failed', 'copy-refused'])('%s: what it means and what to do', (reason) => {
    expect(notesOf(agentSaying(reason))).toEqual([expect.stringMatching(new RegExp(`^kube-system/web-1: ${reason}[.] [^\`]*[.]$`))]);
  });

  test.each(['api-reachable', 'copy-serving', 'awaiting-parent', 'parent-running'])('%s: nothing', (reason) => {
    expect(notesOf(agentSaying(reason))).toEqual([]);
  });

  test('an image that the kubelet denies, in the words of the agent', () => {
    const warnings = [{ key, reason: 'image-denied', message: 'It was pulled with a secret.' }] as const;
    expect(notesOf(agentSaying('api-reachable', { warnings }))).toEqual(['kube-system/web-1: image-denied. It was pulled with a secret.']);
  });

  test('what the agent tells of the copy, or of its own pod, is not told again', () => {
    const message = 'It ends.';
    const hindrance = { key, checkpoint: 'kube-system/web-1', reason: 'copy-failing', down: true, message, sinceWall: WALL } as const;

    expect(notesOf(agentSaying('copy-failing', { hindrances: [hindrance] }))).toEqual([]);
    expect(rowNotes([{ ...aRow(), reason: 'takeover-ending', warnings: [message] }])).toEqual([]);
  });

  test('a refused pod: every reason a line, and as data too', () => {
    const reasons = [
      { code: 'job', message: 'first' },
      { code: 'hostname', message: 'second' },
    ];
    const agent = agentSaying('api-reachable', { refused: [{ namespace: 'a', name: 'b', reasons }] });
    const rows = statusRows({ checkpoints: [], ledger: aLedger() }, undefined, agent, WALL);

    expect(rows).toMatchObject([{ state: 'refused', reason: 'job, hostname', warnings: ['first', 'second'] }]);
    expect(rowNotes(rows)).toEqual(['a/b: refused. first', 'a/b: refused. second']);
  });

  test('of many the first twenty, and how many more', () => {
    const rows = Array.from({ length: 22 }, () => ({ ...aRow(), warnings: ['x'] }));

    expect(rowNotes(rows)).toHaveLength(21);
    expect(rowNotes(rows).at(-1)).toBe('and 2 more; --output json has them all');
  });

  function aRow() {
    const [row] = statusRows({ checkpoints: [aCheckpoint()], ledger: aLedger() }, undefined, undefined, WALL);
    if (row === undefined) throw new Error('no row');
    return row;
  }
});

describe('what a copy reserves', () => {
  const spec = { containers: [{ name: 'main', resources: { requests: { cpu: '1', memory: '1Gi' } } }] };
  const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: {}, spec });
  const amounts = { cpu: 0, memory: 2 ** 30, 'ephemeral-storage': 0 };
  const cellOf = (placed: Parameters<typeof aPlaced>[0] | undefined) => {
    const ledger = aLedger(placed === undefined ? [] : [aPlaced(placed)]);
    const [row] = statusRows({ checkpoints: [aCheckpoint({}, { manifest })], ledger }, undefined, undefined, WALL);
    const column = statusColumns.find(({ header }) => header === 'RESERVES');
    return row === undefined ? undefined : [column?.cell(row), row.reserves, row.reservesWhy];
  };

  test.each([
    ['none is placed', undefined, ['-', '', '']],
    ['an older version placed it', {}, ['all', 'all', '']],
    ['a part is kept', { reserves: { zeroed: ['cpu'], why: 'no-room', amounts } } as const, ['memory', 'memory', 'no-room']],
    [
      'nothing is',
      { reserves: { zeroed: ['cpu', 'memory'], why: 'room-unknown', amounts } } as const,
      ['nothing', 'nothing', 'room-unknown'],
    ],
  ])('is told where %s', (_name, placed, expected) => {
    expect(cellOf(placed)).toEqual(expected);
  });

  test('that there may be too many pods stands below the table', () => {
    const agent: AgentStatus = {
      lastTurn: 0,
      lockHeld: true,
      sourcesSettled: true,
      checkpoints: [],
      refused: [],
      warnings: [],
      api: { state: 'reachable', evidence: 'requests succeed' },
      podsTooMany: 'too many',
    };
    expect(statusNotes(agent)).toEqual(['too many']);
  });
});
