/** Why TLS with a server failed, in few fixed words, from the codes of Node.js and OpenSSL. Never reads a message. */
import { codeOf } from '../../core/model/errors.ts';
import type { TlsReason } from '../../core/model/model.ts';

const BY_CODE: Readonly<Record<string, TlsReason>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'name',
  HOSTNAME_MISMATCH: 'name',
  CERT_HAS_EXPIRED: 'dates',
  CERT_NOT_YET_VALID: 'dates',
  UNABLE_TO_GET_ISSUER_CERT: 'authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'authority',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: 'authority',
  CERT_SIGNATURE_FAILURE: 'authority',
  CERT_UNTRUSTED: 'authority',
  CERT_REJECTED: 'authority',
  CERT_CHAIN_TOO_LONG: 'authority',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'authority',
  INVALID_CA: 'authority',
  INVALID_PURPOSE: 'authority',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not-tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not-tls',
  ERR_SSL_UNKNOWN_PROTOCOL: 'not-tls',
  ERR_SSL_HTTP_REQUEST: 'not-tls',
  EMFILE: 'ours',
  ENFILE: 'ours',
};

/** An alert is what the other side says of us: of our client certificate, or of the versions that we speak. */
export function tlsReasonOf(error: unknown): TlsReason {
  const code = rootCode(error) ?? '';
  if (code.includes('_ALERT_') && /CERTIFICATE|UNKNOWN_CA/.test(code)) return 'client-certificate';
  if (code.startsWith('HPE_')) return 'not-tls';
  if (code.startsWith('ERR_OSSL_') || code === 'ERR_SSL_EE_KEY_TOO_SMALL') return 'ours';
  return BY_CODE[code] ?? 'other';
}

/** What the library said, without our own words around it. */
export function saidByTls(error: unknown): string {
  const said = error instanceof Error ? firstLine(error.message).replace(/^(?:connecting to|asking|probing) \S+: /, '') : '';
  return said === '' ? 'failed' : said;
}

export function isAboutDates(error: unknown): boolean {
  return tlsReasonOf(error) === 'dates';
}

/** Several authorities of one name: the library took the wrong one. */
export function isWrongAuthority(error: unknown): boolean {
  return rootCode(error) === 'CERT_SIGNATURE_FAILURE';
}

function rootCode(error: unknown): string | undefined {
  return codeOf(rootOf(error));
}

function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
