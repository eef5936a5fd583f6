/**
 * Expiry of service-account tokens among captured files. Reads the public `exp` claim of a JWT, verifies nothing, and
 * never passes the token on.
 */
import { Buffer } from 'node:buffer';
import type { CapturedFile } from '../model/model.ts';

const LONGEST_TOKEN = 16_384;

/** Seconds since 1970 of the earliest expiry among these files; undefined: none of them is a token. */
export function earliestTokenExpiry(files: Iterable<CapturedFile>): number | undefined {
  let earliest: number | undefined;
  for (const file of files) {
    const expiry = tokenExpiry(file.content);
    if (expiry !== undefined && (earliest === undefined || expiry < earliest)) earliest = expiry;
  }
  return earliest;
}

function tokenExpiry(content: Uint8Array): number | undefined {
  if (content.length > LONGEST_TOKEN) return undefined;
  const parts = Buffer.from(content).toString('latin1').trim().split('.');
  if (parts.length !== 3 || !parts[0]?.startsWith('eyJ')) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined;
    return typeof exp === 'number' && Number.isFinite(exp) ? exp : undefined;
  } catch {
    return undefined;
  }
}
