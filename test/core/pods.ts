/**
 * Pods and what a capture would bring for them, for the tests of the sanitizer. No assertions.
 */
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { neededInputs } from '../../src/core/copy/references.ts';
import { type CapturedContainer, type CaptureInputs, type Sanitized, type SanitizeTarget, sanitize } from '../../src/core/copy/sanitize.ts';
import { objectsIn, textField } from '../../src/core/model/json.ts';
import type { CapturedFile, Json, RawPod } from '../../src/core/model/model.ts';
import type { PodOptions } from '../../src/core/select/select.ts';

export const OPTIONS: PodOptions = { secretEnv: 'refuse', allowDuplicate: false, handBackGraceful: false, order: 0 };
export const INLINE: PodOptions = { ...OPTIONS, secretEnv: 'inline' };
export const TARGET: SanitizeTarget = { nodeName: 'node-1', kubeletMinor: 37 };
export const DIGEST = 'a'.repeat(64);

export const SERVICE_ENV: Readonly<Record<string, string>> = {
  KUBERNETES_PORT: 'tcp://10.96.0.1:443',
  KUBERNETES_SERVICE_HOST: '10.96.0.1',
  KUBERNETES_SERVICE_PORT: '443',
  KUBERNETES_SERVICE_PORT_HTTPS: '443',
};

export type FixtureName = 'daemonset-agent' | 'deployment-app' | 'sidecar' | 'kube-apiserver';

/** A fresh object at every call. */
export function fixture(name: FixtureName): RawPod {
  return load(readFileSync(new URL(`../fixtures/pods/${name}.yaml`, import.meta.url), 'utf8')) as RawPod;
}

export function file(path: string, content = path): CapturedFile {
  return { path, mode: 0o644, uid: 0, gid: 0, content: new TextEncoder().encode(content) };
}

export function container(env: Readonly<Record<string, string>>, more: Partial<CapturedContainer> = {}): CapturedContainer {
  const all = Object.entries(env).map(([name, value]) => ({ name, value }));
  return { env: all, image: 'image', imageRef: '', imagePinnable: false, ...more };
}

/** The environments of the fixtures' containers; others got the API server's service only. */
const ENVIRONMENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  agent: { ...SERVICE_ENV, NODE_NAME: 'node-1', POD_IP: '192.0.2.10', SHOP_SERVICE_HOST: '10.96.0.7' },
  web: {
    ...SERVICE_ENV,
    CFG_mode: 'a$(LEVEL)',
    EXTRA: 'top-secret-extra',
    PLAIN: 'as $(LEVEL) written $(LEVEL)',
    LEVEL: 'debug',
    PASSWORD: 'pa$$w0rd$(X)',
    URL: 'postgres://shop:pa$$w0rd$(X)@db',
    POD_NAME: 'shop-5c9d7b6f48-2v8mj',
    ACCOUNT: 'shop',
    TEMPLATE: '5c9d7b6f48',
    TEAM: 'shop',
    CPUS: '1',
  },
  'kube-apiserver': { ...SERVICE_ENV, HOST_IP: '192.0.2.10' },
};

/** Inputs that satisfy any pod: files for every volume it needs, an environment for every container. */
export function inputsFor(pod: RawPod): CaptureInputs {
  const needed = neededInputs(pod);
  const files = [file('ca.crt'), file('shop.yaml'), file('token', 'top-secret-token')];
  return {
    volumes: Object.fromEntries(needed.volumes.map(({ name }) => [name, files])),
    containers: Object.fromEntries(needed.images.map((name) => [name, container(ENVIRONMENTS[name] ?? SERVICE_ENV)])),
  };
}

/**
 * The smallest pod that is taken; `spec` and `main` add to the pod and to its container, which mounts every volume unless
 * it says what it mounts.
 */
export function tinyPod(spec: Json = {}, main: Json = {}): RawPod {
  const names = new Set(objectsIn(spec, 'volumes').map((volume) => textField(volume, 'name')));
  const volumeMounts = [...names].map((name) => ({ name, mountPath: `/volumes/${name}` }));
  return {
    metadata: { name: 'tiny', namespace: 'kube-system', uid: 'u-1', annotations: { 'checkpointer/enabled': 'true' } },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'main', image: 'app:1', ...(names.size > 0 ? { volumeMounts } : {}), ...main }],
      ...spec,
    },
  } as unknown as RawPod;
}

export function run(
  pod: RawPod,
  options: PodOptions = OPTIONS,
  target: SanitizeTarget = TARGET,
  inputs: CaptureInputs = inputsFor(pod),
): Sanitized {
  return sanitize(pod, inputs, target, options);
}

export type Accepted = Extract<Sanitized, { ok: true }>;

/** The result, or an error that shows the reasons. */
export function accepted(result: Sanitized): Accepted {
  if (!result.ok) throw new Error(`refused: ${result.reasons.map((reason) => `${reason.code}: ${reason.message}`).join('; ')}`);
  return result;
}

export function codes(result: Sanitized): readonly string[] {
  return result.ok ? [] : result.reasons.map((reason) => reason.code);
}

/** The container as the copy has it. */
export function copied(result: Sanitized, name: string): Json {
  const spec = accepted(result).manifest['spec'] as { containers: Json[]; initContainers?: Json[] };
  const found = [...spec.containers, ...(spec.initContainers ?? [])].find((item) => item['name'] === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

export function copiedSpec(result: Sanitized): Json {
  return accepted(result).manifest['spec'] as Json;
}
