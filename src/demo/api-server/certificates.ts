/**
 * A certificate authority and certificates for the demo and the tests: a minimal X.509 v3 writer (RFC 5280) for EC
 * P-256.
 *
 * Not for production: no revocation, no key identifiers, names of one field only. It never touches the disk.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';

export interface Identity {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface CertificateAuthority extends Identity {
  readonly name: string;
}

export interface Validity {
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface LeafOptions extends Validity {
  readonly commonName: string;
  /** Organizations: the groups of a Kubernetes client certificate. */
  readonly organizations?: readonly string[];
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
  readonly clientOnly?: boolean;
}

/** Self-signed, or an intermediate signed `by` another. */
export function createAuthority(name: string, validity: Validity, by?: CertificateAuthority): CertificateAuthority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [extension(OID.basicConstraints, true, sequence(boolean(true))), extension(OID.keyUsage, true, bits([0, 5, 6]))];
  const subject = distinguishedName(name, []);
  const issuer = by === undefined ? subject : distinguishedName(by.name, []);
  const signer = by === undefined ? keys.privateKey : by.key;
  const cert = certificate({ subject, issuer, publicKey: keys.publicKey, signer, validity, extensions });
  return { name, cert, key: pemKey(keys.privateKey) };
}

/** For a server and a client alike: both extended key usages are set, unless it is for a client only. */
export function issueCertificate(authority: CertificateAuthority, options: LeafOptions): Identity {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const alternatives = sequence(...options.names.map(alternativeName));
  const extensions = [
    extension(OID.basicConstraints, true, sequence()),
    extension(OID.keyUsage, true, bits([0])),
    extension(OID.extendedKeyUsage, false, sequence(...(options.clientOnly === true ? [] : [oid(OID.serverAuth)]), oid(OID.clientAuth))),
    ...(options.names.length === 0 ? [] : [extension(OID.subjectAltName, false, alternatives)]),
  ];
  const cert = certificate({
    subject: distinguishedName(options.commonName, options.organizations ?? []),
    issuer: distinguishedName(authority.name, []),
    publicKey: keys.publicKey,
    signer: authority.key,
    validity: options,
    extensions,
  });
  return { cert, key: pemKey(keys.privateKey) };
}

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

interface CertificateParts {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject | string;
  readonly validity: Validity;
  readonly extensions: readonly Buffer[];
}

function certificate(parts: CertificateParts): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const serial = randomBytes(16);
  // A serial is a positive INTEGER without needless leading zeros.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const toBeSigned = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, serial),
    algorithm,
    parts.issuer,
    sequence(time(parts.validity.notBefore), time(parts.validity.notAfter)),
    parts.subject,
    createPublicKey(parts.publicKey.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...parts.extensions)),
  );
  const signature = sign('sha256', toBeSigned, parts.signer);
  const der = sequence(toBeSigned, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function pemKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

// ---- DER (X.690) ----------------------------------------------------------------------------------------------------

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, content]);
}

function sequence(...items: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(items));
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}

/** A BIT STRING with these bits set, counted from the most significant; all below 8. */
function bits(set: readonly number[]): Buffer {
  const octet = set.reduce((value, bit) => value | (0x80 >> bit), 0);
  return tagged(0x03, Buffer.from([7 - Math.max(...set), octet]));
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280, 4.1.2.5). */
function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
  return Number(text.slice(0, 4)) < 2050 ? tagged(0x17, Buffer.from(text.slice(2))) : tagged(0x18, Buffer.from(text));
}

function distinguishedName(commonName: string, organizations: readonly string[]): Buffer {
  const part = (type: string, value: string) => tagged(0x31, sequence(oid(type), tagged(0x0c, Buffer.from(value))));
  return sequence(...organizations.map((each) => part(OID.organization, each)), part(OID.commonName, commonName));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), tagged(0x04, value));
}

function alternativeName(name: string): Buffer {
  if (isIPv4(name)) return tagged(0x87, Buffer.from(name.split('.').map(Number)));
  if (isIPv6(name)) return tagged(0x87, ipv6(name));
  return tagged(0x82, Buffer.from(name));
}

function ipv6(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const middle = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill('0');
  return Buffer.from([...left, ...middle, ...right].map((group) => group.padStart(4, '0')).join(''), 'hex');
}
