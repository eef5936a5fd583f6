/** Which certificates a CA bundle holds: the identity of a cluster is made from them. Opens nothing. */
import { PortError } from '../../ports.ts';
import { certificatesOf } from './certificates.ts';

/**
 * sha256 of each certificate, in hex, sorted: order, comments and repetitions do not matter. Throws PortError `invalid`
 * where one cannot be read, or there is none.
 */
export function caFingerprints(bundle: string): readonly string[] {
  const prints = fingerprintsIn(bundle);
  if (prints.length === 0) throw new PortError('invalid', 'CA bundle: it holds no certificate');
  return prints;
}

/** The same where no certificate is none: whoever trusts what the system trusts has no bundle. */
export function fingerprintsIn(bundle: string): readonly string[] {
  try {
    const prints = certificatesOf(bundle).map(({ fingerprint256 }) => fingerprint256.replaceAll(':', '').toLowerCase());
    return [...new Set(prints)].sort();
  } catch (error) {
    throw new PortError('invalid', `CA bundle: a certificate in it cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** The same for a bundle that may be renewed: read anew only where the text is another; the last good answer stays. */
export function followCas(bundle: () => string, fingerprints = caFingerprints): () => readonly string[] {
  let text = bundle();
  let known = fingerprints(text);
  return () => {
    const now = bundle();
    if (now === text) return known;
    text = now;
    try {
      known = fingerprints(now);
    } catch {
      // half written: the next reading tells
    }
    return known;
  };
}
