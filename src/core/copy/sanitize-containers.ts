/**
 * Containers of a copy: image, ports, probes and hooks. Mounts are in sanitize-mounts.ts, environments in
 * sanitize-env.ts. Never adds a privilege: security contexts are copied as they are.
 */

import { field, fieldAt, isDnsLabel, isObject, objectsIn, textField } from '../model/json.ts';
import type { Json } from '../model/model.ts';
import { type Findings, refuse } from '../model/refusal.ts';
import { pinnedImage, pullPolicy } from '../text/image.ts';
import { applyFields, malformed } from './apply-fields.ts';
import { CONTAINER, CONTAINER_PORT } from './fields-container.ts';
import { isSidecar } from './references.ts';
import { type MountContext, sanitizeMounts } from './sanitize-mounts.ts';
import { listOf } from './sanitize-volumes.ts';

/** What the runtime says of a container's image. */
export interface CapturedImage {
  /** `repo@sha256:…`, a bare id, or empty. */
  readonly imageRef: string;
  /** The runtime finds the pinned image (image.ts) locally. */
  readonly imagePinnable: boolean;
}

export interface ContainerContext extends MountContext {
  readonly hostNetwork: boolean;
  readonly image: CapturedImage | undefined;
  readonly init: boolean;
}

/** Container restart policies and a sleep of zero seconds are accepted in static pods from here on. */
const RELAXED_SINCE = 35;
const RULES_RELAXED_SINCE = 36;
const UPGRADE = 'upgrade the kubelet or remove the field';
const PLAIN_RESOURCES = /^(cpu|memory|ephemeral-storage|hugepages-[-0-9A-Za-z]+)$/;

/** A container without its `env`. */
export function sanitizeContainer(container: Json, at: string, context: ContainerContext): Json {
  const { findings, kubeletMinor } = context;
  const kept = applyFields(container, CONTAINER, at, { findings, kubeletMinor, unknown: 'refuse' });
  if (!isDnsLabel(textField(container, 'name') ?? '')) malformed(`${at}.name`, 'a container name', context);
  judgeResources(field(kept, 'resources'), `${at}.resources`, context);
  sanitizeImage(container, kept, at, context);
  sanitizeRestartPolicy(container, kept, at, context);
  judgeRestartRules(container, at, context);
  const mounts = sanitizeMounts(container, at, context);
  if (mounts.length > 0) kept['volumeMounts'] = mounts;
  sanitizePorts(container, kept, at, context);
  return kept;
}

/** cpu, memory, ephemeral storage and huge pages are the kubelet's own; everything else is a device. */
export function judgeResources(resources: unknown, at: string, { findings }: { readonly findings: Findings }): void {
  for (const kind of ['limits', 'requests']) {
    const amounts = field(resources, kind);
    for (const name of isObject(amounts) ? Object.keys(amounts) : []) {
      if (PLAIN_RESOURCES.test(name)) continue;
      const what = `asks for ${JSON.stringify(name.slice(0, 80))}, which the kubelet cannot grant truly before the API server is back`;
      refuse(findings, 'extended-resource', `${at}.${kind} ${what}; remove it or do not opt this pod in`);
    }
  }
}

function sanitizeImage(container: Json, kept: Json, at: string, { findings, image }: ContainerContext): void {
  const given = textField(container, 'image') ?? '';
  if (given === '' || given.trim() !== given) malformed(`${at}.image`, 'an image', { findings });
  const pinned = image?.imagePinnable === true ? pinnedImage(given, image.imageRef) : undefined;
  if (pinned !== undefined) findings.changes.push(`${at}.image: pinned to the digest that ran`);
  kept['image'] = pinned ?? given;
  kept['imagePullPolicy'] = pullPolicy(field(container, 'imagePullPolicy'));
}

function sanitizeRestartPolicy(container: Json, kept: Json, at: string, { findings, kubeletMinor, init }: ContainerContext): void {
  const policy = field(container, 'restartPolicy');
  if (policy === undefined) return;
  if (typeof policy !== 'string') {
    malformed(`${at}.restartPolicy`, 'text', { findings });
    return;
  }
  if (!(init && isSidecar(container)) && (kubeletMinor ?? 0) < RELAXED_SINCE) {
    const needs = `of a container that is no sidecar needs kubelet 1.${RELAXED_SINCE}; ${UPGRADE}`;
    refuse(findings, 'needs-newer-kubelet', `${at}.restartPolicy ${needs}`);
  }
  kept['restartPolicy'] = policy;
}

/** Kubelets that take restart rules at all take these from 1.36 (gate RestartAllContainersOnContainerExits). */
function judgeRestartRules(container: Json, at: string, { findings, kubeletMinor, init }: ContainerContext): void {
  const rules = objectsIn(container, 'restartPolicyRules');
  const ofSidecar = rules.length > 0 && init && isSidecar(container);
  if ((kubeletMinor ?? 0) >= RULES_RELAXED_SINCE || (!ofSidecar && rules.every((rule) => rule['action'] === 'Restart'))) return;
  const needs = `of a sidecar, or with an action other than Restart, needs kubelet 1.${RULES_RELAXED_SINCE}; ${UPGRADE}`;
  refuse(findings, 'needs-newer-kubelet', `${at}.restartPolicyRules ${needs}`);
}

/**
 * Ports of a pod on the host's network are only information, but they count as host ports when the kubelet admits the
 * parent beside the copy, which it then refuses for good (pkg/kubelet/lifecycle/predicate.go). So they go, and whatever
 * names them gets the number.
 */
function sanitizePorts(container: Json, kept: Json, at: string, context: ContainerContext): void {
  const { findings, kubeletMinor, hostNetwork } = context;
  const ports = listOf(field(container, 'ports'), `${at}.ports`, context);
  const known = ports.map((port, index) =>
    applyFields(port, CONTAINER_PORT, `${at}.ports[${index}]`, { findings, kubeletMinor, unknown: 'refuse' }),
  );
  if (!hostNetwork && known.length > 0) kept['ports'] = known;
  if (hostNetwork && known.length > 0)
    findings.changes.push(`${at}.ports: dropped (on the host's network they are only information, and would keep the parent out)`);
  const numbers = new Map(
    known.flatMap((port) =>
      typeof port['name'] === 'string' && typeof port['containerPort'] === 'number' ? [[port['name'], port['containerPort']] as const] : [],
    ),
  );
  for (const key of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = field(kept, key);
    if (isObject(probe)) kept[key] = withNumbers(probe, `${at}.${key}`, numbers, context);
  }
  const lifecycle = field(kept, 'lifecycle');
  if (isObject(lifecycle)) kept['lifecycle'] = sanitizeHooks(lifecycle, `${at}.lifecycle`, numbers, context);
}

function sanitizeHooks(lifecycle: Json, at: string, numbers: ReadonlyMap<string, number>, context: ContainerContext): Json {
  const kept: [string, unknown][] = [];
  for (const [key, hook] of Object.entries(lifecycle)) {
    if (!isObject(hook)) {
      kept.push([key, hook]);
      continue;
    }
    // a sleep of nothing, written or left out
    if (isObject(field(hook, 'sleep')) && (fieldAt(hook, 'sleep', 'seconds') ?? 0) === 0 && (context.kubeletMinor ?? 0) < RELAXED_SINCE) {
      context.findings.changes.push(`${at}.${key}: dropped (a sleep of 0 s does nothing, and kubelets before 1.35 refuse it)`);
      continue;
    }
    kept.push([key, withNumbers(hook, `${at}.${key}`, numbers, context)]);
  }
  return Object.fromEntries(kept);
}

/** The same probe or hook with numbers for port names, where the ports go. */
function withNumbers(handler: Json, at: string, numbers: ReadonlyMap<string, number>, { findings, hostNetwork }: ContainerContext): Json {
  if (!hostNetwork) return handler;
  const result: Json = { ...handler };
  for (const kind of ['httpGet', 'tcpSocket']) {
    const action = field(handler, kind);
    const port = field(action, 'port');
    if (!isObject(action) || typeof port !== 'string') continue;
    const number = numbers.get(port) ?? (/^\d{1,5}$/.test(port) ? Number(port) : undefined);
    if (number === undefined) {
      const why = 'names no port of this container; name one that is declared, or write the number';
      refuse(findings, 'named-port', `${at}.${kind}.port ${why}`);
      continue;
    }
    findings.changes.push(`${at}.${kind}.port: name became a number`);
    result[kind] = { ...action, port: number };
  }
  return result;
}

/** Does anything in this container, as written, ask for a port of the host? */
export function hasHostPort(container: Json): boolean {
  return objectsIn(container, 'ports').some((port) => typeof port['hostPort'] === 'number' && port['hostPort'] > 0);
}
