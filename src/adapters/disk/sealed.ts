/**
 * JSON with its own checksum: record.json, active.json and `confirmed` are written so. One flipped bit anywhere in the
 * file is found, because the text must be exactly what sealing its body would give.
 * Pure.
 */
import { isObject } from '../../core/model/json.ts';
import { encodeManifest, sha256 } from '../../core/model/manifest.ts';
import type { Json } from '../../core/model/model.ts';

/** Canonical: equal bodies give equal text. */
export function seal(body: Json): string {
  const text = encodeManifest(body).trimEnd();
  return `{"body":${text},"sha256":"${sha256(text)}"}\n`;
}

/** The body, or undefined for any bytes that {@link seal} cannot have made. Never throws. */
export function unseal(bytes: Uint8Array): Json | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    const body = isObject(value) ? value['body'] : undefined;
    return isObject(body) && seal(body) === text ? body : undefined;
  } catch {
    // not UTF-8, not JSON, or nested deeper than the stack
    return undefined;
  }
}
