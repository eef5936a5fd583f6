/**
 * A small sealed file that is replaced as a whole: the ledger, and when a parent was last confirmed. Equal content is
 * not written again, unless the last write could not be promised.
 */
import { readFile } from 'node:fs/promises';
import { codeOf } from '../../core/model/errors.ts';
import type { Json } from '../../core/model/model.ts';
import { publishFile } from './atomic-write.ts';
import { NotDurableError, wrapError } from './errors.ts';
import type { Primitives } from './primitives.ts';
import { PRIVATE_FILE_MODE } from './revision.ts';
import { seal, unseal } from './sealed.ts';

export interface SealedFiles {
  /** undefined: no such file. `damaged`: not what {@link SealedFiles.write} wrote. Throws PortError `failed`. */
  read(path: string): Promise<Json | 'damaged' | undefined>;
  /** Atomic and durable. Throws PortError `failed`. */
  write(path: string, body: Json): Promise<void>;
}

export function createSealedFiles(primitives: Primitives, temp: () => string): SealedFiles {
  /** Paths whose visible content may be lost in a power cut. */
  const doubtful = new Set<string>();

  async function bytesOf(path: string): Promise<Buffer | undefined> {
    return readFile(path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw wrapError(`reading ${path}`, error);
    });
  }

  async function read(path: string): Promise<Json | 'damaged' | undefined> {
    const bytes = await bytesOf(path);
    return bytes === undefined ? undefined : (unseal(bytes) ?? 'damaged');
  }

  async function write(path: string, body: Json): Promise<void> {
    const content = Buffer.from(seal(body));
    // what cannot be read is not equal: it is replaced
    const before = doubtful.has(path) ? undefined : await bytesOf(path).catch(() => undefined);
    if (before?.equals(content) === true) return;
    try {
      await publishFile(primitives, { temp, target: path }, { content, mode: PRIVATE_FILE_MODE });
      doubtful.delete(path);
    } catch (error) {
      if (error instanceof NotDurableError) doubtful.add(path);
      throw error;
    }
  }

  return { read, write };
}
