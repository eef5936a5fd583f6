/** When a stored checkpoint is read again, what is believed of it, and what may be placed after it. */
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../src/core/model/model.ts';
import {
  afterReading,
  believed,
  dueReads,
  isFresh,
  mayPlace,
  type Reading,
  type ReadingsInput,
} from '../../../src/core/turn/verification.ts';
import { aCheckpoint, aPlaced } from '../../fakes/builders.ts';

const whole = aCheckpoint();
const damaged: Checkpoint = { ...whole, manifest: '', problem: 'pod.json: other content' };
const unread: Checkpoint = { ...whole, manifest: '', problem: 'EMFILE: open', unread: 'EMFILE' };
const { key } = whole;

const base: ReadingsInput = {
  api: 'unreachable',
  now: 100_000,
  checkpoints: [whole],
  readings: new Map([[key, { at: 60_000, bad: 0 }]]),
  allAt: 60_000,
  outageRead: true,
  busy: false,
};

describe('what a turn reads', () => {
  it.each<[string, Partial<ReadingsInput>, 'all' | readonly string[]]>([
    ['all when an outage begins', { outageRead: false }, 'all'],
    ['nothing where all were read a moment ago', { outageRead: false, allAt: 95_001 }, []],
    ['nothing more of what was whole, however long the outage lasts', { now: 90_000_000 }, []],
    ['nothing of copies that run', { now: 90_000_000, busy: true }, []],
    ['all once a minute without an outage', { api: 'reachable', now: 120_000 }, 'all'],
    ['all once a minute in doubt, too', { api: 'unsure', now: 120_000 }, 'all'],
    ['nothing within that minute', { api: 'reachable', now: 119_999 }, []],
    ['nothing then of what has a problem: a capture mends it', { api: 'reachable', checkpoints: [damaged] }, []],
    ['nothing while a parent is about to take over or a capture writes', { api: 'reachable', now: 900_000, busy: true }, []],
    ['what could not be read', { checkpoints: [whole, { ...unread, key: 'kube-system_b' }] }, ['kube-system_b']],
    ['what is damaged', { checkpoints: [damaged] }, [key]],
  ])('is %s', (_what, change, expected) => {
    expect(dueReads({ ...base, ...change })).toEqual(expected);
  });

  it('comes sooner at first and then once a minute', () => {
    let reading: Reading | undefined;
    const pauses: number[] = [];
    for (let now = 0; pauses.length < 8; now += 1_000) {
      const readings = new Map(reading === undefined ? [] : [[key, reading]]);
      if (dueReads({ ...base, now, checkpoints: [unread], readings }).length === 0) continue;
      pauses.push(now - (reading?.at ?? 0));
      reading = afterReading(reading, unread, now);
    }
    expect(pauses).toEqual([0, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(afterReading(reading, whole, 1)).toEqual({ at: 1, bad: 0 });
  });
});

describe('what is believed', () => {
  it('is what was read', () => {
    expect(believed(unread, whole, { at: 0, bad: 0 })).toEqual(whole);
    expect(believed(whole, damaged, { at: 0, bad: 1 })).toEqual(damaged);
  });

  it('is what was read before, but unread, where it could not be read now', () => {
    const nothing: Checkpoint = { ...unread, record: { ...whole.record, parent: { ...whole.record.parent, uid: '' } }, bytes: 0 };

    expect(believed(whole, nothing, { at: 0, bad: 5 })).toEqual({ ...whole, problem: 'EMFILE: open', unread: 'EMFILE' });
    expect(believed(undefined, nothing, { at: 0, bad: 5 })).toEqual(nothing);
  });

  it('is that it is damaged, when it could not be read six times in a row', () => {
    expect(believed(whole, unread, { at: 0, bad: 6 })).toEqual({ ...whole, problem: 'EMFILE: open' });
  });
});

describe('what may be placed', () => {
  it.each<[string, boolean, Reading | undefined]>([
    ['was read a moment ago', true, { at: 95_001, bad: 0 }],
    ['was read five seconds ago', false, { at: 95_000, bad: 0 }],
    ['could not be read a moment ago', false, { at: 99_999, bad: 1 }],
    ['was never read', false, undefined],
  ])('is read anew unless it %s', (_what, fresh, reading) => {
    expect(isFresh(reading, 100_000)).toBe(fresh);
  });

  it.each<[string, Checkpoint | undefined, boolean]>([
    ['whole', whole, true],
    ['damaged', damaged, false],
    ['unread', unread, false],
    ['gone', undefined, false],
    ['of another revision', aCheckpoint({ revision: 'r2' }), false],
  ])('is asked of the checkpoint as it was just read: %s', (_what, read, may) => {
    const place = { do: 'place', placed: aPlaced(), manifest: '', expect: undefined, stopOrphans: [] } as const;

    expect(mayPlace(place, read)).toBe(may);
  });
});
