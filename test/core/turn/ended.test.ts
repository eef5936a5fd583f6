/** What follows for the copy of a parent that the kubelet itself ended: by the hand-written table, and what is asked for it. */
import { describe, expect, it } from 'vitest';
import { type Checkpoint, seen, unseen } from '../../../src/core/model/model.ts';
import type { Stay } from '../../../src/core/model/stay.ts';
import { endedParents, keptDown, mayHaveEnded, UNKNOWN_PRESSURE_ENDS_MS } from '../../../src/core/turn/ended.ts';
import { EMPTY_MIND, type Mind } from '../../../src/core/turn/mind.ts';
import { needs } from '../../../src/core/turn/needs.ts';
import { PRESSURE_LOOK_MS, type Pressure, pressureAfter } from '../../../src/core/turn/pressure.ts';
import { subjectOf } from '../../../src/core/turn/subject.ts';
import { initialTrack, type Track } from '../../../src/core/turn/track.ts';
import { turn } from '../../../src/core/turn/turn.ts';
import { aCheckpoint, aLedger, anObservation, aPlaced, aReach, policy, WALL } from '../../fakes/builders.ts';
import { type Case, misfits, readTable, unreached } from '../tables.ts';
import { verdictOf } from './turns.ts';

const NOW = 10_000_000;
const GRACE = policy.endedGraceMs;
const DOMAINS = {
  fate: ['ended', 'deleted', 'untold'],
  api: ['alive', 'deleted', 'finished', 'untold'],
  heard: ['yes', 'no'],
  critical: ['yes', 'no'],
  back: ['yes', 'no'],
  pressure: ['short', 'none', 'unknown', 'unasked'],
  grace: ['running', 'over'],
  unknown: ['yes', 'no'],
} as const;
type Column = keyof typeof DOMAINS;

const plain = aCheckpoint();
const critical = { ...plain, manifest: plain.manifest.replace(',"terminationGrace', ',"priority":2000001000,"terminationGrace') };

function stayIn({ fate, api, grace }: Case<Column>): Stay {
  const endedAt = grace === 'running' ? NOW - GRACE + 1 : NOW - 2 * UNKNOWN_PRESSURE_ENDS_MS;
  return {
    by: 1,
    names: ['kube-system/web-1'],
    uids: ['u1'],
    endedAt,
    unwatchedSince: 500_000,
    ...(api === 'untold' ? {} : { api: api as 'alive' }),
    ...(fate === 'untold' ? {} : { fate: fate as 'ended' }),
  };
}

function pressureIn({ pressure, unknown }: Case<Column>): Pressure | undefined {
  if (pressure === 'unasked') return undefined;
  if (pressure === 'unknown') {
    const unknownSince = unknown === 'yes' ? NOW - UNKNOWN_PRESSURE_ENDS_MS : NOW - UNKNOWN_PRESSURE_ENDS_MS + 1;
    return { askedAt: NOW, short: unseen('hangs'), unknownSince };
  }
  return { askedAt: NOW, short: seen(pressure === 'short' ? ['memory'] : []) };
}

function answer(row: Case<Column>): string {
  const o = anObservation({ now: NOW, wall: WALL + NOW, api: aReach('unreachable', 600_000, row.heard === 'yes' ? 500_001 : 499_999) });
  const checkpoint: Checkpoint = row.critical === 'yes' ? critical : plain;
  const memory = { key: checkpoint.key, toUid: 'u1', at: new Date(WALL + NOW - 60_000).toISOString(), bootId: 'b1', failures: 0 };
  const tracks = new Map<string, Track>([[checkpoint.key, { ...initialTrack(0), stay: stayIn(row) }]]);
  const subject = subjectOf(checkpoint, aLedger([], row.back === 'yes' ? [memory] : []), tracks, o);
  const reason = keptDown([subject], pressureIn(row), o, policy).get(checkpoint.key);
  return reason === undefined ? 'starts -' : `waits ${reason}`;
}

const rows = readTable('ended.txt', DOMAINS);

describe('the table of what the kubelet ended', () => {
  it('has every combination in exactly one row, and is what keptDown answers', () => {
    expect(misfits(rows, DOMAINS, answer, ({ next, reason }) => `${next} ${reason}`).slice(0, 5)).toEqual([]);
  });

  it('has no row that no combination reaches', () => {
    expect(unreached(rows, DOMAINS)).toEqual([]);
  });
});

const ended: Stay = { by: 1, names: ['kube-system/web-1'], uids: ['u1', 'u2'], endedAt: 1_000, api: 'alive' };
const minded = (stay: Stay, more: Partial<Mind> = {}): Mind => ({
  ...EMPTY_MIND,
  tracks: new Map([[plain.key, { ...initialTrack(0), stay }]]),
  ...more,
});

describe('a copy that waits', () => {
  it.each<[string, Stay, Checkpoint, boolean, boolean]>([
    ['is one that the kubelet ended', ended, plain, false, true],
    ['is none that the kubelet still has', { by: 1, names: ['kube-system/web-1'], uids: ['u1'] }, plain, false, false],
    ['is none that is placed', ended, plain, true, false],
    ['is none that was deleted', { ...ended, api: 'deleted' }, plain, false, false],
    ['is not the standby', ended, aCheckpoint({ self: true }), false, false],
  ])('%s', (_, stay, checkpoint, isPlaced, expected) => {
    const track = { ...initialTrack(0), stay };

    expect(mayHaveEnded({ checkpoint, placed: isPlaced ? aPlaced() : undefined, track })).toBe(expected);
  });

  it('is not waited for by copies of a higher order', () => {
    const other = aCheckpoint({ parent: { namespace: 'kube-system', name: 'db-1', uid: 'u5', resourceVersion: '1' }, order: 5 });
    const o = anObservation({ now: NOW, wall: WALL + NOW });
    const mind = minded({ ...ended, endedAt: NOW }, { waitingSince: new Map([[plain.key, NOW]]) });
    const { verdicts } = turn(mind, [plain, other], aLedger(), o, policy);

    expect(verdicts.map(({ decision }) => decision.reason).sort()).toEqual(['parent-absent', 'parent-ended']);
  });

  it('counts its grace from the last pressure', () => {
    const o = anObservation({ now: NOW, wall: WALL + NOW });
    const subject = subjectOf(plain, aLedger(), minded({ ...ended, endedAt: 0 }).tracks, o);
    const calm = { askedAt: NOW, short: seen([]) };

    expect(keptDown([subject], { ...calm, lastShort: NOW - GRACE + 1 }, o, policy).get(plain.key)).toBe('parent-ended');
    expect(keptDown([subject], { ...calm, lastShort: NOW - GRACE }, o, policy).get(plain.key)).toBeUndefined();
  });

  it('is told with what the node is short of', () => {
    const o = anObservation({ now: NOW, short: seen(['memory', 'disk']) });
    const result = turn(minded(ended), [plain], aLedger(), o, policy);

    expect(verdictOf(result)).toBe('inactive: node-under-pressure');
    expect(result.mind.outlook.hindrances.get(plain.key)).toEqual({ reason: 'node-under-pressure', down: true, detail: 'memory; disk' });
    const hidden = turn(minded(ended), [plain], aLedger(), { ...o, short: unseen('a disk hangs') }, policy);
    expect(hidden.mind.outlook.hindrances.get(plain.key)).toEqual({ reason: 'parent-ended', down: true, detail: 'a disk hangs' });
  });
});

describe('what is asked for it', () => {
  const ask = (mind: Mind, verdict: 'reachable' | 'unsure' | 'unreachable', now = NOW) =>
    needs({
      checkpoints: [plain],
      ledger: aLedger(),
      mind,
      reach: aReach(verdict),
      pace: { lastRuntime: now, lastManifests: now, lastImages: now },
      now,
      policy,
    }).ended;
  const parents = [{ key: plain.key, uids: ['u1', 'u2'] }];

  it('is nothing while the API server answers, and nothing without such a parent', () => {
    expect(ask(minded(ended), 'reachable')).toBeUndefined();
    expect(ask(EMPTY_MIND, 'unreachable')).toBeUndefined();
    expect(ask(minded({ ...ended, api: 'deleted' }), 'unreachable')).toBeUndefined();
  });

  it('is the kubelet in any doubt, and the machine only in an outage', () => {
    expect(ask(minded(ended), 'unsure')).toEqual({ parents, machine: false });
    expect(ask(minded(ended), 'unreachable')).toEqual({ parents, machine: true });
    expect(ask(minded(ended, { blindness: { startedAt: 1, since: 1 } }), 'reachable')).toEqual({ parents, machine: true });
  });

  it('is the machine no more often than the kubelet looks, and the kubelet not again once it has told', () => {
    const asked = { pressure: { askedAt: NOW, short: seen([]) } };
    const told = minded({ ...ended, fate: 'ended' }, asked);

    expect(ask(told, 'unreachable', NOW + PRESSURE_LOOK_MS - 1)).toBeUndefined();
    expect(ask(told, 'unreachable', NOW + PRESSURE_LOOK_MS)).toEqual({ parents: [], machine: true });
  });

  it('is of parents without a copy', () => {
    expect(endedParents([plain], aLedger([aPlaced()]), minded(ended).tracks)).toEqual({ all: 0, untold: [] });
  });
});

describe('the pressure of the node', () => {
  const at = (now: number, short?: ReturnType<typeof seen<readonly string[]>> | ReturnType<typeof unseen>) =>
    anObservation({ now, ...(short === undefined ? {} : { short }) });

  it('is forgotten when nothing waits for it', () => {
    expect(pressureAfter({ askedAt: 1, short: seen(['memory']), lastShort: 1 }, false, at(2, seen([])))).toBeUndefined();
  });

  it('is kept only from turn to turn of an outage, or where the kubelet is cut off', () => {
    const pressure = { askedAt: NOW - 1, short: seen(['memory']), lastShort: NOW - 1 };
    const left = (verdict: 'unsure' | 'unreachable', more: Partial<Mind> = {}) =>
      turn(minded(ended, { pressure, ...more }), [plain], aLedger(), anObservation({ now: NOW, api: aReach(verdict) }), policy).mind
        .pressure;

    expect(left('unreachable')).toBe(pressure);
    expect(left('unsure')).toBeUndefined();
    expect(left('unsure', { blindness: { startedAt: 1, since: 1 } })).toBe(pressure);
  });

  it('remembers when it was seen last, and since when nobody can tell', () => {
    const short = pressureAfter(undefined, true, at(1, seen(['memory'])));
    const lost = pressureAfter(short, true, at(2, unseen('hangs')));
    const still = pressureAfter(lost, true, at(3, unseen('hangs')));
    const over = pressureAfter(still, true, at(4, seen([])));

    expect(lost).toEqual({ askedAt: 2, short: unseen('hangs'), lastShort: 1, unknownSince: 2 });
    expect(still).toMatchObject({ askedAt: 3, unknownSince: 2 });
    expect(pressureAfter(still, true, at(9))).toBe(still);
    expect(over).toEqual({ askedAt: 4, short: seen([]), lastShort: 1 });
  });
});
