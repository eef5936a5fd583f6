/** What a row of `status` says of a stored checkpoint that cannot be used. */
import { expect, test } from 'vitest';
import { statusRows } from '../../src/cli/inspect/status.ts';
import { aCheckpoint, aLedger, WALL } from '../fakes/builders.ts';

test.each([
  [{}, 'inactive', ''],
  [{ problem: 'pod.json: other bytes' }, 'damaged', 'pod.json: other bytes'],
  [{ problem: 'pod.json: EMFILE', unread: 'EMFILE' }, 'unread', 'pod.json: EMFILE'],
])('%o', (found, state, reason) => {
  const [row] = statusRows({ checkpoints: [aCheckpoint({}, found)], ledger: aLedger() }, undefined, undefined, WALL);
  expect(row).toMatchObject({ state, reason });
});
