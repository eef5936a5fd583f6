/** Which objects are given, and whether the API server would have taken them. */
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/core/model/model.ts';
import { configMap, podWith, secret, sorted } from './render-objects.ts';

describe('documents', () => {
  const pod = podWith({ containers: [{ name: 'c' }] });
  const problemsOf = (...values: readonly unknown[]) => {
    const result = sorted(...values);
    return result.ok ? [] : result.problems;
  };

  test('without content are passed over, and other kinds beside a pod too', () => {
    expect(problemsOf(null, pod, undefined, { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } })).toEqual([]);
  });

  test('get a namespace where they name none', () => {
    const result = sorted({ ...pod, metadata: { name: 'web' } }, { ...secret('s', {}), metadata: { name: 's' } });
    expect(result).toMatchObject({ ok: true, objects: { pod: { metadata: { namespace: 'default' } } } });
    expect(result.ok && result.objects.find('Secret', 'default', 's')).toMatchObject({ name: 's' });
  });

  test('may be lists of lists', () => {
    const list = {
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'PodList', items: [{ metadata: { name: 'web' }, spec: {} }] }, secret('s', {})],
    };
    expect(sorted(list)).toMatchObject({ ok: true, objects: { pod: { kind: 'Pod', metadata: { name: 'web' } } } });
  });

  test.each<[string, readonly unknown[], readonly RegExp[]]>([
    ['nothing at all', [], [/no document has any content; give a Pod/]],
    ['no pod', [secret('s', {})], [/^no Pod is given/]],
    [
      'a Deployment',
      [{ apiVersion: 'apps/v1', kind: 'Deployment' }],
      [/^doc 1: a "Deployment" is no Pod; give one of its pods, as kubectl get pod NAME -o yaml/],
    ],
    ['two pods', [pod, pod], [/^2 pods are given \("web" in doc 1; "web" in doc 2\)/]],
    ['text', ['hello'], [/^doc 1 holds no Kubernetes object/]],
    ['a pod of another version', [{ ...pod, apiVersion: 'v2' }], [/^doc 1: apiVersion of a Pod must be v1/]],
    ['a secret twice', [pod, secret('s', {}), secret('s', {})], [/^doc 3: Secret apps\/s is also in doc 2; keep one/]],
    ['a secret without a name', [pod, { ...secret('s', {}), metadata: {} }], [/^doc 2: metadata of this Secret has no valid name/]],
    [
      'a key that leads out',
      [pod, secret('s', { data: { '../x': '' } })],
      [/Secret apps\/s, data: the key "\.\.\/x" has other characters.*API server refuses/],
    ],
    ['a key of two dots', [pod, configMap('s', { data: { '..': '' } })], [/the key "\.\." is a name that directories use/]],
    ['a key with a slash', [pod, secret('s', { stringData: { 'a/b': '' } })], [/stringData: the key "a\/b" has other characters/]],
    ['a long key', [pod, configMap('s', { data: { ['k'.repeat(254)]: '' } })], [/is longer than 253 characters/]],
    ['a key in both parts', [pod, configMap('s', { data: { k: '' }, binaryData: { k: '' } })], [/binaryData: the key "k" is also in data/]],
    [
      'data that is no base64',
      [pod, secret('s', { data: { k: 'hunter2!' } })],
      [/^doc 2: Secret apps\/s, data: the value of "k" is not base64; encode it, or write the text under stringData$/],
    ],
    ['a number as a value', [pod, configMap('s', { data: { port: 8080 } })], [/data: the value of "port" is no text; put it in quotes/]],
    ['data that is no map', [pod, configMap('s', { data: 'x' })], [/data is no map of texts/]],
    ['too much data', [pod, configMap('s', { data: { k: 'x'.repeat(1024 * 1024 + 1) } })], [/holds more than 1 MiB/]],
    ['several mistakes', [secret('s', { data: { '..': '', b: '?' } }), pod, pod], [/the key/, /not base64/, /2 pods/]],
  ])('with %s are told: %#', (_what, values, expected) => {
    const problems = problemsOf(...values);
    expect(problems).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(problems[index]).toMatch(pattern);
  });

  test('with a list in itself come to an end', () => {
    const list: Json = { kind: 'List' };
    list['items'] = [list];
    expect(problemsOf(list)).toEqual([expect.stringMatching(/too deeply/)]);
  });

  test('take nothing after the colon as the empty text', () => {
    const result = sorted(pod, secret('s', { data: { a: null }, stringData: { b: null } }));
    expect(result.ok && [...(result.objects.find('Secret', 'apps', 's')?.texts ?? [])]).toEqual([
      ['a', ''],
      ['b', ''],
    ]);
  });
});
