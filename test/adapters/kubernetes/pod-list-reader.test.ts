/** A list of pods read piece by piece is what it is when read as a whole; and as little is believed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PodListing, parsePodList } from '../../../src/adapters/kubernetes/pod-list.ts';
import { createPodListReader } from '../../../src/adapters/kubernetes/pod-list-reader.ts';
import type { Json } from '../../../src/core/model/model.ts';

const pod = (name: string, more: Json = {}): Json => ({ metadata: { name, namespace: 'b', uid: `u-${name}`, ...more }, spec: {} });
const list = (items: unknown, more: Json = {}): Json => ({
  kind: 'PodList',
  apiVersion: 'v1',
  metadata: { resourceVersion: '5' },
  items,
  ...more,
});

/** Cut at these places. */
function inPieces(text: string, cuts: readonly number[], kept: Parameters<typeof createPodListReader>[0] = (one) => one): PodListing {
  const bytes = Buffer.from(text);
  const reader = createPodListReader(kept);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let at = 1; at < places.length; at += 1) reader.take(bytes.subarray(places[at - 1], places[at]));
  return reader.listing();
}

const LISTS: readonly (readonly [string, Json])[] = [
  ['no pods', list([])],
  ['a nil slice', list(null)],
  ['one pod', list([pod('a')])],
  ['several', list([pod('a'), pod('ß €'), pod('c')])],
  ['items before the rest', { items: [pod('a'), pod('b')], metadata: { resourceVersion: '5' }, kind: 'PodList', apiVersion: 'v1' }],
  ['kind before metadata', list(['a', 'b', 'c'].map((name) => ({ kind: 'Pod', apiVersion: 'v1', ...pod(name) })))],
  [
    'beginnings of pods within pods',
    list([pod('a', { list: [{ metadata: 1 }, { metadata: 2 }] }), pod('b', { text: '},{"metadata":{"' }), pod('c')]),
  ],
];

describe('a list in pieces', () => {
  test.each(LISTS)('is the same: %s', (_name, value) => {
    const text = JSON.stringify(value);
    const whole = parsePodList(text);
    expect(inPieces(text, [])).toEqual(whole);
    expect(
      inPieces(
        text,
        Array.from({ length: text.length * 2 }, (_, at) => at),
      ),
    ).toEqual(whole);
    expect(inPieces(JSON.stringify(value, null, 2), [7, 50])).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        expect(inPieces(text, cuts)).toEqual(whole);
      }),
    );
  });

  test('whatever stands in the pods', () => {
    const pods = fc
      .array(fc.tuple(fc.jsonValue(), fc.constantFrom('{"metadata":{', '},{', '"items":[', ']}')))
      .map((all) =>
        all.map(([value, text], at) =>
          pod(`p${at}`, { value: value as string, [text]: [{ metadata: text }, { metadata: value as string }] }),
        ),
      );
    fc.assert(
      fc.property(pods, fc.array(fc.nat()), (items, cuts) => {
        const text = JSON.stringify(list(items));
        expect(inPieces(text, cuts)).toEqual(parsePodList(text));
      }),
    );
  });

  test('keeps of each pod what is to be kept', () => {
    const { pods } = inPieces(JSON.stringify(list([pod('a'), pod('b')])), [60], ({ metadata }) => ({
      metadata: { name: `${metadata?.name}!` },
    }));
    expect(pods.map(({ metadata }) => metadata?.name)).toEqual(['a!', 'b!']);
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['HTML', '<html>},{"items":['],
    ['one that is cut off', JSON.stringify(list([pod('a'), pod('b'), pod('c')])).slice(0, -30)],
    ['one cut off between two pods', JSON.stringify(list([pod('a'), pod('b')])).replace(/,\{"metadata":\{"name":"b.*/, '')],
    ['another kind', JSON.stringify({ ...list([pod('a'), pod('b')]), kind: 'NodeList' })],
    ['what has no version', JSON.stringify({ ...list([pod('a'), pod('b')]), metadata: {} })],
    ['the first of several pages', JSON.stringify({ ...list([pod('a'), pod('b')]), metadata: { resourceVersion: '5', continue: 'x' } })],
    ['a pod without a uid', JSON.stringify(list([pod('a'), { metadata: { name: 'b', namespace: 'b' } }, pod('c')]))],
    [
      'items of something else',
      JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: { items: [pod('a'), pod('b')], resourceVersion: '5' } }),
    ],
    [
      'garbage between pods',
      JSON.stringify(list([pod('a'), pod('b'), pod('c')])).replace('},{"metadata":{"name":"b"', '}x,{"metadata":{"name":"b"'),
    ],
  ])('is refused: %s', (_name, text) => {
    for (const cuts of [[], [10, 20, 40], Array.from({ length: text.length }, (_, at) => at)]) {
      expect(() => inPieces(text, cuts)).toThrow(expect.objectContaining({ kind: 'invalid' }));
    }
  });
});
