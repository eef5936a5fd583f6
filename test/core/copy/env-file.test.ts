/** Secret values by file: what the kubelet would read is what the parent got, and nothing of it stands in the manifest. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sanitized, SanitizeTarget } from '../../../src/core/copy/sanitize.ts';
import { encodeManifest } from '../../../src/core/model/manifest.ts';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import type { PodOptions } from '../../../src/core/select/select.ts';
import { accepted, codes, container, copied, copiedSpec, fixture, inputsFor, OPTIONS, run, TARGET, tinyPod } from '../pods.ts';

const FILE: PodOptions = { ...OPTIONS, secretEnv: 'env-file' };
const IMAGE = 'registry.example/pod-checkpointer:1';
const NODE: SanitizeTarget = { ...TARGET, agentImage: IMAGE };
const MARK = 'top-secret';

const secretRef = (name: string): Json => ({ name, valueFrom: { secretKeyRef: { name: 's', key: 'k' } } });
const fromSecret: Json = { envFrom: [{ secretRef: { name: 's' } }] };

function sanitized(main: Json, got: Readonly<Record<string, string>>, target: SanitizeTarget = NODE, spec: Json = {}) {
  return run(tinyPod(spec, main), FILE, target, { volumes: {}, containers: { main: container(got) } });
}

function fileOf(result: Sanitized): string {
  const [file] = accepted(result).volumes['podckpt-env'] ?? [];
  return new TextDecoder().decode(file?.content);
}

/** The kubelet's reading of such a file (pkg/kubelet/util/env, ParseEnv), which gives '' where it finds nothing. */
function readKey(text: string, key: string): string {
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length - 1; at++) {
    const line = (lines[at] ?? '').replace(/^[ \t]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = line.slice(0, equals);
    if (equals < 1 || /[ \t]$/.test(name) || line[equals + 1] !== "'") throw new Error(`line ${at + 1} ends the container's start`);
    let rest = line.slice(equals + 2);
    let value = '';
    while (!rest.includes("'")) {
      value += `${rest}\n`;
      at += 1;
      if (at >= lines.length) throw new Error('the quote is never closed');
      rest = lines[at] ?? '';
    }
    value += rest.slice(0, rest.indexOf("'"));
    if (/^[ \t]*[^ \t#]/.test(rest.slice(rest.indexOf("'") + 1))) throw new Error('text after the closing quote');
    if (name === key) return value;
  }
  return '';
}

/** What a process of the copy gets for a variable that is read from the file. */
function fromFile(result: Sanitized, name: string, of = 'main'): string | undefined {
  const variable = ((copied(result, of)['env'] ?? []) as { name: string; valueFrom?: { fileKeyRef?: { key: string } } }[]).find(
    (item) => item.name === name,
  );
  const key = variable?.valueFrom?.fileKeyRef?.key;
  return key === undefined ? undefined : readKey(fileOf(result), key);
}

describe('a secret variable by file', () => {
  it('is a reference into a volume in memory, which only the first init container mounts', () => {
    const result = sanitized({ env: [secretRef('A')] }, { A: MARK });
    expect(copied(result, 'main')['env']).toEqual([
      { name: 'A', valueFrom: { fileKeyRef: { volumeName: 'podckpt-env-memory', path: 'env', key: 'main.A', optional: false } } },
    ]);
    const spec = copiedSpec(result);
    expect(spec['volumes']).toEqual([
      { name: 'podckpt-env', hostPath: { path: '@revision@/files/podckpt-env', type: 'Directory' } },
      { name: 'podckpt-env-memory', emptyDir: { medium: 'Memory' } },
    ]);
    expect(copied(result, 'main')['volumeMounts']).toBeUndefined();
    expect(accepted(result).volumes['podckpt-env']).toMatchObject([{ path: 'env', mode: 0o600, uid: 65_530, gid: 65_530 }]);
    expect(fileOf(result)).toBe("main.A='top-secret'\n");
    expect(accepted(result).images).toContainEqual({ container: 'podckpt-env', image: IMAGE, imageRef: '' });
    expect(accepted(result).serving).toEqual(['main']);
  });

  it('comes by a container with less than any other, whatever the pod is', () => {
    const spec = { hostPID: true, securityContext: { runAsUser: 0, runAsNonRoot: false } };
    const resources = { requests: { cpu: '10m', memory: '1Mi' }, limits: { cpu: '10m', memory: '1Mi' } };
    const main = { env: [secretRef('A')], securityContext: { privileged: true }, resources };
    const result = sanitized(main, { A: MARK }, NODE, { ...spec, containers: [{ name: 'main', image: 'app:1', ...main }] });
    expect(copied(result, 'podckpt-env')).toEqual({
      name: 'podckpt-env',
      image: IMAGE,
      imagePullPolicy: 'IfNotPresent',
      command: ['/bin/sh', '-c', expect.stringContaining('read -r'), '/checkpoint/env', '/memory/env'],
      resources,
      volumeMounts: [
        { name: 'podckpt-env', mountPath: '/checkpoint', readOnly: true },
        { name: 'podckpt-env-memory', mountPath: '/memory' },
      ],
      securityContext: {
        privileged: false,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        readOnlyRootFilesystem: true,
        runAsUser: 65_530,
        runAsGroup: 65_530,
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
  });

  it('comes before the init containers of the pod, which may need one themselves', () => {
    const pod = tinyPod({
      initContainers: [{ name: 'migrate', image: 'app:1', env: [secretRef('A')] }],
      containers: [{ name: 'main', image: 'app:1' }],
    });
    const result = run(pod, FILE, NODE, { volumes: {}, containers: { migrate: container({ A: MARK }), main: container({}) } });
    expect((copiedSpec(result)['initContainers'] as Json[]).map((item) => item['name'])).toEqual(['podckpt-env', 'migrate']);
    expect(fromFile(result, 'A', 'migrate')).toBe(MARK);
  });

  it('stays out of the manifest whatever refers to it', () => {
    const env = [secretRef('A'), { name: 'URL', value: 'db://$(A)@db' }];
    const result = sanitized({ env, command: ['app', '$(A)'] }, { A: MARK, URL: `db://${MARK}@db` });
    expect(encodeManifest(accepted(result).manifest)).not.toContain(MARK);
    expect(copied(result, 'main')['env']).toContainEqual({ name: 'URL', value: 'db://$(A)@db' });
  });

  it('takes a literal with it that had to be expanded, because a later entry hides what it meant', () => {
    const env = [
      { name: 'B', value: 'is $(A)' },
      { name: 'A', value: 'hidden' },
    ];
    const result = sanitized({ ...fromSecret, env }, { B: `is ${MARK}`, A: 'hidden' });
    expect(encodeManifest(accepted(result).manifest)).not.toContain(MARK);
    expect(fromFile(result, 'B')).toBe(`is ${MARK}`);
  });

  it('from envFrom takes every injected variable with it, and no ConfigMap variable otherwise', () => {
    const result = sanitized(fromSecret, { A: MARK, KUBERNETES_SERVICE_HOST: '10.96.0.1' });
    expect([fromFile(result, 'A'), fromFile(result, 'KUBERNETES_SERVICE_HOST')]).toEqual([MARK, '10.96.0.1']);
    const plain = sanitized({ envFrom: [{ configMapRef: { name: 'c' } }] }, { A: 'x' });
    expect(copied(plain, 'main')['env']).toEqual([{ name: 'A', value: 'x' }]);
    expect(copiedSpec(plain)['initContainers']).toBeUndefined();
  });

  it.each<[string, Json]>([
    [
      'a ConfigMap that is not there',
      { ...fromSecret, env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c', key: 'k', optional: true } } }] },
    ],
    ['a ConfigMap, and a later entry', { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } }, secretRef('A')] }],
    [
      'a field, and a later entry',
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.serviceAccountName' } } }, secretRef('A')] },
    ],
  ])("is one whose value may be the Secret's although it names %s", (_, main) => {
    const result = sanitized(main, { A: MARK });
    expect(encodeManifest(accepted(result).manifest)).not.toContain(MARK);
    expect(fromFile(result, 'A')).toBe(MARK);
  });

  it('is a literal when it is empty, which the kubelet would take for missing', () => {
    const result = sanitized({ env: [secretRef('A')] }, { A: '' });
    expect(copied(result, 'main')['env']).toEqual([{ name: 'A', value: '' }]);
    expect(copiedSpec(result)['initContainers']).toBeUndefined();
  });

  it('finds other names where the pod has ours', () => {
    const volumeMounts = ['podckpt-env', 'podckpt-env-memory'].map((name) => ({ name, mountPath: `/${name}` }));
    const main = { env: [secretRef('A')], volumeMounts };
    const result = sanitized(main, { A: MARK }, NODE, {
      containers: [{ name: 'main', image: 'app:1', ...main }],
      initContainers: [{ name: 'podckpt-env', image: 'app:1' }],
      volumes: [
        { name: 'podckpt-env', emptyDir: {} },
        { name: 'podckpt-env-memory', emptyDir: {} },
      ],
    });
    expect((copiedSpec(result)['volumes'] as Json[]).map((item) => item['name'])).toEqual([
      'podckpt-env',
      'podckpt-env-memory',
      'podckpt-env-2',
      'podckpt-env-memory-2',
    ]);
    expect((copiedSpec(result)['initContainers'] as Json[]).map((item) => item['name'])).toEqual(['podckpt-env-2', 'podckpt-env']);
  });

  it('reads as it was, for all values and names that are taken; nothing of them is in manifest or sentences', () => {
    const text = fc.array(fc.constantFrom('$', '$(A)', '#', '=', '"', ' ', '\n', '\r', '\\', 'é', 'x=', '\t'), { maxLength: 8 });
    const name = fc.constantFrom('A', 'B_2', '#c', ' d', '-e', 'f.g');
    fc.assert(
      fc.property(fc.dictionary(name, text, { minKeys: 1 }), fc.boolean(), (parts, whole) => {
        const got = Object.fromEntries(Object.entries(parts).map(([key, value]) => [key, `${MARK}${value.join('')}`]));
        const result = sanitized(whole ? fromSecret : { env: Object.keys(got).map(secretRef) }, got);
        if (Object.values(got).some((value) => value.includes('\r\n'))) {
          expect(codes(result)).toContain('secret-env-file');
          return;
        }
        for (const [key, value] of Object.entries(got)) expect(fromFile(result, key)).toBe(value);
        const { manifest, changes } = accepted(result);
        expect(encodeManifest(manifest) + changes.join()).not.toContain(MARK);
      }),
    );
  });

  it('keeps the fixture with every kind of variable as it is for inline, but for where the values are', () => {
    const pod: RawPod = fixture('deployment-app');
    const result = run(pod, FILE, NODE, inputsFor(pod));
    expect(encodeManifest(accepted(result).manifest)).not.toMatch(/pa\$+w0rd|top-secret/);
    expect(fromFile(result, 'PASSWORD', 'web')).toBe('pa$$w0rd$(X)');
  });
});

describe('is refused', () => {
  it.each<[string, SanitizeTarget, readonly string[], RegExp]>([
    [
      'on a kubelet of unknown version',
      { nodeName: 'n', agentImage: IMAGE },
      ['needs-newer-kubelet'],
      /version of this one is not known\); set kubeletVersion/,
    ],
    [
      'on an older kubelet',
      { ...NODE, kubeletMinor: 34 },
      ['needs-newer-kubelet'],
      /needs kubelet 1\.35 or newer \(this one is 1\.34\); upgrade/,
    ],
    ['without our image', TARGET, ['secret-env-file'], /set agentImage/],
    ['without either', { nodeName: 'n' }, ['needs-newer-kubelet', 'secret-env-file'], /./],
  ])('%s', (_, target, expected, sentence) => {
    const result = sanitized({ env: [secretRef('A')] }, { A: MARK }, target);
    expect(codes(result)).toEqual(expected);
    expect(result.ok ? '' : result.reasons[0]?.message).toMatch(sentence);
  });

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['a single quote', { A: `${MARK}'` }, 'secret-env-file'],
    ['a line end of two characters', { A: `${MARK}\r\nx` }, 'secret-env-file'],
    ['a line that is too long', { A: MARK.repeat(10_000) }, 'secret-env-file'],
    ['a zero byte', { A: `${MARK}\0` }, 'env-value'],
    ['bytes that are no text', { A: `${MARK}\ufffd` }, 'env-value'],
    ['a name with a blank at its end', { 'A ': MARK }, 'secret-env-file'],
  ])('for %s, without saying the value', (_, got, code) => {
    const result = sanitized({ env: Object.keys(got).map(secretRef) }, got);
    expect(codes(result)).toEqual([code]);
    expect(JSON.stringify(result)).not.toContain(MARK);
  });

  it('not where no value comes from a Secret', () => {
    expect(codes(sanitized({ env: [{ name: 'A', value: "it's" }] }, { A: "it's" }, { nodeName: 'n' }))).toEqual([]);
  });
});
