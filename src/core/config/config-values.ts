/**
 * How one configuration value is read: one function for each kind of value, from a flag's text or a file's YAML value.
 * Pure; resolves no name, opens no socket, and knows no key by name.
 */

import { parseKubeletVersion } from '../kubelet/kubelet-version.ts';
import { parseDuration } from '../model/duration.ts';
import { isDnsLabel, isDnsSubdomain } from '../model/json.ts';
import { quantityAsNumber } from '../text/quantity.ts';
import { type ConfigKey, LOG_LEVELS, type LogLevel } from './config-keys.ts';

/** A reader's answer: the value, or what is wrong with it (undefined: simply not of the allowed form). */
export type Parsed<T> = { readonly value: T } | { readonly problem: string | undefined };

export function splitList(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split(',')).filter((text) => text !== '');
}

/** Of all quantities those that people write for bytes: no sign, no exponent, nothing smaller than one. */
const OF_BYTES = /^\d{1,15}(?:\.\d{1,6})?(?:[kMGT]|[KMGT]i)?$/;

/** A quantity (`10Mi`, `1.5Gi`, `200M`, `4096`) in bytes; undefined where it is none, or no whole bytes. */
export function parseBytes(text: string): number | undefined {
  const bytes = OF_BYTES.test(text) ? quantityAsNumber(text) : undefined;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

export interface SocketAddress {
  /** '' = every interface. */
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
}

/** `host:port`, `[ipv6]:port` or `:port`; undefined where it is none of these. */
export function parseAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\]|([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?)?):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[4]);
  return port <= 65_535 ? { host: match[1] ?? match[2] ?? '', port } : undefined;
}

/** The reverse of {@link parseAddress}. */
export function formatAddress(address: SocketAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/** A value as an error shows it: short, and without the password that a URL may hold. */
export function quote(raw: unknown): string {
  const text = (JSON.stringify(raw) ?? String(raw)).replaceAll(/\/\/[^/@\s"]*@/g, '//...@');
  return text.length <= 120 ? text : `${text.slice(0, 117)}...`;
}

export function parseText(raw: unknown, key: ConfigKey): Parsed<string> {
  if (typeof raw !== 'string') return { problem: 'not text; put it in quotes' };
  if (raw === '') return { value: '' };
  if (key.kind === 'node-name') return isDnsSubdomain(raw) ? { value: raw } : { problem: undefined };
  if (key.kind === 'kubelet-version') return parseKubeletVersion(raw) === undefined ? { problem: undefined } : { value: raw };
  if (key.kind === 'image') return /^[A-Za-z0-9][-\w.:/@]{0,500}$/.test(raw) ? { value: raw } : { problem: undefined };
  return /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/.test(raw) ? { value: raw } : { problem: undefined };
}

/** `unix://` is how kubelet configurations write a socket; doubled and trailing slashes go. */
export function parsePath(raw: unknown): Parsed<string> {
  if (typeof raw !== 'string') return { problem: 'not text; put it in quotes' };
  const path = raw.replace(/^unix:\/\/(?=\/)/, '');
  if (!path.startsWith('/')) return { problem: undefined };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: such a path is a typing error worth refusing
  if (/[\u0000-\u001f\u007f]/.test(path)) return { problem: 'has control characters' };
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.includes('..') || parts.includes('.')) return { problem: 'has . or .. in it' };
  return parts.length === 0 ? { problem: 'the root directory' } : { value: `/${parts.join('/')}` };
}

export function parseList(raw: unknown, key: ConfigKey): Parsed<readonly string[]> {
  if (!Array.isArray(raw)) return { problem: 'not a list' };
  const items: readonly unknown[] = raw;
  if (!items.every((item) => typeof item === 'string')) return { problem: 'has an item that is not text' };
  const texts = splitList(items);
  if (key.kind === 'namespaces') {
    const bad = texts.find((text) => text !== '*' && !isDnsLabel(text));
    if (bad !== undefined) return { problem: `${quote(bad)} is no namespace` };
    return texts.length === 0 ? { problem: undefined } : { value: [...new Set(texts)] };
  }
  const bad = texts.find((text) => endpointOrigin(text) === undefined);
  if (bad !== undefined) return { problem: `${quote(bad)} is no such URL` };
  return { value: [...new Set(texts.flatMap((text) => endpointOrigin(text) ?? []))] };
}

/**
 * Scheme, host and port of a URL that has nothing else. Plain http would show what is asked to everyone on the way, so
 * only loopback may have it.
 */
function endpointOrigin(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const bare = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return bare && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback)) ? url.origin : undefined;
}

/** A number read from text, in milliseconds, bytes or pieces. */
export type Amount = { readonly ok: true; readonly amount: number } | { readonly ok: false; readonly problem: string | undefined };

export function parseAmount(raw: unknown, key: ConfigKey, readAmount: (text: string) => Amount): Parsed<number> {
  if (typeof raw !== 'string' && typeof raw !== 'number') return { problem: undefined };
  const read = readAmount(String(raw));
  if (!read.ok) return { problem: read.problem };
  const bound = (text: string | undefined, otherwise: number) => {
    const limit = text === undefined ? undefined : readAmount(text);
    return limit?.ok === true ? limit.amount : otherwise;
  };
  if (read.amount < bound(key.min, 0)) return { problem: 'too small' };
  return read.amount > bound(key.max, Number.MAX_SAFE_INTEGER) ? { problem: 'too large' } : { value: read.amount };
}

export function readDuration(text: string): Amount {
  const parsed = parseDuration(text);
  return parsed.ok ? { ok: true, amount: parsed.ms } : { ok: false, problem: undefined };
}

export function readCount(text: string): Amount {
  return /^\d{1,9}$/.test(text) ? { ok: true, amount: Number(text) } : { ok: false, problem: undefined };
}

export function readBytes(text: string): Amount {
  const bytes = parseBytes(text);
  return bytes === undefined ? { ok: false, problem: undefined } : { ok: true, amount: bytes };
}

export function parseBoolean(raw: unknown): Parsed<boolean> {
  if (raw === true || raw === 'true') return { value: true };
  return raw === false || raw === 'false' ? { value: false } : { problem: undefined };
}

export function parseLevel(raw: unknown): Parsed<LogLevel> {
  const level = LOG_LEVELS.find((candidate) => candidate === raw);
  return level === undefined ? { problem: undefined } : { value: level };
}

export function parseSocketAddress(raw: unknown): Parsed<SocketAddress | undefined> {
  if (raw === '') return { value: undefined };
  const address = typeof raw === 'string' ? parseAddress(raw) : undefined;
  return address === undefined ? { problem: undefined } : { value: address };
}
