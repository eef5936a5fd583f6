/** What must hold for every copy beside the kubelet's own word. Each function gives sentences; none means that it holds. */
import { field, fieldAt, isObject, objectsIn, textField } from '../../../src/core/model/json.ts';
import { encodeManifest } from '../../../src/core/model/manifest.ts';
import type { Json } from '../../../src/core/model/model.ts';
import type { KubeletLine } from '../components.ts';
import { STORED_FILES } from './volumes.ts';

/** The same value with the keys of every object in reverse. */
export function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, shuffled(inner)]),
  );
}

/** The image that the one container of our own may have. */
export const AGENT_IMAGE = 'registry.example/pod-checkpointer:1';

/** What makes the pod as strong as it is, and its limits. */
const POD_PRIVILEGES = [
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'hostUsers',
  'shareProcessNamespace',
  'securityContext',
  'os',
  'resources',
  'subdomain',
];

const containersOf = (spec: unknown): readonly Json[] => [...objectsIn(spec, 'initContainers'), ...objectsIn(spec, 'containers')];
const nameOf = (item: Json): string => textField(item, 'name') ?? '';
const same = (a: unknown, b: unknown): boolean => encodeManifest({ a: a ?? null }) === encodeManifest({ a: b ?? null });

/** What it runs, and nothing else. */
const COPY = `while IFS= read -r line; do printf '%s\\n' "$line" || exit 1; done <"$0" >"$1"`;

/** The one container of our own there may be: with less than any container has by itself, and nothing of the pod's. */
function isHandOver(container: Json, volumes: readonly Json[], directory: string): boolean {
  const [from, to, ...more] = objectsIn(container, 'volumeMounts');
  const kindOf = (mount: Json | undefined) => volumes.find((volume) => nameOf(volume) === field(mount, 'name'));
  const { name, image, resources: _, ...rest } = container;
  return (
    typeof name === 'string' &&
    name.startsWith('podckpt-env') &&
    image === AGENT_IMAGE &&
    more.length === 0 &&
    same(fieldAt(kindOf(from), 'hostPath'), { path: `${directory}/files/${field(from, 'name')}`, type: 'Directory' }) &&
    same(fieldAt(kindOf(to), 'emptyDir'), { medium: 'Memory' }) &&
    same(rest, {
      imagePullPolicy: 'IfNotPresent',
      command: ['/bin/sh', '-c', COPY, '/checkpoint/env', '/memory/env'],
      volumeMounts: [
        { name: field(from, 'name'), mountPath: '/checkpoint', readOnly: true },
        { name: field(to, 'name'), mountPath: '/memory' },
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
    })
  );
}

/** The copy without what hands secret values over, where that is as it may be. */
function withoutHandOver(before: unknown, after: unknown, directory: string): unknown {
  const [first, ...others] = objectsIn(after, 'initContainers');
  const volumes = objectsIn(after, 'volumes');
  const isParents = containersOf(before).some((item) => nameOf(item) === field(first, 'name'));
  if (!isObject(after) || first === undefined || isParents || !isHandOver(first, volumes, directory)) return after;
  if (!same(field(first, 'resources'), fieldAt(objectsIn(after, 'containers')[0], 'resources'))) return after;
  const own = objectsIn(first, 'volumeMounts').map((mount) => field(mount, 'name'));
  const mounted = [...others, ...objectsIn(after, 'containers')].flatMap((item) => objectsIn(item, 'volumeMounts'));
  if (mounted.some((mount) => own.includes(field(mount, 'name')))) return after;
  return { ...after, initContainers: others, volumes: volumes.filter((volume) => !own.includes(nameOf(volume))) };
}

/** May the copy do anything that its parent may not? `directory` is where its own stored files are. */
export function widened(parent: Json, copy: Json, directory: string): readonly string[] {
  const before = field(parent, 'spec');
  const after = withoutHandOver(before, field(copy, 'spec'), directory);
  return [
    ...POD_PRIVILEGES.filter((key) => !same(field(before, key), field(after, key))).map((key) => `spec.${key} differs from the parent's`),
    ...otherHostname(before, after, textField(field(parent, 'metadata'), 'name') ?? ''),
    ...widenedContainers(before, after, directory),
    ...widenedVolumes(before, after, directory),
    ...['serviceAccountName', 'serviceAccount', 'imagePullSecrets', 'tolerations', 'nodeName', 'runtimeClassName']
      .filter((key) => field(after, key) !== undefined)
      .map((key) => `spec.${key} is there`),
    ...['labels', 'annotations'].flatMap((map) => addedKeys(map, fieldAt(parent, 'metadata', map), fieldAt(copy, 'metadata', map))),
  ];
}

/**
 * The kubelet takes what is written, else the pod's name up to 63 characters. A label is written as the hostname; what has a
 * dot as the override, beside which nothing may ask for the full name, and only where our longer name is not cut to the same.
 */
function otherHostname(before: unknown, after: unknown, name: string): readonly string[] {
  const derived = name.slice(0, 63).replace(/[-.]+$/, '');
  const written = textField(before, 'hostname') || undefined;
  const none = written !== undefined || field(before, 'hostNetwork') === true;
  const label = none || derived.includes('.') ? written : derived;
  const added = !none && derived.includes('.') && name.length < 63 && field(before, 'hostnameOverride') === undefined;
  const asFqdn = field(before, 'setHostnameAsFQDN');
  const expected = {
    hostname: label,
    hostnameOverride: added ? derived : field(before, 'hostnameOverride'),
    setHostnameAsFQDN: added && asFqdn === true ? false : asFqdn,
  };
  return Object.entries(expected).flatMap(([key, value]) => (same(field(after, key), value) ? [] : [`spec.${key} is not the parent's`]));
}

function addedKeys(map: string, before: unknown, after: unknown): readonly string[] {
  return Object.entries(isObject(after) ? after : {}).flatMap(([key, value]) =>
    key.startsWith('checkpointer/') || field(before, key) === value ? [] : [`metadata.${map}[${key}] is not the parent's`],
  );
}

function widenedContainers(before: unknown, after: unknown, directory: string): readonly string[] {
  const parents = new Map(containersOf(before).map((item) => [nameOf(item), item]));
  const names = containersOf(after).map(nameOf);
  const problems = same(names, [...parents.keys()]) ? [] : ['the containers are not those of the parent'];
  for (const container of containersOf(after)) {
    const parent = parents.get(nameOf(container));
    const at = `container ${nameOf(container)}`;
    for (const key of ['securityContext', 'command', 'args', 'restartPolicy', 'resources'])
      if (!same(field(container, key), field(parent, key))) problems.push(`${at}: ${key} differs from the parent's`);
    const image = textField(container, 'image') ?? '';
    const [name] = (textField(parent, 'image') ?? '').split(/[:@]/);
    if (image !== field(parent, 'image') && image !== `${name}@sha256:${'a'.repeat(64)}`)
      problems.push(`${at}: image ${image} is not the parent's`);
    if (field(container, 'imagePullPolicy') !== notMoreOften(field(parent, 'imagePullPolicy')))
      problems.push(`${at}: imagePullPolicy is not what the parent's becomes`);
    const ports = objectsIn(parent, 'ports').map((port) => encodeManifest(port));
    if (objectsIn(container, 'ports').some((port) => !ports.includes(encodeManifest(port)))) problems.push(`${at}: has a port of its own`);
    for (const key of ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'])
      if (!same(withoutPorts(field(container, key)), withoutPorts(field(parent, key)))) problems.push(`${at}: ${key} is not the parent's`);
    const mounts = objectsIn(parent, 'volumeMounts');
    const stored = objectsIn(after, 'volumes').flatMap((volume) =>
      textField(field(volume, 'hostPath'), 'path')?.startsWith(`${directory}/`) === true ? [nameOf(volume)] : [],
    );
    for (const [index, mount] of objectsIn(container, 'volumeMounts').entries()) {
      const was = mounts[index];
      const { readOnly, ...rest } = mount;
      const { readOnly: wasReadOnly, ...wasRest } = was ?? {};
      if (
        !same(rest, stored.includes(nameOf(mount)) ? withLiteralPath(wasRest, rest['subPath']) : wasRest) ||
        (wasReadOnly === true && readOnly !== true)
      )
        problems.push(`${at}: volumeMounts[${index}] is not the parent's`);
    }
  }
  return problems;
}

/** A mount of stored files: an expression has become a literal path, of something that is there. */
function withLiteralPath(mount: Json, subPath: unknown): Json {
  const { subPathExpr, ...rest } = mount;
  const there = [...STORED_FILES, 'config', './config'].some((path) => path === subPath);
  return subPathExpr !== undefined && there ? { ...rest, subPath } : mount;
}

/** The pull policy of the copy: never one that pulls where the parent's does not. */
function notMoreOften(policy: unknown): string {
  return policy === 'Never' ? 'Never' : 'IfNotPresent';
}

/** A probe or the hooks but for what may be written in another way: ports by number, a sleep of no time not at all. */
function withoutPorts(handler: unknown): unknown {
  if (!isObject(handler)) return handler;
  return Object.fromEntries(
    Object.entries(handler).flatMap(([key, inner]) =>
      key === 'port' || fieldAt(inner, 'sleep', 'seconds') === 0 ? [] : [[key, withoutPorts(inner)]],
    ),
  );
}

function widenedVolumes(before: unknown, after: unknown, directory: string): readonly string[] {
  const parents = new Map(objectsIn(before, 'volumes').map((item) => [nameOf(item), item]));
  return objectsIn(after, 'volumes').flatMap((volume) => {
    const parent = parents.get(nameOf(volume));
    const at = `volume ${nameOf(volume)}`;
    const path = textField(field(volume, 'hostPath'), 'path');
    const kinds = Object.keys(volume).filter((key) => key !== 'name');
    if (parent === undefined || kinds.length !== 1) return [`${at} is not one of the parent's, or not of one kind`];
    if (path?.startsWith(`${directory}/`) !== true || field(parent, 'hostPath') !== undefined) {
      if (path !== undefined)
        return same(field(volume, 'hostPath'), field(parent, 'hostPath')) ? [] : [`${at}: hostPath differs from the parent's`];
      if (kinds[0] !== 'image') return same(volume, parent) ? [] : [`${at} differs from the parent's`];
      const { reference, pullPolicy } = (parent['image'] ?? {}) as Json;
      return same(volume['image'], { reference, pullPolicy: notMoreOften(pullPolicy) }) ? [] : [`${at}: is of another image, or pulls`];
    }
    const mounts = containersOf(after).flatMap((container) =>
      objectsIn(container, 'volumeMounts').filter((mount) => field(mount, 'name') === nameOf(volume)),
    );
    return mounts.every((mount) => field(mount, 'readOnly') === true) ? [] : [`${at}: stored files can be written to`];
  });
}

/** Fields that a version does not have. It loses them from the parent, too, which comes through the same types. */
const NOT_IN: Readonly<Partial<Record<KubeletLine, RegExp>>> = {
  '1.34': /\.(volumeMounts\[\d+\]\.bindMountOptions|emptyDir\.mode|grpc\.mode|httpGet\.protocol)$/,
};

/** Paths of what was written but is not in what this kubelet understood, though it would have it in the parent. */
export function lostFromCopy(written: unknown, understood: unknown, line: KubeletLine): readonly string[] {
  return lost(written, understood, 'spec').filter((path) => NOT_IN[line]?.test(path) !== true);
}

/** Paths of what was written but is not in what was understood: the kubelet drops unknown fields without a word. */
export function lost(written: unknown, understood: unknown, at: string): readonly string[] {
  if (Array.isArray(written)) {
    const items = Array.isArray(understood) ? understood : [];
    return written.length > items.length ? [at] : written.flatMap((item: unknown, index) => lost(item, items[index], `${at}[${index}]`));
  }
  if (isObject(written)) return Object.entries(written).flatMap(([key, value]) => lost(value, field(understood, key), `${at}.${key}`));
  if (written === understood || written === false || written === 0 || written === '' || written === null) return [];
  // a quantity may be written in another way
  return understood === undefined || typeof written === 'boolean' ? [at] : [];
}
