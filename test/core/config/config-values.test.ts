/** Quantities of bytes, addresses, and the guess at a mistyped word. */
import { expect, test } from 'vitest';
import { formatAddress, parseAddress, parseBytes } from '../../../src/core/config/config-values.ts';
import { nearest } from '../../../src/core/text/nearest.ts';

test.each([
  ['0', 0],
  ['4096', 4096],
  ['4Ki', 4096],
  ['10Mi', 10_485_760],
  ['1.5Gi', 1_610_612_736],
  ['200M', 200_000_000],
  ['1k', 1000],
  ['', undefined],
  ['10mi', undefined],
  ['10MB', undefined],
  ['-1', undefined],
  ['1e6', undefined],
  ['0.3Ki', undefined],
  ['999999999999999Ti', undefined],
])('the quantity %j is %j bytes', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each([
  ['127.0.0.1:9642', { host: '127.0.0.1', port: 9642 }],
  ['localhost:80', { host: 'localhost', port: 80 }],
  ['[::1]:9642', { host: '::1', port: 9642 }],
  [':9642', { host: '', port: 9642 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
])('the address %s is understood and written back alike', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
  expect(formatAddress(address)).toBe(text);
});

test.each(['9642', '::1:9642', '[::1]', 'host:', 'host:99999', 'host:http', 'a b:1', '[host]:1', 'http://a:1'])(
  '%s is no address',
  (text) => {
    expect(parseAddress(text)).toBeUndefined();
  },
);

test('a slip of the finger finds its word, as the beginning of only one does; another word finds none', () => {
  expect(nearest('stauts', ['status', 'show', 'verify'])).toBe('status');
  expect(nearest('statu', ['status', 'show', 'verify'])).toBe('status');
  expect(nearest('Min-Ready', ['min-ready', 'max-age'])).toBe('min-ready');
  expect(nearest('conf', ['config', 'criSocket'])).toBe('config');
  expect(nearest('kubelet', ['kubelet-config', 'kubelet-version'])).toBeUndefined();
  expect(nearest('ku', ['kubelet-config'])).toBeUndefined();
  expect(nearest('banana', ['status', 'show'])).toBeUndefined();
  expect(nearest('anything', [])).toBeUndefined();
});
