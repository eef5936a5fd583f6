/** Whose checkpoint is it? By this node's name and machine id, and by any CA certificate in common. */
import { describe, expect, it } from 'vitest';
import { clusterDigest } from '../../../src/core/model/cluster.ts';
import type { Checkpoint } from '../../../src/core/model/model.ts';
import type { Where } from '../../../src/core/turn/observation.ts';
import { wantsStamp, whose } from '../../../src/core/turn/whose.ts';
import { aCheckpoint, aLedger, where } from '../../fakes/builders.ts';
import { one, verdictOf } from './turns.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];
const clusterOf = (...cas: string[]): Where => ({ ...where, cluster: clusterDigest(cas), cas });
const recorded = (cas: readonly string[], stamped?: readonly string[]): Checkpoint =>
  aCheckpoint({ cluster: clusterDigest(cas) }, stamped === undefined ? {} : { cas: stamped });

describe('the cluster of a checkpoint', () => {
  it.each<[string, Checkpoint, Where, boolean]>([
    ['the same bundle, from before any stamp', recorded([A, B]), clusterOf(A, B), true],
    ['its only CA, and another was appended, from before any stamp', recorded([A]), clusterOf(A, B), true],
    ['a stamp that has one CA in common', recorded([A], [A, B]), clusterOf(B), true],
    ['a stamp of one of many', recorded([C], [B]), clusterOf(A, B, C), true],
    ['a stamp without any in common', recorded([A], [A]), clusterOf(B), false],
    ['another bundle, from before any stamp', recorded([A, B]), clusterOf(C), false],
    ['no CA that is known at all', aCheckpoint({ cluster: '' }), { ...where, cluster: '', cas: [] }, false],
  ])('%s', (_name, checkpoint, now, same) => {
    expect(whose(checkpoint, now)).toBe(same ? 'ours' : 'other-cluster');
    expect(verdictOf(one({ where: now }, aLedger(), checkpoint))).toBe(
      same ? 'active: parent-absent' : 'inactive: checkpoint-of-other-cluster',
    );
  });

  it('is not asked for where the node is another', () => {
    expect(whose(aCheckpoint({ node: { name: 'n1', machineId: 'm2' } }), where)).toBe('other-node');
    expect(whose(aCheckpoint({ node: { name: 'n2', machineId: 'm1' } }), where)).toBe('other-node');
  });
});

describe('a stamp', () => {
  it('is wanted where the CA certificates are others than those written down, of what is ours and whole', () => {
    expect(wantsStamp(recorded([A]), clusterOf(A))).toBe(true);
    expect(wantsStamp(recorded([A], [A]), clusterOf(A, B))).toBe(true);
    expect(wantsStamp(recorded([A], [A, B]), clusterOf(A, B))).toBe(false);
    expect(wantsStamp(recorded([A], [A]), clusterOf(B))).toBe(false);
    expect(wantsStamp(recorded([A], [A]), { ...clusterOf(A, B), node: 'n2' })).toBe(false);
    expect(wantsStamp({ ...recorded([A]), problem: 'damaged' }, clusterOf(A))).toBe(false);
    expect(wantsStamp(recorded([A]), { ...clusterOf(A), cas: [] })).toBe(false);
  });
});
