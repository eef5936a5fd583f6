/** Stored checkpoints of another node or another cluster: what is said of them. */
import { describe, expect, it } from 'vitest';
import type { RevisionRecord } from '../../../src/core/model/model.ts';
import { strangersIn } from '../../../src/core/turn/strangers.ts';
import { aCheckpoint, where } from '../../fakes/builders.ts';

const of = (name: string, change: Partial<RevisionRecord> = {}) =>
  aCheckpoint({ ...change, parent: { namespace: 'ns', name, uid: `u-${name}`, resourceVersion: '1' } });
const otherCluster = { cluster: 'c2' };
const otherNode = { node: { name: 'n2', machineId: 'm2' } };
const otherMachine = { node: { name: 'n1', machineId: 'm2' } };

describe('strangers', () => {
  it('are none where everything is of this node and this cluster, or nothing can be read', () => {
    expect(strangersIn([], where)).toBeUndefined();
    expect(strangersIn([of('a'), of('b')], where)).toBeUndefined();
    expect(
      strangersIn([aCheckpoint({ cluster: '', parent: { namespace: 'ns', name: 'a', uid: '', resourceVersion: '' } })], where),
    ).toBeUndefined();
  });

  it('are counted and named, three at most', () => {
    expect(strangersIn([of('a', otherCluster), of('b')], where)).toMatchObject({
      machine: false,
      sentence: expect.stringMatching(/^one stored checkpoint is of another node or another cluster \(ns\/a\): .*cleanup --purge/),
    });
    const many = ['a', 'b', 'c', 'd'].map((name) => of(name, otherNode));
    expect(strangersIn(many, where)?.sentence).toMatch(/^4 stored checkpoints are .*\(ns\/a, ns\/b, ns\/c, …\)/);
  });

  it('are of another machine where no checkpoint of a node of this name has its id', () => {
    expect(strangersIn([of('a', otherMachine), of('b', otherMachine), of('c', otherNode)], where)).toMatchObject({
      machine: true,
      sentence: expect.stringMatching(/^no stored checkpoint of node n1 has the id of this machine: .*restore the machine id/),
    });
    expect(strangersIn([of('a', otherMachine), of('b')], where)).toMatchObject({ machine: false });
  });
});
