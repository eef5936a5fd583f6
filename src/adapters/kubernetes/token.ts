/**
 * The bearer token: from a file that the kubelet renews, or written down in a kubeconfig.
 *
 * A token file is read again when it is older than a minute, and at once after a 401. A failed read keeps the last good
 * token. No error carries a token.
 */
import { codeOf } from '../../core/model/errors.ts';
import type { Millis } from '../../core/model/model.ts';
import { type Clock, PortError } from '../../ports.ts';

/** As client-go has it (transport/token_source.go: cachingTokenSource, one minute). */
export const TOKEN_MAX_AGE_MS: Millis = 60_000;

export interface TokenSource {
  /** Throws PortError (`unavailable`, `invalid`) only while no token was ever read. */
  current(): Promise<string>;
  /** After a 401: reads the file now. True: the token differs from the one that was refused. */
  renew(refused: string): Promise<boolean>;
}

export function fixedToken(text: string, what: string): TokenSource {
  const token = checkToken(text, what);
  return { current: async () => token, renew: async () => false };
}

export function createTokenSource(file: string, readFile: ReadText, clock: Clock): TokenSource {
  let cached: { readonly token: string; readonly at: Millis } | undefined;

  async function read(): Promise<string> {
    try {
      cached = { token: checkToken(await readFile(file), `token file ${file}`), at: clock.now() };
    } catch (error) {
      if (cached === undefined) throw wrap(error, file);
      cached = { token: cached.token, at: clock.now() };
    }
    return cached.token;
  }

  return {
    current: async () => (cached !== undefined && clock.now() - cached.at < TOKEN_MAX_AGE_MS ? cached.token : read()),
    renew: async (refused) => (await read()) !== refused,
  };
}

function wrap(error: unknown, file: string): PortError {
  if (error instanceof PortError) return error;
  const code = codeOf(error) ?? 'error';
  return new PortError('unavailable', `reading token file ${file}: ${code}: check that the file exists and may be read`, { cause: error });
}

function checkToken(text: string, what: string): string {
  const token = text.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new PortError('invalid', `${what}: empty, or contains spaces or characters no token has: write one token and nothing else`);
  }
  return token;
}

export type ReadText = (path: string) => Promise<string>;
