/** How one digest stands for the CA certificates of a cluster. Pure. */
import { sha256 } from './manifest.ts';

/**
 * As records have it: over the fingerprints, sorted, each as `openssl x509 -fingerprint` writes it. `cas`: sha256 of
 * each certificate, in hex.
 */
export function clusterDigest(cas: readonly string[]): string {
  const prints = cas.map((ca) => (ca.toUpperCase().match(/../g) ?? []).join(':'));
  return sha256([...new Set(prints)].sort().join('\n'));
}
