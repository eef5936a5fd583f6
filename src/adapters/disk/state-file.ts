/** One small sealed file of the state directory, written beside the store and with temporaries of its own. */
import { join } from 'node:path';
import type { Json } from '../../core/model/model.ts';
import { TMP, tempName } from './layout.ts';
import { guardedPrimitives, nodePrimitives, type Primitives } from './primitives.ts';
import { createSealedFiles } from './sealed-file.ts';

export interface StateFileOptions {
  /** One that the store has opened. */
  readonly dir: string;
  /** Is the host lock held? */
  readonly mayWrite: () => boolean;
  readonly primitives?: Primitives;
}

export interface StateFile {
  /** undefined: no such file. `damaged`: not what {@link StateFile.write} wrote. Throws PortError `failed`. */
  read(): Promise<Json | 'damaged' | undefined>;
  /** Atomic and durable. Throws PortError `failed`. */
  write(body: Json): Promise<void>;
}

/** `firstTemp`: where its temporaries begin to count. */
export function createStateFile(
  { dir, mayWrite, primitives = nodePrimitives() }: StateFileOptions,
  name: string,
  firstTemp = 0,
): StateFile {
  let temps = firstTemp;
  const sealed = createSealedFiles(guardedPrimitives(primitives, mayWrite), () => join(dir, TMP, tempName(++temps)));
  const path = join(dir, name);
  return { read: () => sealed.read(path), write: (body) => sealed.write(path, body) };
}
