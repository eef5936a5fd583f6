/**
 * What everything bound to this node asks for, in one small file of the state directory: what an agent without an API
 * server goes by, the standby too. A file that cannot be used is as good as none: then copies reserve nothing.
 */
import { encodeRequested, readRequested } from '../../core/room/requested.ts';
import type { NodeResources } from '../../ports/room.ts';
import { REQUESTED_FILE } from './layout.ts';
import { createStateFile, type StateFileOptions } from './state-file.ts';

/** Far from where the others count, so that two writes at once never meet on one name. */
const FIRST_TEMP = 500_000_000;

export function createRequestedFile(options: StateFileOptions): Pick<NodeResources, 'readRequested' | 'writeRequested'> {
  const file = createStateFile(options, REQUESTED_FILE, FIRST_TEMP);
  return {
    readRequested: async () => readRequested(await file.read()),
    writeRequested: (requested) => file.write(encodeRequested(requested)),
  };
}
