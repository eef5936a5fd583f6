/**
 * What everything bound to this node asks for, in one small file of the state directory: what an agent without an API
 * server goes by, the standby too. A file that cannot be used is as good as none: then copies reserve nothing.
 */
import { join } from 'node:path';
import { encodeRequested, type Requested, readRequested } from '../../core/room/requested.ts';
import type { NodeResources } from '../../ports/room.ts';
import { REQUESTED_FILE, TMP, tempName } from './layout.ts';
import { guardedPrimitives, nodePrimitives, type Primitives } from './primitives.ts';
import { createSealedFiles } from './sealed-file.ts';

/** Far from where the others count, so that two writes at once never meet on one name. */
const FIRST_TEMP = 500_000_000;

export interface RequestedFileOptions {
  readonly dir: string;
  /** Is the host lock held? */
  readonly mayWrite: () => boolean;
  readonly primitives?: Primitives;
}

/** `dir` is one that the store has opened. */
export function createRequestedFile(options: RequestedFileOptions): Pick<NodeResources, 'readRequested' | 'writeRequested'> {
  const { dir, mayWrite, primitives = nodePrimitives() } = options;
  let temps = FIRST_TEMP;
  const sealed = createSealedFiles(guardedPrimitives(primitives, mayWrite), () => join(dir, TMP, tempName(++temps)));
  const path = join(dir, REQUESTED_FILE);
  return {
    readRequested: async () => readRequested(await sealed.read(path)),
    writeRequested: (requested: Requested) => sealed.write(path, encodeRequested(requested)),
  };
}
