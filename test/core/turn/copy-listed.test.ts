/** Which copy is placed anew: only one that the kubelet, for thirty seconds on end, is known not to have. */

import { describe, expect, it } from 'vitest';
import { type Ledger, seen, unseen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND } from '../../../src/core/turn/mind.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { type Turn, turn } from '../../../src/core/turn/turn.ts';
import { aCheckpoint, aLedger, anObservation, aPlaced, aReach, copySandbox, nothing, policy } from '../../fakes/builders.ts';
import { checkpoint, kinds, placedFile, verdictOf } from './turns.ts';

const listed = seen(new Set(['kube-system/web-1-ckpt-n1', 'kube-system/other-n1']));
const unlisted = seen(new Set(['kube-system/other-n1']));
const silent = unseen('refused');

/** Turns at these seconds, each with what it sees beside the manifest, which lies there. */
function through(
  steps: readonly (readonly [number, Partial<Observation>])[],
  ledger: Ledger = aLedger([aPlaced()]),
  of = checkpoint,
): Turn {
  let result: Turn | undefined;
  for (const [second, o] of steps) {
    const all = { manifests: placedFile, ...o, now: second * 1_000 };
    result = turn(result?.mind ?? EMPTY_MIND, [of], ledger, anObservation(all), policy);
  }
  if (result === undefined) throw new Error('no step given');
  return result;
}
const attempt = ({ actions }: Turn): number | undefined => (actions[0]?.do === 'place' ? actions[0].placed.attempt : undefined);

describe('a copy that was placed and does not show', () => {
  it('is left alone for ever while the kubelet lists it: it waits for a mount, an image or the network', () => {
    const line = [0, 30, 60, 100, 400, 4_000].map((second) => [second, { kubelet: listed }] as const);

    expect(kinds(through(line))).toEqual([]);
    expect(kinds(through(line, aLedger([aPlaced({ attempt: 4 })])))).toEqual([]);
  });

  it('is placed anew when the kubelet has not listed it for thirty seconds, not before', () => {
    expect(
      kinds(
        through([
          [0, { kubelet: unlisted }],
          [29.9, { kubelet: unlisted }],
        ]),
      ),
    ).toEqual([]);
    expect(
      attempt(
        through([
          [0, { kubelet: unlisted }],
          [30, { kubelet: unlisted }],
        ]),
      ),
    ).toBe(2);
  });

  it('is left alone while the kubelet cannot be asked, however long', () => {
    expect(kinds(through([0, 30, 400, 4_000].map((second) => [second, { kubelet: silent }] as const)))).toEqual([]);
  });

  it('has thirty seconds again after the kubelet was silent or had it: a new kubelet process must read the file first', () => {
    const before = [
      [0, { kubelet: unlisted }],
      [20, { kubelet: silent }],
      [40, { kubelet: unlisted }],
    ] as const;
    expect(kinds(through([...before, [69.9, { kubelet: unlisted }]]))).toEqual([]);
    expect(attempt(through([...before, [70, { kubelet: unlisted }]]))).toBe(2);

    const had = [
      [0, { kubelet: listed }],
      [100, { kubelet: unlisted }],
    ] as const;
    expect(kinds(through([...had, [129.9, { kubelet: unlisted }]]))).toEqual([]);
    expect(attempt(through([...had, [130, { kubelet: unlisted }]]))).toBe(2);
  });

  it('waits no longer for turns that did not ask the kubelet: a question that was not put is no silence', () => {
    const hurried = { kubelet: silent, unasked: true } as const;
    const line = [
      [0, { kubelet: unlisted }],
      [10, hurried],
      [11, { kubelet: unlisted }],
      [20, hurried],
      [21, { kubelet: unlisted }],
    ] as const;
    expect(kinds(through([...line, [29.9, { kubelet: unlisted }]]))).toEqual([]);
    expect(attempt(through([...line, [30, { kubelet: unlisted }]]))).toBe(2);

    const had = [
      [0, { kubelet: listed }],
      [40, hurried],
    ] as const;
    expect(verdictOf(through(had))).toBe('active: copy-starting');
    expect(kinds(through([...had, [69, { kubelet: listed }]]))).toEqual([]);
  });

  it('has thirty seconds again after the runtime was silent', () => {
    const line = [
      [0, {}],
      [20, { runtime: silent }],
      [40, {}],
    ] as const;

    expect(kinds(through([...line, [69.9, {}]]))).toEqual([]);
    expect(attempt(through([...line, [70, {}]]))).toBe(2);
  });

  it('is given twice the time at each further attempt, and five attempts', () => {
    const second = aLedger([aPlaced({ attempt: 2 })]);
    expect(
      kinds(
        through(
          [
            [0, {}],
            [59.9, {}],
          ],
          second,
        ),
      ),
    ).toEqual([]);
    expect(
      attempt(
        through(
          [
            [0, {}],
            [60, {}],
          ],
          second,
        ),
      ),
    ).toBe(3);

    const last = through(
      [
        [0, {}],
        [240, {}],
      ],
      aLedger([aPlaced({ attempt: 5 })]),
    );
    expect([verdictOf(last), kinds(last)]).toEqual(['active: activation-refused', []]);
  });

  it('was not refused where the kubelet lists it after the fifth attempt', () => {
    const last = through(
      [0, 100, 1_000].map((at) => [at, { kubelet: listed }] as const),
      aLedger([aPlaced({ attempt: 5 })]),
    );

    expect(verdictOf(last)).not.toBe('active: activation-refused');
    expect(kinds(last)).toEqual([]);
  });

  it('is known by the name in its manifest, with the name of the node in lower case', () => {
    const of = aCheckpoint({}, { manifest: checkpoint.manifest.replace('web-1-ckpt', 'cut-0badcafe-ckpt') });
    const kubelet = seen(new Set(['kube-system/cut-0badcafe-ckpt-n1.example']));
    const where = { node: 'N1.Example', machineId: 'm1', cluster: 'c1', bootId: 'b1' };
    const line = [0, 400].map((at) => [at, { kubelet, where }] as const);

    expect(kinds(through(line, aLedger([aPlaced()]), of))).toEqual([]);
    expect(
      attempt(
        through(
          [0, 400].map((at) => [at, { where }] as const),
          aLedger([aPlaced()]),
          of,
        ),
      ),
    ).toBe(2);
  });

  it('is placed anew after another boot although the runtime still holds its dead sandbox', () => {
    const dead = seen({ ...nothing, sandboxes: [{ ...copySandbox, ready: false }] });
    const line = [0, 30].map((at) => [at, { runtime: dead }] as const);

    expect(attempt(through(line, aLedger([aPlaced({ bootId: 'b0' })])))).toBe(2);
    expect(kinds(through(line))).toEqual([]);
    expect(
      kinds(
        through(
          line.map(([at, o]) => [at, { ...o, kubelet: listed }] as const),
          aLedger([aPlaced({ bootId: 'b0' })]),
        ),
      ),
    ).toEqual([]);
  });

  it('is not withdrawn, when the API server is back, as long as the kubelet lists it', () => {
    const api = aReach('reachable');

    expect(kinds(through([0, 400].map((at) => [at, { kubelet: listed, api }] as const)))).toEqual([]);
    expect(kinds(through([0, 400].map((at) => [at, { kubelet: silent, api }] as const)))).toEqual([]);
    expect(verdictOf(through([0, 400].map((at) => [at, { api }] as const)))).toBe('handing-back: copy-not-needed');
  });
});
