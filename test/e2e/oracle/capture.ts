/** What a capture would have brought for a random parent: the same values that a kubelet would have given its processes. */

import { neededInputs } from '../../../src/core/copy/references.ts';
import type { CapturedContainer, CaptureInputs } from '../../../src/core/copy/sanitize.ts';
import { field, fieldAt, objectsIn, textField } from '../../../src/core/model/json.ts';
import type { CapturedFile, Json, RawPod } from '../../../src/core/model/model.ts';
import { expand } from '../../../src/core/text/expand.ts';
import type { Random } from './random.ts';
import { OBJECT_KEYS, OBJECT_NAMES, PLAIN_KEYS, STORED_FILES } from './volumes.ts';

/** Every value of every Secret begins so. */
export const SECRET_MARK = 'top-secret ';
const DIGEST = 'a'.repeat(64);
const SERVICES: Readonly<Record<string, string>> = {
  KUBERNETES_PORT: 'tcp://10.96.0.1:443',
  KUBERNETES_SERVICE_HOST: '10.96.0.1',
  KUBERNETES_SERVICE_PORT: '443',
  KUBERNETES_SERVICE_PORT_HTTPS: '443',
};
const LINKS: Readonly<Record<string, string>> = { SHOP_SERVICE_HOST: '10.96.0.7', SHOP_PORT: 'tcp://10.96.0.7:80' };

const FILES: readonly CapturedFile[] = STORED_FILES.map((path) => ({
  path,
  mode: 0o644,
  uid: 0,
  gid: 0,
  content: new TextEncoder().encode(path),
}));

/** Everything the pod needs; rarely something is missing, as after a clean-up of the runtime. */
export function captureOf(pod: RawPod, r: Random): CaptureInputs {
  const needed = neededInputs(pod);
  const spec = field(pod, 'spec');
  const containers = [...objectsIn(spec, 'initContainers'), ...objectsIn(spec, 'containers')];
  return {
    volumes: Object.fromEntries(needed.volumes.filter(() => !r.chance(0.005)).map(({ name }) => [name, r.chance(0.95) ? FILES : []])),
    containers: Object.fromEntries(
      containers.filter(() => !r.chance(0.01)).map((container) => [textField(container, 'name') ?? '', captured(container, pod, r)]),
    ),
  };
}

function captured(container: Json, pod: RawPod, r: Random): CapturedContainer {
  const environment = environmentOf(container, pod);
  if (r.chance(0.003)) environment['BINARY'] = '\ufffd';
  return {
    env: Object.entries(environment).map(([name, value]) => ({ name, value })),
    image: textField(container, 'image') ?? '',
    imageRef: r.pick([`registry.example/app@sha256:${DIGEST}`, `sha256:${DIGEST}`, '']),
    imagePinnable: r.chance(0.7),
  };
}

/** The kubelet's order (pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables). */
function environmentOf(container: Json, pod: RawPod): Record<string, string> {
  const values: Record<string, string> = {};
  const services = { ...SERVICES, ...(fieldAt(pod, 'spec', 'enableServiceLinks') === false ? {} : LINKS) };
  for (const source of objectsIn(container, 'envFrom')) {
    const name = textField(field(source, 'configMapRef') ?? field(source, 'secretRef'), 'name');
    const keys = name === OBJECT_NAMES[0] ? PLAIN_KEYS : Object.keys(OBJECT_KEYS);
    const secret = field(source, 'secretRef') !== undefined;
    for (const key of keys) values[`${textField(source, 'prefix') ?? ''}${key}`] = objectValue(key, secret) ?? '';
  }
  for (const variable of objectsIn(container, 'env')) {
    const name = textField(variable, 'name') ?? '';
    const source = field(variable, 'valueFrom');
    values[name] =
      source === undefined
        ? expand(textField(variable, 'value') ?? '', (reference) => values[reference] ?? services[reference as keyof typeof services])
        : (objectValue(
            textField(field(source, 'configMapKeyRef') ?? field(source, 'secretKeyRef'), 'key') ?? '',
            field(source, 'secretKeyRef') !== undefined,
          ) ?? 'filled-in');
  }
  return { ...services, ...values };
}

/** One key of a Secret is empty. */
function objectValue(key: string, secret: boolean): string | undefined {
  const value = OBJECT_KEYS[key];
  return secret && value !== undefined && value !== '' ? SECRET_MARK + value : value;
}

/** What the containers of a placed copy get, for sanitizing it once more; the runtime has forgotten the same ones. */
export function captureOfCopy(manifest: Json, parent: Pick<CaptureInputs, 'containers'>): CaptureInputs {
  const spec = field(manifest, 'spec');
  const all = [...objectsIn(spec, 'initContainers'), ...objectsIn(spec, 'containers')];
  const containers = all.filter((container) => Object.hasOwn(parent.containers, textField(container, 'name') ?? ''));
  return {
    volumes: {},
    containers: Object.fromEntries(
      containers.map((container) => {
        const values: Record<string, string> = {};
        for (const variable of objectsIn(container, 'env')) {
          values[textField(variable, 'name') ?? ''] =
            field(variable, 'valueFrom') === undefined ? expand(textField(variable, 'value') ?? '', (name) => values[name]) : 'filled-in';
        }
        const env = Object.entries(values).map(([name, value]) => ({ name, value }));
        return [textField(container, 'name') ?? '', { env, image: '', imageRef: '', imagePinnable: false }];
      }),
    ),
  };
}
