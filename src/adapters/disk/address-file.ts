/**
 * The API servers' own addresses in one small file of the state directory. The standby, which has no credentials to
 * learn them with, reads what the agent wrote. A file that cannot be used is as good as none: it is learnt anew.
 */
import { readAddresses } from '../../core/api/own-addresses.ts';
import type { Json } from '../../core/model/model.ts';
import type { AddressMemory } from '../../ports.ts';
import { ADDRESSES_FILE } from './layout.ts';
import { createStateFile, type StateFileOptions } from './state-file.ts';

export function createAddressFile(options: StateFileOptions): AddressMemory {
  const file = createStateFile(options, ADDRESSES_FILE);
  return {
    read: async () => readAddresses(await file.read()),
    write: (addresses) => file.write({ formatVersion: 1, addresses } as unknown as Json),
  };
}
