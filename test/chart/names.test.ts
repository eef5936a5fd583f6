/** Names of releases and namespaces: what helm and Kubernetes allow gives valid objects, and no two releases share one. */
import { afterAll, describe, expect, inject, it } from 'vitest';
import { objectsIn } from '../../src/core/model/json.ts';
import { createHelm, type KubernetesObject } from './helm.ts';
import { everything } from './values.ts';

const helm = createHelm(inject('helm'));
afterAll(() => helm.close());

/** Every value below a key that Kubernetes takes text for, with its path. */
function textsOf(value: unknown, path = ''): readonly [string, unknown][] {
  if (Array.isArray(value)) return value.flatMap((item, index) => textsOf(item, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) {
    return /[.](name|namespace|serviceAccountName|policyName)$|resourceNames\[|(labels|annotations|matchLabels)[.]/i.test(path)
      ? [[path, value]]
      : [];
  }
  return Object.entries(value).flatMap(([key, inner]) => textsOf(inner, `${path}.${key}`));
}

describe('a name that YAML would take for something else', () => {
  it.each([
    { release: '123', namespace: '1234' },
    { release: 'true', namespace: 'null' },
    { release: 'null', namespace: 'false' },
    { release: '1e3', namespace: '0x1f' },
    // cut to what a DaemonSet may be called, nothing but digits is left of this one
    { release: '1'.repeat(53), namespace: '2026-11-21' },
  ])('of $release in $namespace stays text, wherever it stands', async (install) => {
    const values = { ...everything, podMonitor: { enabled: true } };
    const objects = [...(await helm.objects(values, install)), ...(await helm.hooks(values, install))];
    const texts = objects.flatMap((object) => textsOf(object, object.kind));
    expect(texts.filter(([, value]) => typeof value !== 'string')).toEqual([]);
    for (const { kind, metadata } of objects) {
      expect(metadata.labels, kind).toMatchObject({ 'app.kubernetes.io/instance': install.release });
      expect([undefined, install.namespace], kind).toContain(metadata.namespace);
    }
    const bindings = objects.filter(({ kind }) => kind.endsWith('RoleBinding'));
    expect(bindings).toHaveLength(4);
    const subjects = (binding: KubernetesObject) => objectsIn(binding, 'subjects').map(({ namespace }) => namespace);
    expect([...new Set(bindings.flatMap(subjects))]).toEqual([install.namespace]);
  });
});

describe('two releases', () => {
  it.each([
    [{ release: 'one' }, { release: 'two' }],
    [{ namespace: 'a' }, { namespace: 'b' }],
    [{ release: 'x'.repeat(53) }, { release: 'pod-checkpointer' }],
    [{ release: `${'x'.repeat(49)}-1` }, { release: `${'x'.repeat(49)}-2` }],
  ])('%j and %j share no object', async (first, second) => {
    const namesOf = async (install: object) =>
      [...(await helm.objects(everything, install)), ...(await helm.hooks(everything, install))].map(
        ({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
      );
    const [one, two] = [await namesOf(first), await namesOf(second)];
    expect(one.filter((name) => two.includes(name))).toEqual([]);
    expect(one).toHaveLength(two.length);
  });

  it('have names that fit a DaemonSet, and say which release they are of', async () => {
    for (const release of ['x'.repeat(53), 'pod-checkpointer', 'edge', `${'y'.repeat(30)}-pod-checkpointer`]) {
      const objects = await helm.objects({}, { release, namespace: 'n'.repeat(63) });
      for (const { kind, metadata } of [...objects, ...(await helm.hooks({}, { release, namespace: 'n'.repeat(63) }))]) {
        const limit = metadata.namespace === undefined ? 253 : 52;
        expect(metadata.name.length, `${kind} ${metadata.name}`).toBeLessThanOrEqual(limit);
        expect(metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
        expect(metadata.labels?.['app.kubernetes.io/instance']).toBe(release);
      }
    }
  });
});
