/**
 * The API servers' own addresses in one small file of the state directory. The standby, which has no credentials to
 * learn them with, reads what the agent wrote. A file that cannot be used is as good as none: it is learnt anew.
 */
import { join } from 'node:path';
import { readAddresses } from '../../core/api/own-addresses.ts';
import type { Json } from '../../core/model/model.ts';
import type { AddressMemory } from '../../ports.ts';
import { ADDRESSES_FILE, TMP, tempName } from './layout.ts';
import { guardedPrimitives, nodePrimitives, type Primitives } from './primitives.ts';
import { createSealedFiles } from './sealed-file.ts';

export interface AddressFileOptions {
  readonly dir: string;
  /** Is the host lock held? */
  readonly mayWrite: () => boolean;
  readonly primitives?: Primitives;
}

/** `dir` is one that the store has opened. */
export function createAddressFile(options: AddressFileOptions): AddressMemory {
  const { dir, mayWrite, primitives = nodePrimitives() } = options;
  let temps = 0;
  const sealed = createSealedFiles(guardedPrimitives(primitives, mayWrite), () => join(dir, TMP, tempName(++temps)));
  const path = join(dir, ADDRESSES_FILE);
  return {
    read: async () => readAddresses(await sealed.read(path)),
    write: (addresses) => sealed.write(path, { formatVersion: 1, addresses } as unknown as Json),
  };
}
