/**
 * Texts and PEM blocks out of files, and the words for a file that is missing or holds something else.
 *
 * Throws PortError: `unavailable` (the file cannot be read), `invalid` (it holds no such block). Never quotes a file.
 */
import { codeOf } from '../../core/model/errors.ts';
import { PortError } from '../../ports.ts';
import type { ReadText } from './token.ts';

export type PemLabel = 'CERTIFICATE' | 'PRIVATE KEY';

/** `what` is the file's part in our work, for errors. */
export async function readPem(readFile: ReadText, file: string, what: string, label: PemLabel): Promise<string> {
  return checkPem(await readText(readFile, file, what), `${what} (${file})`, label);
}

export function checkPem(text: string, what: string, label: PemLabel): string {
  if (!new RegExp(`-----BEGIN [A-Z ]*${label}-----[^-]+-----END`).test(text)) {
    throw new PortError('invalid', `${what}: contains no PEM block "${label}": check that it is the right file and complete`);
  }
  return text;
}

export async function readText(readFile: ReadText, path: string, what: string): Promise<string> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = codeOf(error) ?? 'error';
    throw new PortError('unavailable', `reading ${what} (${path}): ${code}: check that the file exists and may be read`, { cause: error });
  }
}
