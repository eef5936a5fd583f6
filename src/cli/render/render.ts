/**
 * `render`: an API pod with its Secrets and ConfigMaps becomes the static pod that the agent would keep, with no
 * cluster and no kubelet. It goes by the agent's own rules; the only thing it does not ask for is the annotation that
 * opts a pod in.
 *
 * What is not known without a node is left out: the parent's digest-pinned images, service variables, the node's and
 * the cluster's identity. So the revision on a node will have another digest than the one rendered here.
 */
import { Buffer } from 'node:buffer';
import { join, resolve } from 'node:path';
import { isCheckpointKey, POD_FILE, revisionDir } from '../../adapters/disk/layout.ts';
import { type RenderedResult, writeRendered } from '../../adapters/disk/rendered.ts';
import { planRevision } from '../../adapters/disk/revision.ts';
import { configKeys } from '../../core/config/config-keys.ts';
import { newTo } from '../../core/copy/reasons.ts';
import { type Sanitized, type SanitizeTarget, sanitize } from '../../core/copy/sanitize.ts';
import { parseKubeletVersion } from '../../core/kubelet/kubelet-version.ts';
import { field, isDnsLabel, isDnsSubdomain, isObject, textField } from '../../core/model/json.ts';
import { ANNOTATION_ATTEMPT, ANNOTATION_ENABLED, ANNOTATION_REVISION, checkpointKey } from '../../core/model/keys.ts';
import { encodeManifest, MAX_MANIFEST_BYTES, resolveRevisionDir, withAnnotations } from '../../core/model/manifest.ts';
import type { Json, PodName, RawPod, RevisionDraft } from '../../core/model/model.ts';
import { type Refusal, type RefusalCode, refusal } from '../../core/model/refusal.ts';
import { renderInputs } from '../../core/render/render-inputs.ts';
import { type GivenObjects, sortDocuments } from '../../core/render/render-objects.ts';
import { type PodOptions, select } from '../../core/select/select.ts';
import { judgeValidity } from '../../core/valid/valid-pod.ts';
import { PortError } from '../../ports.ts';
import { type Command, type Context, EXIT, UsageError } from '../command.ts';
import { PROGRAM } from '../help.ts';
import { formatJson, formatYaml } from '../output.ts';
import { readFiles } from './render-files.ts';
import { RENDER_FLAGS } from './render-flags.ts';
import { writeProblem } from './write-problem.ts';

/** What the sanitizer says of inputs that could not be computed, after the reason was told. */
const FOLLOW_UPS: readonly RefusalCode[] = ['volume-not-captured', 'env-not-captured', 'sub-path-missing'];

export function renderCommand(): Command {
  return {
    name: 'render',
    summary: 'Show the static pod that the agent would make of a pod and its Secrets and ConfigMaps, given as files.',
    flags: RENDER_FLAGS,
    run: render,
  };
}

interface Settings {
  readonly files: readonly string[];
  readonly namespace: string;
  /** Undefined: as the pod says. */
  readonly nodeName: string | undefined;
  readonly kubeletMinor: number | undefined;
  readonly agentImage: string | undefined;
  readonly out: string | undefined;
  readonly standalone: boolean;
}

type Outcome = { readonly ok: true; readonly draft: RevisionDraft } | { readonly ok: false; readonly reasons: readonly Refusal[] };

async function render(context: Context): Promise<number> {
  const settings = readSettings(context);
  const { documents, unreadable, malformed } = await readFiles(settings.files, context.io);
  const sorted = sortDocuments(documents, settings.namespace);
  // what is missing may stand in the file that could not be read
  const mistakes = [...malformed, ...(sorted.ok || unreadable.length + malformed.length > 0 ? [] : sorted.problems)];
  for (const problem of [...unreadable, ...mistakes]) context.io.stderr.write(`${PROGRAM} render: ${problem}\n`);
  if (unreadable.length > 0) return EXIT.unreachable;
  if (mistakes.length > 0 || !sorted.ok) return EXIT.usage;
  const outcome = draftOf(sorted.objects, settings, context.io.env['NODE_NAME']);
  if (!outcome.ok) return refuse(context, nameOf(sorted.objects.pod), outcome.reasons);
  if (settings.out !== undefined) return write(context, settings.out, outcome.draft);
  return settings.standalone ? showStandalone(context, outcome.draft) : show(context, outcome.draft);
}

function readSettings(context: Context): Settings {
  const problems: string[] = [];
  const files = context.texts('filename');
  if (files.length === 0) problems.push('no file is given; write -f FILE, or -f - for standard input');
  const namespace = context.text('namespace') ?? '';
  if (!isDnsLabel(namespace)) problems.push(`--namespace ${JSON.stringify(namespace)} is no valid namespace; write one such as default`);
  const nodeName = context.text('node-name');
  if (nodeName !== undefined && !isDnsSubdomain(nodeName))
    problems.push(`--node-name ${JSON.stringify(nodeName)} is no valid name of a node; write it as kubectl get nodes shows it`);
  const version = context.text('kubelet-version');
  const minor = parseKubeletVersion(version ?? '');
  if (version !== undefined && minor === undefined)
    problems.push(`--kubelet-version ${JSON.stringify(version)} is no version of a kubelet; write one such as 1.34`);
  const out = context.text('out');
  const agentImage = context.text('agent-image');
  if (agentImage !== undefined && !/^[A-Za-z0-9][-\w.:/@]*$/.test(agentImage))
    problems.push(`--agent-image ${JSON.stringify(agentImage)} is no name of an image; write it as in a pod`);
  if (out === '') problems.push('--out is empty; name a directory');
  if (problems.length > 0) throw new UsageError(problems);
  return {
    files,
    namespace,
    nodeName,
    kubeletMinor: minor,
    agentImage,
    out: out === undefined ? undefined : resolve(out),
    standalone: context.on('standalone'),
  };
}

function draftOf(objects: GivenObjects, settings: Settings, nodeFromEnv: string | undefined): Outcome {
  const { pod } = objects;
  const own = textField(field(pod, 'spec'), 'nodeName') ?? '';
  const nodeName = settings.nodeName ?? [own, nodeFromEnv ?? ''].find(isDnsSubdomain) ?? 'node';
  const { kubeletMinor, agentImage, standalone } = settings;
  const target: SanitizeTarget = {
    nodeName,
    standalone,
    ...(kubeletMinor === undefined ? {} : { kubeletMinor }),
    ...(agentImage === undefined ? {} : { agentImage }),
  };
  const invalid = judgeValidity(pod);
  const selection = select(optedIn(pod), { namespaces: ['*'], nodeName });
  if (selection.kind === 'ignored') throw new TypeError('rendering: a pod that is opted in cannot be ignored');
  const { inputs, reasons } = renderInputs(objects, selection.options, target);
  const sanitized = sanitize(pod as RawPod, inputs, target, selection.options);
  const further = sanitized.ok ? [] : sanitized.reasons.filter(({ code }) => reasons.length === 0 || !FOLLOW_UPS.includes(code));
  const name = nameOf(pod);
  const ofName = isCheckpointKey(checkpointKey(name)) ? [] : [tooLong()];
  const ofFields = [...invalid, ...withoutRepetitions([...reasons, ...further], invalid), ...ofName];
  // refused as a whole: what is to be mended in its fields is told in the same breath
  const all = selection.kind === 'refused' ? [...selection.reasons, ...newTo(selection.reasons, ofFields)] : ofFields;
  if (all.length > 0 || !sanitized.ok) return { ok: false, reasons: all };
  return { ok: true, draft: draftFrom(pod, name, nodeName, sanitized, selection.options) };
}

/** The same place is told once: what is wrong in it was said with more words than the sanitizer has. */
function withoutRepetitions(reasons: readonly Refusal[], told: readonly Refusal[]): readonly Refusal[] {
  const places = told.map(({ message }) => placeOf(message));
  return reasons.filter(({ code, message }) => {
    const place = placeOf(message);
    return code !== 'malformed' || !places.some((other) => other === place || other.startsWith(`${place}[`));
  });
}

/** Names of containers and volumes stand in some paths: spec.containers[0] "web".image */
function placeOf(message: string): string {
  return message.replace(/^(\S+\]) "[^"]*"/, '$1').replace(/ .*$/s, '');
}

/** As `select` wants to see it; the pod itself is rendered as it was given. */
function optedIn(pod: Json): RawPod {
  const metadata = field(pod, 'metadata');
  const spec = field(pod, 'spec');
  if (!isObject(metadata)) return { ...pod, metadata: { annotations: { [ANNOTATION_ENABLED]: 'true' } } } as RawPod;
  const given = field(metadata, 'annotations');
  const annotations = isObject(given) ? given : {};
  // a value that is no text (true without quotes) is told by what judges validity
  const enabled = textField(annotations, ANNOTATION_ENABLED) ?? 'true';
  return {
    ...pod,
    metadata: { ...metadata, annotations: { ...annotations, [ANNOTATION_ENABLED]: enabled } },
    // wherever it is bound, it is rendered here
    ...(isObject(spec) ? { spec: { ...spec, nodeName: undefined } } : {}),
  } as unknown as RawPod;
}

function tooLong(): Refusal {
  return refusal(
    'name-too-long',
    'metadata.namespace and metadata.name have more than 254 characters together, too many for the name of a directory; shorten the name',
  );
}

function nameOf(pod: Json): PodName {
  const metadata = field(pod, 'metadata');
  return { namespace: textField(metadata, 'namespace') ?? '', name: textField(metadata, 'name') ?? '' };
}

function draftFrom(
  pod: Json,
  name: PodName,
  nodeName: string,
  sanitized: Extract<Sanitized, { ok: true }>,
  options: PodOptions,
): RevisionDraft {
  const metadata = field(pod, 'metadata');
  return {
    key: checkpointKey(name),
    manifest: sanitized.manifest,
    volumes: sanitized.volumes,
    record: {
      parent: { ...name, uid: textField(metadata, 'uid') ?? '', resourceVersion: textField(metadata, 'resourceVersion') ?? '' },
      node: { name: nodeName, machineId: '' },
      cluster: '',
      // record.json is not written, and the moment is no part of the digest
      capturedAt: '',
      bootId: '',
      images: sanitized.images,
      changes: sanitized.changes,
      handBack: sanitized.handBack,
      handBackGraceful: options.handBackGraceful,
      order: options.order,
      maxAgeMs: options.maxAgeMs ?? 0,
      serving: sanitized.serving,
    },
  };
}

/** As the agent places it the first time, with the stored files where its default state directory has them. */
async function show(context: Context, draft: RevisionDraft): Promise<number> {
  const stateDir = configKeys.find((key) => key.name === 'stateDir')?.default ?? '/';
  const { revision } = planRevision(stateDir, draft);
  const resolved = resolveRevisionDir(draft.manifest, revisionDir(stateDir, draft.key, revision));
  return printManifest(context, draft, withAnnotations(resolved, { [ANNOTATION_REVISION]: revision, [ANNOTATION_ATTEMPT]: '1' }));
}

/** Nobody but us writes the files, so without a directory there may be none. */
async function showStandalone(context: Context, draft: RevisionDraft): Promise<number> {
  const stored = Object.keys(draft.volumes);
  if (stored.length > 0) {
    const volumes = stored.map((name) => JSON.stringify(name)).join(', ');
    throw new UsageError([`--standalone: the pod has stored files (volumes ${volumes}), and no agent would write them; add --out DIR`]);
  }
  return printManifest(context, draft, draft.manifest);
}

async function printManifest(context: Context, draft: RevisionDraft, manifest: Json): Promise<number> {
  const text = encodeManifest(manifest);
  if (tooLarge(text)) return refuse(context, draft.record.parent, [tooLargeReason()]);
  context.io.stdout.write(context.text('output') === 'yaml' ? await formatYaml(manifest) : text);
  return EXIT.done;
}

async function write(context: Context, dir: string, draft: RevisionDraft): Promise<number> {
  if (tooLarge(encodeManifest(draft.manifest))) return refuse(context, draft.record.parent, [tooLargeReason()]);
  const result = await writeOut(dir, draft);
  if (result.kind === 'occupied') {
    throw new UsageError([`--out ${dir}: ${result.path} is not what would be written there; nothing was changed, so name a new directory`]);
  }
  const changed = result.kind === 'written';
  const stored = result.files - 1;
  const sentence = changed
    ? `Wrote ${join(dir, POD_FILE)} and ${stored} stored ${stored === 1 ? 'file' : 'files'}`
    : `${dir} is up to date`;
  const data = { directory: dir, changed, files: result.files, owners: result.owners };
  await print(context, data, `${sentence}\n`);
  if (!result.owners) {
    context.io.stderr.write(
      `${PROGRAM} render: the files in ${dir} do not have the owners that the pod needs, which only root may set; render as root for use on a node\n`,
    );
  }
  return EXIT.done;
}

async function writeOut(dir: string, draft: RevisionDraft): Promise<RenderedResult> {
  try {
    return await writeRendered({ dir, draft });
  } catch (error) {
    const problem = writeProblem(error, dir);
    if (problem === undefined) throw error;
    throw problem.usage ? new UsageError([problem.sentence]) : new PortError('failed', problem.sentence, { cause: error });
  }
}

function tooLarge(manifest: string): boolean {
  return Buffer.byteLength(manifest) >= MAX_MANIFEST_BYTES;
}

function tooLargeReason(): Refusal {
  return refusal('limit', 'the manifest would be larger than the kubelet reads (10 MiB); take values from files instead of variables');
}

async function refuse(context: Context, name: PodName, reasons: readonly Refusal[]): Promise<number> {
  for (const { message } of reasons) context.io.stderr.write(`${PROGRAM} render: ${message}\n`);
  await print(context, { ...name, reasons }, '');
  return EXIT.refused;
}

/** Data where a form was asked for, else the text. */
async function print(context: Context, data: unknown, text: string): Promise<void> {
  const form = context.text('output');
  context.io.stdout.write(form === 'json' ? formatJson(data) : form === 'yaml' ? await formatYaml(data) : text);
}
