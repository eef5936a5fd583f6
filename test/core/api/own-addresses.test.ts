/** Which addresses of API servers are learnt, kept, written and forgotten. */
import { describe, expect, it } from 'vitest';
import {
  addressesOf,
  afterConnection,
  CONNECTIONS_IN_VAIN,
  KEPT_DAYS,
  MOST_ADDRESSES,
  MOST_CONNECTIONS,
  type OwnAddress,
  readAddresses,
  type Search,
  searchFrom,
  searchGoesOn,
  serverAddresses,
  withAddress,
} from '../../../src/core/api/own-addresses.ts';

const DAY = 86_400_000;
const WALL = Date.parse('2026-11-30T12:00:00.000Z');
const CA = ['AA'];
const kept = (url: string, daysAgo: number, authorities: readonly string[] = CA): OwnAddress => ({
  url,
  lastSeen: new Date(WALL - daysAgo * DAY).toISOString(),
  authorities,
});

describe('a reply to GET /api', () => {
  const reply = (...entries: { clientCIDR?: unknown; serverAddress?: unknown }[]) => ({
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: entries,
  });

  it('tells the addresses for clients anywhere, each once', () => {
    const told = reply(
      { clientCIDR: '0.0.0.0/0', serverAddress: '10.0.0.1:6443' },
      { clientCIDR: '::/0', serverAddress: '[fd00::1]:6443' },
      { clientCIDR: '10.96.0.0/12', serverAddress: '10.96.0.1:443' },
      { clientCIDR: '0.0.0.0/0', serverAddress: '10.0.0.1:6443' },
    );
    expect(serverAddresses(told)).toEqual(['https://10.0.0.1:6443', 'https://[fd00::1]:6443']);
  });

  it.each([[undefined], ['text'], [{}], [{ kind: 'Status' }], [reply({})], [reply({ clientCIDR: '0.0.0.0/0', serverAddress: 5 })]])(
    'that is odd tells none: %j',
    (odd) => {
      expect(serverAddresses(odd)).toEqual([]);
    },
  );
});

describe('a search for the servers behind one address', () => {
  const FRONT = 'https://front';
  const asked = (search: Search, ...replies: (readonly string[])[]): Search => replies.reduce(afterConnection, search);
  const vain = (count: number): (readonly string[])[] => Array.from({ length: count }, (_, n) => (n % 2 === 0 ? ['https://a'] : []));

  it('is over after five connections in a row that showed nothing new, or failed', () => {
    const start = searchFrom(['https://a']);
    expect(searchGoesOn(asked(start, ...vain(CONNECTIONS_IN_VAIN - 1)), FRONT)).toBe(true);
    expect(searchGoesOn(asked(start, ...vain(CONNECTIONS_IN_VAIN)), FRONT)).toBe(false);
  });

  it('begins to count anew at each server that was not seen in this round', () => {
    const found = asked(searchFrom(['https://a']), ...vain(2), ['https://b', 'https://b']);
    expect(found.told).toEqual(['https://a', 'https://b']);
    expect(searchGoesOn(asked(found, ...vain(CONNECTIONS_IN_VAIN - 1)), FRONT)).toBe(true);
    expect(searchGoesOn(asked(found, ...vain(CONNECTIONS_IN_VAIN)), FRONT)).toBe(false);
  });

  it('is over after eight, whatever they showed', () => {
    const each = (count: number) => Array.from({ length: count }, (_, n) => [`https://${n}`]);
    expect(searchGoesOn(asked(searchFrom([]), ...each(MOST_CONNECTIONS - 1)), FRONT)).toBe(true);
    expect(searchGoesOn(asked(searchFrom([]), ...each(MOST_CONNECTIONS)), FRONT)).toBe(false);
  });

  it("has no object where the address is a server's own", () => {
    expect(searchGoesOn(searchFrom([]), 'https://a')).toBe(true);
    expect(searchGoesOn(searchFrom(['https://b', 'https://a']), 'https://a')).toBe(false);
    expect(searchGoesOn(asked(searchFrom([]), ['https://a']), 'https://a')).toBe(false);
  });
});

describe('what is asked', () => {
  it('is what this cluster was seen under in the last thirty days', () => {
    const all = [kept('https://a', 1), kept('https://b', KEPT_DAYS + 1), kept('https://c', 1, ['BB'])];
    expect(addressesOf(all, CA, WALL)).toEqual(['https://a']);
  });

  it('goes on through a rotation of the CA: one certificate in common is the same cluster', () => {
    expect(addressesOf([kept('https://a', 1, ['AA'])], ['BB', 'AA'], WALL)).toEqual(['https://a']);
    expect(addressesOf([kept('https://a', 1, ['AA', 'BB'])], ['BB'], WALL)).toEqual(['https://a']);
  });

  it('does not suffer from a clock that was ahead', () => {
    expect(addressesOf([kept('https://a', -400)], CA, WALL)).toEqual(['https://a']);
    expect(withAddress([kept('https://a', -400)], 'https://a', CA, WALL)).toEqual([kept('https://a', 0)]);
  });
});

describe('what is kept', () => {
  it('changes for a new address, another set of authorities, or after a day; else nothing is written', () => {
    const all = [kept('https://a', 0.9)];
    expect(withAddress(all, 'https://a', CA, WALL)).toBeUndefined();
    expect(withAddress(all, 'https://b', CA, WALL)).toEqual([kept('https://b', 0), ...all]);
    expect(withAddress(all, 'https://a', ['AA', 'BB'], WALL)).toEqual([kept('https://a', 0, ['AA', 'BB'])]);
    expect(withAddress([kept('https://a', 1)], 'https://a', CA, WALL)).toEqual([kept('https://a', 0)]);
  });

  it('is bounded, the latest first, and forgets what is old', () => {
    const many = Array.from({ length: MOST_ADDRESSES }, (_, n) => kept(`https://s${n}`, n + 1));
    const next = withAddress(many, 'https://new', CA, WALL) ?? [];
    expect(next).toHaveLength(MOST_ADDRESSES);
    expect(next.map(({ url }) => url)).toEqual(['https://new', ...many.slice(0, -1).map(({ url }) => url)]);
    expect(withAddress([kept('https://old', KEPT_DAYS + 1)], 'https://a', CA, WALL)).toEqual([kept('https://a', 0)]);
  });

  it('is read back, and nonsense in it is left out', () => {
    const all = [kept('https://a', 1), kept('https://b', 2)];
    expect(readAddresses({ formatVersion: 1, addresses: all })).toEqual(all);
    expect(readAddresses({ addresses: [5, {}, { url: 'https://a', lastSeen: 'x', authorities: [] }, ...all] })).toEqual(all);
    for (const nonsense of [undefined, 'damaged', {}, { addresses: 5 }]) expect(readAddresses(nonsense)).toEqual([]);
  });
});
