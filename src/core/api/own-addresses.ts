/**
 * The API servers' own addresses, as they tell them while requests succeed. The service address is dead until
 * kube-proxy runs, and may break alone: what answers under its own address is no outage. Pure.
 */
import { isObject, objectsIn, textField } from '../model/json.ts';
import { formatTime, parseTime } from '../model/time.ts';

export interface OwnAddress {
  /** `https://host:port`. */
  readonly url: string;
  /** RFC 3339; renewed once a day, so that an idle node hardly writes. */
  readonly lastSeen: string;
  /** Fingerprints of the cluster's CA certificates: one in common is the same cluster. */
  readonly authorities: readonly string[];
}

/**
 * A search for the servers behind one address, over fresh connections: a balancer leads each of them to a server of its
 * choice, and the one that all requests share to one server only.
 */
export interface Search {
  /** Own addresses that servers have told in this round. */
  readonly told: readonly string[];
  readonly connections: number;
  /** Those since one told anything new. */
  readonly inVain: number;
}

/** Of two servers behind an address that chooses by chance, one node in 32 finds one only on its first day. */
export const CONNECTIONS_IN_VAIN = 5;
export const MOST_CONNECTIONS = 8;

const DAY_MS = 86_400_000;
export const MOST_ADDRESSES = 16;
export const KEPT_DAYS = 30;

/** From the reply to `GET /api`: those for clients anywhere, for the ranges of others say nothing of this node. */
export function serverAddresses(reply: unknown): readonly string[] {
  if (textField(reply, 'kind') !== 'APIVersions') return [];
  const found = objectsIn(reply, 'serverAddressByClientCIDRs')
    .filter((entry) => ['0.0.0.0/0', '::/0'].includes(textField(entry, 'clientCIDR') ?? ''))
    .map((entry) => textField(entry, 'serverAddress') ?? '');
  return [...new Set(found.filter((address) => address !== ''))].slice(0, MOST_ADDRESSES).map((address) => `https://${address}`);
}

export function searchFrom(told: readonly string[]): Search {
  return { told, connections: 0, inVain: 0 };
}

/** One more connection has been tried, and told these; nothing where it failed. */
export function afterConnection({ told, connections, inVain }: Search, urls: readonly string[]): Search {
  const news = [...new Set(urls)].filter((url) => !told.includes(url));
  return { told: [...told, ...news], connections: connections + 1, inVain: news.length > 0 ? 0 : inVain + 1 };
}

/** Behind a server's own address is that server, and nobody else to be found. */
export function searchGoesOn({ told, connections, inVain }: Search, url: string): boolean {
  return !told.includes(url) && inVain < CONNECTIONS_IN_VAIN && connections < MOST_CONNECTIONS;
}

/** Those of this cluster that were seen in the last 30 days. One from a clock that was ahead counts as just seen. */
export function addressesOf(kept: readonly OwnAddress[], authorities: readonly string[], wall: number): readonly string[] {
  return kept.filter((address) => isOf(address, authorities) && !isOld(address, wall)).map(({ url }) => url);
}

/** What is to be kept now that a server has been seen; undefined: what is kept already says so. */
export function withAddress(
  kept: readonly OwnAddress[],
  url: string,
  authorities: readonly string[],
  wall: number,
): readonly OwnAddress[] | undefined {
  const before = kept.find((address) => address.url === url);
  const age = before === undefined ? Number.NaN : wall - parseTime(before.lastSeen);
  if (before !== undefined && age >= 0 && age < DAY_MS && sameSet(before.authorities, authorities)) return undefined;
  const others = kept.filter((address) => address.url !== url && !isOld(address, wall));
  const latest = [...others].sort((a, b) => parseTime(b.lastSeen) - parseTime(a.lastSeen));
  return [{ url, lastSeen: formatTime(wall), authorities }, ...latest].slice(0, MOST_ADDRESSES);
}

/** What of a stored list makes sense; never throws. */
export function readAddresses(stored: unknown): readonly OwnAddress[] {
  return objectsIn(stored, 'addresses')
    .filter(isObject)
    .flatMap((entry) => {
      const url = textField(entry, 'url');
      const lastSeen = textField(entry, 'lastSeen');
      const authorities = entry['authorities'];
      if (url === undefined || lastSeen === undefined || Number.isNaN(parseTime(lastSeen)) || !Array.isArray(authorities)) return [];
      return [{ url, lastSeen, authorities: authorities.filter((each) => typeof each === 'string') }];
    })
    .slice(0, MOST_ADDRESSES);
}

function isOf(address: OwnAddress, authorities: readonly string[]): boolean {
  return address.authorities.some((each) => authorities.includes(each));
}

function isOld({ lastSeen }: OwnAddress, wall: number): boolean {
  return wall - parseTime(lastSeen) > KEPT_DAYS * DAY_MS;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}
