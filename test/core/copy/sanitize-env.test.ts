/** The environment of a copy: the same values as the parent's process got, by the kubelet's own rules. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SanitizeTarget } from '../../../src/core/copy/sanitize.ts';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import type { PodOptions } from '../../../src/core/select/select.ts';
import { escapeDollars, expand, referencesIn } from '../../../src/core/text/expand.ts';
import { accepted, codes, container, copied, fixture, INLINE, inputsFor, OPTIONS, run, SERVICE_ENV, TARGET, tinyPod } from '../pods.ts';

type Env = readonly { name: string; value?: string; valueFrom?: Json }[];

const secretRef = (name: string, optional = false): Json => ({ name, valueFrom: { secretKeyRef: { name: 's', key: 'k', optional } } });
const configRef = (name: string): Json => ({ name, valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } });
const fieldRef = (name: string, fieldPath: string): Json => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/** Sanitizes a pod of one container with this env, which got these values. */
function sanitized(
  env: Json,
  got: Readonly<Record<string, string>>,
  options: PodOptions = OPTIONS,
  target: SanitizeTarget = TARGET,
  spec: Json = {},
) {
  const pod = tinyPod(spec, env);
  return run(pod, options, target, { volumes: {}, containers: { main: container(got) } });
}

function envOf(result: ReturnType<typeof sanitized>, name = 'main'): Env {
  return (copied(result, name)['env'] ?? []) as Env;
}

/** What the process of a copy gets: the kubelet's way, given what it fills in. */
function started(env: Env, filled: Readonly<Record<string, string>>): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, value, valueFrom } of env)
    values[name] = valueFrom === undefined ? expand(value ?? '', (key) => values[key]) : (filled[name] ?? '');
  return values;
}

describe('expand', () => {
  it.each([
    ['$(A)', 'a'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$(B)', '$(B)'],
    ['$(A', '$(A'],
    ['$A $', '$A $'],
    ['$()', '$()'],
    ['$(A)$(A)', 'aa'],
    ['$x$(A)', '$xa'],
    ['$($(A))', '$($(A))'],
  ])('turns %s into %s, as the kubelet does', (text, expected) => {
    expect(expand(text, (name) => (name === 'A' ? 'a' : undefined))).toBe(expected);
  });

  it('gives back every escaped text', () => {
    fc.assert(fc.property(fc.string(), (text) => expand(escapeDollars(text), () => 'replaced') === text));
  });

  it('names what it would look up', () => {
    expect(referencesIn('$(A) $$(B) $(C')).toEqual(['A']);
  });
});

describe('the environment of a copy', () => {
  it('has the service variables first, and the values that came from references as literals', () => {
    const env = envOf(run(fixture('deployment-app'), INLINE), 'web');
    expect(env.slice(0, 6).map(({ name }) => name)).toEqual(['CFG_mode', 'EXTRA', ...Object.keys(SERVICE_ENV)]);
    expect(env.slice(6)).toEqual([
      { name: 'PLAIN', value: 'as $(LEVEL) written $$(LEVEL)' },
      { name: 'LEVEL', value: 'debug' },
      { name: 'PASSWORD', value: 'pa$$$$w0rd$$(X)' },
      { name: 'URL', value: 'postgres://shop:$(PASSWORD)@db' },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'ACCOUNT', value: 'shop' },
      { name: 'TEMPLATE', value: '5c9d7b6f48' },
      { name: 'TEAM', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['team']" } } },
      { name: 'CPUS', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
    ]);
  });

  it('gives the process of the copy what the process of the parent got', () => {
    const pod = fixture('deployment-app');
    const got = Object.fromEntries((inputsFor(pod).containers['web']?.env ?? []).map(({ name, value }) => [name, value]));
    expect(started(envOf(run(pod, INLINE), 'web'), got)).toEqual(got);
  });

  it('keeps literals as written while they come out alike', () => {
    const env = [{ name: 'A', value: 'x' }, { name: 'B', value: '$(A)$$' }, { name: 'C', value: '$(NONE)' }, { name: 'D' }];
    const result = sanitized({ env }, { A: 'x', B: 'x$', C: '$(NONE)', D: '' });
    expect(envOf(result)).toEqual(env);
  });

  it('writes what the parent got where a reference is hidden by a later entry', () => {
    const env = [
      { name: 'B', value: 'at $(KUBERNETES_SERVICE_HOST)' },
      { name: 'KUBERNETES_SERVICE_HOST', value: 'mine' },
    ];
    const result = sanitized({ env }, { B: 'at 10.96.0.1', KUBERNETES_SERVICE_HOST: 'mine' });
    expect(envOf(result)).toEqual([{ name: 'B', value: 'at 10.96.0.1' }, env[1]]);
  });

  it('comes out alike for random chains of literals, references and duplicates', () => {
    const name = fc.constantFrom('A', 'B', 'C');
    const text = fc.array(fc.constantFrom('$', '$$', '$(A)', '$(B)', '$(S)', 'x'), { maxLength: 4 }).map((parts) => parts.join(''));
    const entry = fc.oneof(fc.record({ name, value: text }), name.map(configRef));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), text, text, (env, referenced, service) => {
        const parent: Record<string, string> = {};
        for (const item of env as Env)
          parent[item.name] =
            item.valueFrom === undefined
              ? expand(item.value ?? '', (key) => parent[key] ?? (key === 'S' ? service : undefined))
              : referenced;
        const got = { ...parent, S: service };
        expect(started(envOf(sanitized({ env }, got)), got)).toEqual(got);
      }),
    );
  });

  it('injects only the API service when the parent had no service links', () => {
    const result = sanitized({}, { ...SERVICE_ENV, SHOP_SERVICE_HOST: '10.0.0.9' }, OPTIONS, TARGET, { enableServiceLinks: false });
    expect(envOf(result).map(({ name }) => name)).toEqual(Object.keys(SERVICE_ENV));
  });

  it("lets the container's own variable win over a service's", () => {
    const env = [{ name: 'KUBERNETES_SERVICE_HOST', value: '127.0.0.1' }];
    const result = sanitized({ env }, { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '443' });
    expect(envOf(result)).toEqual([{ name: 'KUBERNETES_SERVICE_PORT', value: '443' }, ...env]);
  });

  it('points the copy at another way to the API server when told to', () => {
    const target = { ...TARGET, kubernetesService: { host: '192.0.2.1', port: 6443 } };
    const values = Object.fromEntries(envOf(sanitized({}, SERVICE_ENV, OPTIONS, target)).map(({ name, value }) => [name, value]));
    expect(values).toMatchObject({
      KUBERNETES_SERVICE_HOST: '192.0.2.1',
      KUBERNETES_SERVICE_PORT: '6443',
      KUBERNETES_SERVICE_PORT_HTTPS: '6443',
    });
  });

  it('gives a forgotten init container the API service of the others', () => {
    const pod = tinyPod({ initContainers: [{ name: 'init', image: 'x' }] });
    const result = run(pod, OPTIONS, TARGET, { volumes: {}, containers: { main: container({ ...SERVICE_ENV, OTHER: 'x' }) } });
    expect(envOf(result, 'init').map(({ name }) => name)).toEqual(Object.keys(SERVICE_ENV));
  });

  it('leaves an optional reference out that gave nothing', () => {
    expect(envOf(sanitized({ env: [secretRef('A', true)] }, {}))).toEqual([]);
  });

  it.each<[string, SanitizeTarget, boolean, Json | undefined]>([
    ['metadata.name', TARGET, false, undefined],
    ['metadata.name', TARGET, true, { name: 'F', value: 'got' }],
    ['metadata.uid', TARGET, true, undefined],
    ['metadata.namespace', TARGET, false, undefined],
    ['spec.nodeName', TARGET, false, undefined],
    ['spec.serviceAccountName', TARGET, false, { name: 'F', value: 'got' }],
    ['status.podIP', TARGET, false, undefined],
    ['status.hostIP', TARGET, false, undefined],
    ['status.hostIP', { ...TARGET, literalHostIp: true }, false, { name: 'F', value: 'got' }],
    ['status.podIP', { ...TARGET, literalHostIp: true }, false, undefined],
    ['status.hostIPs', TARGET, false, undefined],
    ['status.hostIPs', { ...TARGET, kubeletMinor: 31 }, false, { name: 'F', value: 'got' }],
    ["metadata.labels['app']", TARGET, false, undefined],
    ["metadata.labels['controller-revision-hash']", TARGET, false, { name: 'F', value: 'got' }],
    ["metadata.annotations['checkpointer/order']", TARGET, false, { name: 'F', value: 'got' }],
  ])('treats a reference to %s (%j, duplicate %s)', (path, target, allowDuplicate, expected) => {
    const reference = fieldRef('F', path);
    expect(envOf(sanitized({ env: [reference] }, { F: 'got' }, { ...OPTIONS, allowDuplicate }, target))).toEqual([expected ?? reference]);
  });

  it('takes the value of a reference from the pod when the runtime has forgotten the container', () => {
    const init = {
      name: 'init',
      image: 'x',
      env: [fieldRef('A', 'spec.serviceAccountName'), fieldRef('B', "metadata.labels['pod-template-hash']")],
    };
    const pod = tinyPod({ serviceAccountName: 'sa', initContainers: [init] });
    const result = run({ ...pod, metadata: { ...pod.metadata, labels: { 'pod-template-hash': 'h' } } } as RawPod, OPTIONS, TARGET, {
      volumes: {},
      containers: {},
    });
    expect(envOf(result, 'init')).toEqual([
      { name: 'A', value: 'sa' },
      { name: 'B', value: 'h' },
    ]);
  });

  it('keeps fileKeyRef where the kubelet has it', () => {
    const env = [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'p', key: 'k' } } }];
    expect(envOf(sanitized({ env }, { A: 'x' }))).toEqual(env);
  });
});

describe('refusals of environments', () => {
  it.each<[string, Json, Readonly<Record<string, string>>, string, SanitizeTarget?, PodOptions?]>([
    ['a secret value without consent', { env: [secretRef('A')] }, { A: 'x' }, 'secret-env'],
    ['a secret as a whole without consent', { envFrom: [{ secretRef: { name: 's' } }] }, { A: 'x' }, 'secret-env'],
    ['a value that was never captured', { env: [configRef('A')] }, {}, 'env-not-captured'],
    ['a name that the kubelet refuses', { envFrom: [{ configMapRef: { name: 'c' } }] }, { 'a b': 'x' }, 'env-name', { nodeName: 'node-1' }],
    ['a name that no kubelet takes', { envFrom: [{ configMapRef: { name: 'c' } }] }, { 'a=b': 'x' }, 'env-name'],
    ['bytes that are no text', { env: [configRef('A')] }, { A: 'x\ufffd' }, 'env-value'],
    ['a zero byte', { env: [configRef('A')] }, { A: 'x\0' }, 'env-value'],
    ['half a character', { env: [configRef('A')] }, { A: '\ud800' }, 'env-value'],
    ['a field nobody knows', { env: [fieldRef('A', 'status.mood')] }, { A: 'x' }, 'field-reference'],
    [
      'fileKeyRef on an old kubelet',
      { env: [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'p', key: 'k' } } }] },
      { A: 'x' },
      'needs-newer-kubelet',
      { nodeName: 'node-1', kubeletMinor: 34 },
    ],
    ['an unknown kind of source', { env: [{ name: 'A', valueFrom: { moonRef: {} } }] }, { A: 'x' }, 'unknown-field'],
    [
      'two sources at once',
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' }, configMapKeyRef: { name: 'c', key: 'k' } } }] },
      { A: 'x' },
      'malformed',
    ],
    ['a reference to a field without a path', { env: [{ name: 'A', valueFrom: { fieldRef: {} } }] }, { A: 'x' }, 'malformed'],
    ['a variable without a name', { env: [{ value: 'x' }] }, {}, 'malformed'],
    ['an unknown field of a variable', { env: [{ name: 'A', moon: 1 }] }, {}, 'unknown-field'],
    ['an unknown kind of envFrom', { envFrom: [{ moonRef: {} }] }, {}, 'unknown-field'],
  ])('%s', (_, main, got, code, target = TARGET, options = OPTIONS) => {
    expect(codes(sanitized(main, got, options, target))).toContain(code);
  });

  it.each<[string, Json]>([
    ['references', { env: [configRef('A')] }],
    ['envFrom', { envFrom: [{ configMapRef: { name: 'c' } }] }],
    ['a field that only the kubelet knew', { env: [fieldRef('A', 'status.hostIPs')] }],
  ])('a forgotten container with %s', (_, init) => {
    const pod = tinyPod({ initContainers: [{ name: 'init', image: 'x', ...init }] });
    const result = run(pod, OPTIONS, { nodeName: 'node-1' }, { volumes: {}, containers: { main: container({}) } });
    expect(codes(result)).toEqual(['env-not-captured']);
  });

  it('names container and variable, and never shows a value', () => {
    const result = sanitized({ env: [secretRef('DB_PASSWORD')] }, { DB_PASSWORD: 'hunter2' });
    const message = result.ok ? '' : (result.reasons[0]?.message ?? '');
    expect(message).toContain('"main"');
    expect(message).toContain('DB_PASSWORD');
    expect(message).toContain('checkpointer/secret-env');
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });

  it('puts no value into the list of changes', () => {
    const result = accepted(run(fixture('deployment-app'), INLINE));
    expect(JSON.stringify(result.changes)).not.toMatch(/pa\$|top-secret|debug/);
  });
});
