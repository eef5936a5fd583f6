/** A ledger that is lost is made again from the files that are, byte for byte, ours. */
import { describe, expect, it } from 'vitest';
import { manifestFileName } from '../../../src/core/model/keys.ts';
import { sha256 } from '../../../src/core/model/manifest.ts';
import { adoptOwn } from '../../../src/core/turn/adopt.ts';
import { placedManifest } from '../../../src/core/turn/plan.ts';
import { aCheckpoint, aLedger, aPlaced, WALL } from '../../fakes/builders.ts';

const checkpoint = aCheckpoint();
const file = manifestFileName(checkpoint.record.parent);

describe('adopting our own files', () => {
  it.each([1, 3, 5])('recognizes attempt %i by its bytes', (attempt) => {
    const digest = sha256(placedManifest(checkpoint, attempt));

    expect(adoptOwn(aLedger(), [checkpoint], [{ file, digest }], WALL).placed).toMatchObject([
      { key: checkpoint.key, file, digest, attempt, phase: 'placed' },
    ]);
  });

  it.each([
    ['other bytes under our name', [{ file, digest: 'other' }]],
    ['something that is no file', [{ file }]],
    ['our bytes under another name', [{ file: 'x.json', digest: sha256(placedManifest(checkpoint, 1)) }]],
  ])('leaves %s to its owner', (_name, found) => {
    expect(adoptOwn(aLedger(), [checkpoint], found, WALL).placed).toEqual([]);
  });

  it('knows the standby again as the standby', () => {
    const own = aCheckpoint({ self: true });

    expect(adoptOwn(aLedger(), [own], [{ file, digest: sha256(placedManifest(own, 1)) }], WALL).placed).toMatchObject([{ self: true }]);
  });

  it('believes the ledger where it speaks', () => {
    const ledger = aLedger([aPlaced()]);

    expect(adoptOwn(ledger, [checkpoint], [{ file, digest: sha256(placedManifest(checkpoint, 2)) }], WALL)).toBe(ledger);
  });
});
