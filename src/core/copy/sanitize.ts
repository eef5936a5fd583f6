/**
 * A pod as the API server knows it, and what it ran with, become a static pod that needs no API server; or a refusal
 * with all reasons at once.
 *
 * An allow-list: the rows of fields.ts and its neighbours say what is copied. Pure, deterministic and idempotent: the
 * sanitized spec, run as a pod and sanitized again, stays as it is. Never widens a privilege. Never puts a Secret's
 * value into a sentence, and never lets one into the manifest without the pod's consent.
 */

import { byCodeUnit, field, isDnsLabel, isDnsSubdomain, isObject, textField } from '../model/json.ts';
import { copyFullName } from '../model/keys.ts';
import { type CapturedFile, type HandBackMode, type Json, type PodName, type RawPod, REVISION_DIR } from '../model/model.ts';
import { type Findings, type Refusal, refuse } from '../model/refusal.ts';
import type { PodOptions } from '../select/select.ts';
import { judgeApiReferences } from './api-references.ts';
import { malformed } from './apply-fields.ts';
import { beginEnvFile, type EnvFile, envFileContainer, envFileContent, envFileVolumes } from './env-file.ts';
import type { FieldRefContext } from './field-refs.ts';
import { isSidecar } from './references.ts';
import { hasHostPort, sanitizeContainer } from './sanitize-containers.ts';
import { apiServiceVariables, sanitizeEnv } from './sanitize-env.ts';
import { sanitizeMetadata } from './sanitize-metadata.ts';
import { sanitizeSpec } from './sanitize-spec.ts';
import { listOf, type SanitizedVolumes, sanitizeVolumes, storedPath } from './sanitize-volumes.ts';
import { writersOf } from './writers.ts';

/** What a capture read of one container. */
export interface CapturedContainer {
  /** Values exactly as the process got them, without the image's own. */
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly image: string;
  /** `repo@sha256:…`, a bare id, or empty. */
  readonly imageRef: string;
  /** The runtime finds the pinned image (image.ts) locally. */
  readonly imagePinnable: boolean;
}

export interface CaptureInputs {
  /** Files by volume name. */
  readonly volumes: Readonly<Record<string, readonly CapturedFile[]>>;
  /** By container name; a container that the runtime has forgotten is left out. */
  readonly containers: Readonly<Record<string, CapturedContainer>>;
}

/** Where the copy is to run. */
export interface SanitizeTarget {
  readonly nodeName: string;
  /** Minor version of the kubelet; undefined counts as older than any gate. */
  readonly kubeletMinor?: number;
  /** Image of the agent itself, which has /bin/sh; without it secret values cannot go by file. */
  readonly agentImage?: string;
  /** How the copy reaches the API server, instead of the service address that may be dead after a reboot. */
  readonly kubernetesService?: { readonly host: string; readonly port: number };
  /** The kubelet learns the node's addresses only from the API server (external cloud provider, no --node-ip). */
  readonly literalHostIp?: boolean;
  /** Not a copy beside a parent but the pod itself, for a node without an agent: with its name, and no mark of ours. */
  readonly standalone?: boolean;
}

export type Sanitized =
  | {
      readonly ok: true;
      /** The static pod; stored volumes are below {@link REVISION_DIR}. */
      readonly manifest: Json;
      /** Files to store, by volume, sorted by path. */
      readonly volumes: Readonly<Record<string, readonly CapturedFile[]>>;
      /** Sorted sentences; no secret values. */
      readonly changes: readonly string[];
      readonly handBack: HandBackMode;
      /** Main containers and sidecars. */
      readonly serving: readonly string[];
      /** Containers of any kind that write data which outlives the pod; left out: none, or two at once are fine. */
      readonly writers?: readonly string[];
      /** Containers', then image volumes' (as `volume/<name>`). */
      readonly images: readonly { readonly container: string; readonly image: string; readonly imageRef: string }[];
    }
  | { readonly ok: false; readonly reasons: readonly Refusal[] };

interface Run {
  readonly pod: Json;
  readonly spec: Json;
  readonly parent: PodName;
  readonly inputs: CaptureInputs;
  readonly target: SanitizeTarget;
  readonly options: PodOptions;
  readonly findings: Findings;
  readonly init: readonly Json[];
  readonly main: readonly Json[];
  readonly envFile: EnvFile;
}

/** What is made of the pod as a whole before its containers. */
interface Shared {
  readonly volumes: SanitizedVolumes;
  /** Service variables, for containers that the runtime has forgotten. */
  readonly services: ReadonlyMap<string, string>;
}

/** See the head of this file. Never throws, whatever `pod` is. */
export function sanitize(pod: RawPod, inputs: CaptureInputs, target: SanitizeTarget, options: PodOptions): Sanitized {
  const findings: Findings = { changes: [], reasons: [] };
  const run = begin(pod, inputs, target, options, findings);
  if (run === undefined) return { ok: false, reasons: findings.reasons };
  const volumes = sanitizeVolumes(run.pod, { findings, kubeletMinor: target.kubeletMinor, captured: inputs.volumes });
  const shared = { volumes, services: apiServiceVariables(run.main, (name) => envOf(run, name)) };
  const parentsInit = makeContainers(run, shared, 'initContainers');
  const containers = makeContainers(run, shared, 'containers');
  const handedOver = handOver(run, containers[0]);
  const initContainers = [...handedOver.containers, ...parentsInit];
  const allVolumes = [...volumes.volumes, ...handedOver.volumes];
  const stored = { ...volumes.stored, ...handedOver.stored };
  const { parent } = run;
  const { nodeName, kubeletMinor, standalone } = target;
  const names = [...run.init, ...run.main].map(nameOf);
  const metadata = sanitizeMetadata(field(pod, 'metadata') as Json, { findings, parent, nodeName, standalone, containers: names });
  const fullName = copyFullName(textField(metadata, 'name') ?? '', nodeName);
  const manifest: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: {
      ...sanitizeSpec(run.spec, { findings, kubeletMinor, parent, fullName }),
      ...(allVolumes.length > 0 ? { volumes: allVolumes } : {}),
      ...(initContainers.length > 0 ? { initContainers } : {}),
      containers,
    },
  };
  judgeResult(manifest, Object.keys(stored), findings);
  if (findings.reasons.length > 0) return { ok: false, reasons: findings.reasons };
  const writers = options.overlap === true ? [] : writersOf(run.spec);
  return {
    ok: true,
    manifest,
    volumes: stored,
    changes: [...new Set(findings.changes)].sort(byCodeUnit),
    handBack: handBackMode(run, writers),
    serving: [...run.init.filter(isSidecar), ...run.main].map(nameOf),
    ...(writers.length === 0 ? {} : { writers }),
    images: [
      ...[...initContainers, ...containers].map((container) => ({
        container: nameOf(container),
        image: textField(container, 'image') ?? '',
        imageRef: captureOf(run, nameOf(container))?.imageRef ?? '',
      })),
      ...volumes.images.map(({ volume, reference }) => ({ container: `volume/${volume}`, image: reference, imageRef: '' })),
    ],
  };
}

/** The parts everything else needs; undefined when there is no pod to speak of. */
function begin(pod: unknown, inputs: CaptureInputs, target: SanitizeTarget, options: PodOptions, findings: Findings): Run | undefined {
  const metadata = field(pod, 'metadata');
  const spec = field(pod, 'spec');
  if (!isObject(pod) || !isObject(metadata) || !isObject(spec)) {
    malformed('the pod', 'an object with metadata and spec', { findings });
    return undefined;
  }
  const parent = { namespace: textField(metadata, 'namespace') ?? '', name: textField(metadata, 'name') ?? '' };
  if (!isDnsSubdomain(parent.name)) malformed('metadata.name', 'a pod name', { findings });
  if (!isDnsLabel(parent.namespace)) malformed('metadata.namespace', 'a namespace', { findings });
  const init = listOf(field(spec, 'initContainers'), 'spec.initContainers', { findings });
  const main = listOf(field(spec, 'containers'), 'spec.containers', { findings });
  if (main.length === 0) malformed('spec.containers', 'a list of containers', { findings });
  const names = [...init, ...main].map(nameOf);
  if (new Set(names).size !== names.length) malformed('spec.containers', 'a list of containers with names of their own', { findings });
  return { pod, spec, parent, inputs, target, options, findings, init, main, envFile: beginEnvFile(spec) };
}

function makeContainers(run: Run, shared: Shared, list: 'initContainers' | 'containers'): readonly Json[] {
  const init = list === 'initContainers';
  return (init ? run.init : run.main).map((container, index) => {
    const at = `spec.${list}[${index}] "${nameOf(container).slice(0, 63)}"`;
    return makeContainer(run, shared, container, at, init);
  });
}

function makeContainer(run: Run, { volumes, services }: Shared, container: Json, at: string, init: boolean): Json {
  const { findings, target, options } = run;
  const { kubeletMinor } = target;
  const hostNetwork = field(run.spec, 'hostNetwork') === true;
  const refs: FieldRefContext = {
    allowDuplicate: options.allowDuplicate,
    hostNetwork,
    kubeletMinor,
    literalHostIp: target.literalHostIp === true,
  };
  const image = captureOf(run, nameOf(container));
  const captured = envOf(run, nameOf(container));
  const mounting = { volumes, secretEnv: options.secretEnv, pod: run.pod, env: captured };
  const result = sanitizeContainer(container, at, { findings, kubeletMinor, hostNetwork, image, init, ...mounting });
  const env = sanitizeEnv(container, at, {
    findings,
    kubeletMinor,
    refs,
    secretEnv: options.secretEnv,
    envFile: run.envFile,
    agentImage: target.agentImage,
    pod: run.pod,
    captured,
    services,
    overrides: serviceOverrides(target),
  });
  return env.length > 0 ? { ...result, env } : result;
}

/** What hands secret values over by file; nothing where there are none. */
function handOver({ envFile, target, findings }: Run, firstMain: Json | undefined) {
  const { agentImage } = target;
  if (envFile.values.size === 0 || agentImage === undefined) return { containers: [], volumes: [], stored: {} };
  findings.changes.push(`spec.initContainers "${envFile.container}": added, it hands secret values over by file`);
  return {
    containers: [envFileContainer(envFile, agentImage, firstMain)],
    volumes: envFileVolumes(envFile, storedPath(envFile.stored)),
    stored: { [envFile.stored]: [envFileContent(envFile)] },
  };
}

function serviceOverrides({ kubernetesService }: SanitizeTarget): ReadonlyMap<string, string> {
  if (kubernetesService === undefined) return new Map();
  const port = String(kubernetesService.port);
  return new Map([
    ['KUBERNETES_SERVICE_HOST', kubernetesService.host],
    ['KUBERNETES_SERVICE_PORT', port],
    ['KUBERNETES_SERVICE_PORT_HTTPS', port],
  ]);
}

/** Assertions about the result: they hold for every input, or we would rather not use the result. */
function judgeResult(manifest: Json, stored: readonly string[], findings: Findings): void {
  const own = new Set(stored.map(storedPath));
  if (holdsStandIn(manifest, own))
    refuse(findings, 'reserved-text', `the pod contains the text ${REVISION_DIR}, which is reserved; write it otherwise`);
  if (findings.reasons.length === 0) findings.reasons.push(...judgeApiReferences(manifest));
}

/** Does the stand-in for the revision's directory occur anywhere but in the paths we made? */
function holdsStandIn(value: unknown, own: ReadonlySet<string>): boolean {
  if (typeof value === 'string') return value.includes(REVISION_DIR) && !own.has(value);
  if (Array.isArray(value)) return value.some((item) => holdsStandIn(item, own));
  return isObject(value) && Object.entries(value).some(([key, inner]) => key.includes(REVISION_DIR) || holdsStandIn(inner, own));
}

/** How the copy makes way for the parent. */
function handBackMode({ spec, init, main }: Run, writers: readonly string[]): HandBackMode {
  if (field(spec, 'hostNetwork') === true) return 'container';
  // ports of plain init containers are neither mapped nor counted (kubelet: MakePortMappings, GetHostPorts)
  if ([...init.filter(isSidecar), ...main].some(hasHostPort)) return 'first-sign';
  return writers.length > 0 ? 'container' : 'overlap';
}

function captureOf({ inputs }: Run, name: string): CapturedContainer | undefined {
  return Object.hasOwn(inputs.containers, name) ? inputs.containers[name] : undefined;
}

function envOf(run: Run, name: string): ReadonlyMap<string, string> | undefined {
  const captured = captureOf(run, name);
  return captured === undefined ? undefined : new Map(captured.env.map((variable) => [variable.name, variable.value]));
}

function nameOf(container: Json): string {
  return textField(container, 'name') ?? '';
}
