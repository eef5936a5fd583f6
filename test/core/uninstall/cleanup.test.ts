/** The uninstall, step by step: what is removed, what is waited for, and what is left alone. */
import { describe, expect, it } from 'vitest';
import { cleanupStep, doubtfulFiles } from '../../../src/core/uninstall/cleanup.ts';
import { aLedger, aPlaced, copyServes, nothing } from '../../fakes/builders.ts';

const copy = aPlaced({ file: 'podckpt-a-11111111.json', digest: 'd1', replaces: 'd0' });
const standby = aPlaced({ key: 'ckpt_agent', file: 'podckpt-b-22222222.json', digest: 'd2', self: true });
const ledger = aLedger([copy, standby]);
const none = { withdraw: [], changed: [], running: [], gone: [] };

describe('a step of the uninstall', () => {
  it.each([
    [
      'removes what is there and ours',
      [{ file: copy.file, digest: 'd1' }],
      copyServes,
      { ...none, withdraw: [{ placed: copy, digest: 'd1' }] },
    ],
    [
      'removes what an interrupted placing left',
      [{ file: copy.file, digest: 'd0' }],
      nothing,
      { ...none, withdraw: [{ placed: copy, digest: 'd0' }] },
    ],
    ['leaves a changed file alone', [{ file: copy.file, digest: 'other' }], copyServes, { ...none, changed: [copy] }],
    ['leaves alone what cannot be read', [{ file: copy.file }], copyServes, { ...none, changed: [copy] }],
    ['waits for a copy that still runs', [], copyServes, { ...none, running: [copy] }],
    ['is done with one of which nothing is left', [], nothing, { ...none, gone: [copy] }],
  ])('%s', (_, files, view, step) => {
    expect(cleanupStep('copies', ledger, files, view)).toEqual(step);
  });

  it('looks at the standby by itself', () => {
    const files = [standby, copy].map(({ file, digest }) => ({ file, digest }));

    expect(cleanupStep('standby', ledger, files, copyServes)).toEqual({ ...none, withdraw: [{ placed: standby, digest: 'd2' }] });
  });

  it('names files that look like ours and are not known', () => {
    const files = ['kube-proxy.yaml', copy.file, 'podckpt-x-33333333.json'].map((file) => ({ file }));

    expect(doubtfulFiles(ledger, files)).toEqual(['podckpt-x-33333333.json']);
  });
});
