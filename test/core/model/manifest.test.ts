/** The text of a manifest: equal content is equal bytes, and damaged text is never taken for a manifest. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeManifest, encodeManifest, resolveRevisionDir, sha256, withAnnotations } from '../../../src/core/model/manifest.ts';
import { type Json, REVISION_DIR } from '../../../src/core/model/model.ts';

const POD: Json = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'b' }, spec: { containers: [{ name: 'c' }] } };

describe('encodeManifest', () => {
  it('sorts keys, also those that look like numbers, and ends with a newline', () => {
    expect(encodeManifest({ b: 1, a: [true, null, 'x'], 10: 1, 9: 1, gone: undefined })).toBe('{"10":1,"9":1,"a":[true,null,"x"],"b":1}\n');
  });

  it('escapes what a YAML reader would stumble over, and nothing else', () => {
    expect(encodeManifest({ a: '\u007f\u0085\u009f\u2028\u2029\ufeff é\u00a0😀' })).toBe(
      '{"a":"\\u007f\\u0085\\u009f\\u2028\\u2029\\ufeff é\u00a0😀"}\n',
    );
  });

  it('refuses what JSON cannot say', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1]) expect(() => encodeManifest({ a: value })).toThrow(TypeError);
  });

  it('gives the same bytes whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        expect(encodeManifest(reversed)).toBe(encodeManifest(object));
      }),
    );
  });

  it('is plain JSON with the same content', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        expect(JSON.parse(encodeManifest(object))).toEqual(JSON.parse(JSON.stringify(object)));
      }),
    );
  });
});

describe('decodeManifest', () => {
  it('reads back what was written', () => {
    expect(decodeManifest(encodeManifest(POD))).toEqual({ ok: true, manifest: POD });
  });

  it.each([
    ['text that is no JSON', '{"a"', 'not JSON'],
    ['a list', '[]', 'not a JSON object'],
    ['another kind', encodeManifest({ ...POD, kind: 'List' }), 'v1 Pod'],
    ['no name', encodeManifest({ ...POD, metadata: { namespace: 'b' } }), 'metadata.name'],
    ['no namespace', encodeManifest({ ...POD, metadata: { name: 'b' } }), 'metadata.namespace'],
    ['no containers', encodeManifest({ ...POD, spec: {} }), 'spec.containers'],
    ['another layout', JSON.stringify(POD), 'canonical'],
    ['a key given twice', encodeManifest(POD).replace('"kind":"Pod"', '"kind":"Pod","kind":"Pod"'), 'canonical'],
    ['more than the kubelet reads', ' '.repeat(10 * 1024 * 1024), '10 MiB'],
    [
      'nesting deeper than the stack',
      encodeManifest(POD).replace('{"containers"', `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)},"containers"`),
      'canonical',
    ],
    ['nesting without end', `${'{"a":'.repeat(50_000)}`, 'not JSON'],
  ])('refuses %s', (_, text, problem) => {
    const result = decodeManifest(text);
    expect(result.ok ? '' : result.problem).toContain(problem);
  });

  it('never throws and never takes a cut manifest', () => {
    const text = encodeManifest(POD);
    for (let length = 0; length < text.length; length += 1) expect(decodeManifest(text.slice(0, length)).ok).toBe(false);
    fc.assert(fc.property(fc.string(), (garbage) => decodeManifest(garbage).ok === false));
  });

  it('does not quote the text in its problem', () => {
    const result = decodeManifest('{"password": hunter2}');
    expect(result.ok ? '' : result.problem).not.toContain('hunter2');
  });
});

describe('helpers on manifests', () => {
  it('resolves the stand-in in paths of hostPath volumes only', () => {
    const volumes = [
      { name: 'a', hostPath: { path: `${REVISION_DIR}/files/a` } },
      { name: 'b', hostPath: { path: '/b' } },
      { name: 'c', emptyDir: {} },
    ];
    const resolved = resolveRevisionDir({ ...POD, spec: { volumes } }, '/state/r1');
    expect(resolved['spec']).toEqual({ volumes: [{ name: 'a', hostPath: { path: '/state/r1/files/a' } }, volumes[1], volumes[2]] });
    expect(resolveRevisionDir(POD, '/state')).toBe(POD);
  });

  it('adds annotations without touching the original', () => {
    const result = withAnnotations(POD, { x: '1' });
    expect(withAnnotations(result, { y: '2' })).toMatchObject({ metadata: { name: 'a', annotations: { x: '1', y: '2' } } });
    expect(POD).toMatchObject({ metadata: { name: 'a' } });
    expect(POD['metadata']).not.toHaveProperty('annotations');
  });

  it('hashes text as UTF-8', () => {
    expect(sha256('é')).toBe(sha256(new TextEncoder().encode('é')));
    expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });
});
