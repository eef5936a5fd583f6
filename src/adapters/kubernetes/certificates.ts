/**
 * What a server's certificate says, for servers that TLS has refused already. Pure but for the parsing; opens nothing.
 *
 * The TLS library names one fault only, and the dates hide every other: an expired certificate of a foreign authority
 * is called expired too. So name and chain are looked at here once more.
 */
import { X509Certificate } from 'node:crypto';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/** Longer chains of intermediates are nobody's. */
const MAX_INTERMEDIATES = 8;
/** Extended key usage serverAuth (RFC 5280, 4.2.1.12). */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

export interface Presented {
  readonly leaf: X509Certificate;
  readonly others: readonly X509Certificate[];
}

/** Why nobody who verifies it takes this certificate. */
export interface WrongDate {
  readonly reason: 'expired' | 'not-yet-valid';
  /** Milliseconds since 1970: when it ended, or when it begins. */
  readonly at: number;
}

export interface Judgement {
  readonly presented: Presented;
  /** PEM bundle. */
  readonly ca: string;
  /** One of these the certificate must carry. */
  readonly names: readonly string[];
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
}

/**
 * Undefined: its dates are right, or something else is wrong too. An authority or an intermediate out of its time
 * counts as wrong: ours may be an old copy, and others hold the new one.
 */
export function wrongDate({ presented, ca, names, now }: Judgement): WrongDate | undefined {
  const { leaf, others } = presented;
  const date = outOfTime(leaf, now);
  if (date === undefined || !servesAs(leaf, names)) return undefined;
  return leadsToTrust(leaf, { others, trusted: certificatesOf(ca), now }, 0) ? date : undefined;
}

export function certificatesOf(bundle: string): readonly X509Certificate[] {
  return blocksOf(bundle).map((block) => new X509Certificate(block));
}

/**
 * Bundles to try one after another where several authorities have the same name: OpenSSL looks at one of them only,
 * Go's verifier, and with it every client-go, at each. Empty where there is nothing to choose.
 */
export function bundlesByOne(bundle: string): readonly string[] {
  const groups = Map.groupBy(blocksOf(bundle), (block) => new X509Certificate(block).subject);
  const most = Math.max(0, ...[...groups.values()].map((group) => group.length));
  if (most < 2) return [];
  return Array.from({ length: most }, (_, index) =>
    [...groups.values()].map((group) => group[Math.min(index, group.length - 1)] ?? '').join('\n'),
  );
}

function blocksOf(bundle: string): readonly string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function outOfTime(certificate: X509Certificate, now: number): WrongDate | undefined {
  const until = Date.parse(certificate.validTo);
  const from = Date.parse(certificate.validFrom);
  if (now > until) return { reason: 'expired', at: until };
  return now < from ? { reason: 'not-yet-valid', at: from } : undefined;
}

/** Is it a server's, under one of these names? */
function servesAs(leaf: X509Certificate, names: readonly string[]): boolean {
  // Node.js calls the extended usages so
  const usages = leaf.keyUsage as readonly string[] | undefined;
  if (usages !== undefined && usages.length > 0 && !usages.includes(SERVER_AUTH)) return false;
  return names.some((name) => checkServerIdentity(name, leaf.toLegacyObject() as PeerCertificate) === undefined);
}

interface Around {
  readonly others: readonly X509Certificate[];
  readonly trusted: readonly X509Certificate[];
  readonly now: number;
}

/** Every signature up to a certificate of the bundle, each issuer an authority within its time. */
function leadsToTrust(certificate: X509Certificate, around: Around, depth: number): boolean {
  const { others, trusted, now } = around;
  const issues = (issuer: X509Certificate): boolean =>
    issuer.ca && outOfTime(issuer, now) === undefined && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  if (trusted.some(issues)) return true;
  return depth < MAX_INTERMEDIATES && others.some((other) => issues(other) && leadsToTrust(other, around, depth + 1));
}
