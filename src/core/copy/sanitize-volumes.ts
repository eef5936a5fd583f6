/**
 * Volumes of a copy: what the kubelet would fill from API objects becomes a directory of stored files on the host.
 * Never reads a file's content.
 */

import { byCodeUnit, field, fieldAt, isDnsLabel, isObject, objectsIn, textField } from '../model/json.ts';
import { type CapturedFile, type Json, REVISION_DIR } from '../model/model.ts';
import { type Findings, refuse } from '../model/refusal.ts';
import { pullPolicy } from '../text/image.ts';
import { applyFields, malformed } from './apply-fields.ts';
import { CONFIG_MAP_VOLUME, DOWNWARD_API, PROJECTED, PROJECTED_LOCAL, PROJECTED_SOURCE, SECRET_VOLUME, VOLUME } from './fields-volume.ts';
import { type CapturedPlugin, storedPlugin, usedVolumes, volumeContext } from './references.ts';

export interface VolumesContext {
  readonly findings: Findings;
  readonly kubeletMinor: number | undefined;
  readonly captured: Readonly<Record<string, readonly CapturedFile[]>>;
}

export interface SanitizedVolumes {
  readonly volumes: readonly Json[];
  /** Files to store, by volume, sorted by path. */
  readonly stored: Readonly<Record<string, readonly CapturedFile[]>>;
  /** Volumes that the kubelet mounts read-only by itself, and a hostPath would not be. */
  readonly readOnly: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
  /** Images of image volumes. */
  readonly images: readonly { readonly volume: string; readonly reference: string }[];
}

/** Host path of a stored volume, as it is written into a draft. */
export function storedPath(volume: string): string {
  return `${REVISION_DIR}/files/${volume}`;
}

export function sanitizeVolumes(pod: unknown, context: VolumesContext): SanitizedVolumes {
  const volumes: Json[] = [];
  const stored: [string, readonly CapturedFile[]][] = [];
  const readOnly = new Set<string>();
  const names = new Set<string>();
  const images: { volume: string; reference: string }[] = [];
  const refContext = volumeContext(pod);
  const used = usedVolumes(pod);
  for (const [index, volume] of listOf(fieldAt(pod, 'spec', 'volumes'), 'spec.volumes', context).entries()) {
    const at = `spec.volumes[${index}]`;
    const name = textField(volume, 'name') ?? '';
    if (!isDnsLabel(name) || names.has(name)) {
      malformed(`${at}.name`, 'a name of its own', context);
      continue;
    }
    names.add(name);
    if (!used.has(name)) {
      context.findings.changes.push(`${at} "${name}": left out, no container mounts it`);
      continue;
    }
    const sources = Object.keys(volume).filter((key) => key !== 'name' && field(volume, key) !== undefined);
    if (sources.length > 1) malformed(at, 'a volume of one kind', context);
    if (sources.some((key) => ['secret', 'configMap', 'projected', 'downwardAPI'].includes(key))) readOnly.add(name);
    const plugin = storedPlugin(volume, refContext);
    if (plugin !== undefined) {
      judgeStoredVolume(volume, plugin, at, context);
      const files = Object.hasOwn(context.captured, name) ? context.captured[name] : undefined;
      if (files === undefined) {
        const remedy = 'wait until the pod runs with all its volumes mounted';
        refuse(context.findings, 'volume-not-captured', `${at} "${name}" has no files on this node; ${remedy}`);
      }
      stored.push([name, [...(files ?? [])].sort((a, b) => byCodeUnit(a.path, b.path))]);
      volumes.push({ name, hostPath: { path: storedPath(name), type: 'Directory' } });
      context.findings.changes.push(`${at} "${name}": ${sources[0]} became a directory of stored files`);
      continue;
    }
    const kept = keepVolume(volume, sources.length === 0, at, context);
    const reference = textField(field(kept, 'image'), 'reference');
    if (reference !== undefined) images.push({ volume: name, reference });
    volumes.push(kept);
  }
  return { volumes, stored: Object.fromEntries(stored), readOnly, names, images };
}

/** A volume that stays of its kind. */
function keepVolume(volume: Json, withoutSource: boolean, at: string, { findings, kubeletMinor }: VolumesContext): Json {
  const context = { findings, kubeletMinor, unknown: 'refuse' as const };
  const kept = applyFields(volume, VOLUME, at, context);
  // the API's default for a volume without a kind
  if (withoutSource) return { ...kept, emptyDir: {} };
  for (const [kind, table] of [
    ['downwardAPI', DOWNWARD_API],
    ['projected', PROJECTED_LOCAL],
  ] as const) {
    const source = field(volume, kind);
    if (source === undefined) continue;
    if (!isObject(source)) malformed(`${at}.${kind}`, 'an object', context);
    else kept[kind] = applyFields(source, table, `${at}.${kind}`, context);
  }
  if (objectsIn(field(kept, 'projected'), 'sources').some((source) => !isObject(field(source, 'downwardAPI')))) {
    malformed(`${at}.projected.sources`, 'a list of sources', context);
  }
  for (const kind of ['secret', 'configMap']) if (field(volume, kind) !== undefined) malformed(`${at}.${kind}`, 'an object', context);
  const image = field(kept, 'image');
  if (isObject(image)) kept['image'] = { ...image, pullPolicy: pullPolicy(fieldAt(volume, 'image', 'pullPolicy')) };
  return kept;
}

/** Are all fields of a volume that becomes files known? One that is not might mean files we did not capture. */
function judgeStoredVolume(volume: Json, plugin: CapturedPlugin, at: string, { findings, kubeletMinor }: VolumesContext): void {
  const context = { findings, kubeletMinor, unknown: 'refuse' as const };
  applyFields(volume, VOLUME, at, context);
  const judge = (key: string, table: typeof SECRET_VOLUME): void => {
    const source = field(volume, key);
    if (isObject(source)) applyFields(source, table, `${at}.${key}`, context);
  };
  switch (plugin) {
    case 'secret':
      judge('secret', SECRET_VOLUME);
      return;
    case 'configmap':
      judge('configMap', CONFIG_MAP_VOLUME);
      return;
    case 'downward-api':
      judge('downwardAPI', DOWNWARD_API);
      return;
    case 'projected':
      judge('projected', PROJECTED);
      for (const [index, source] of listOf(fieldAt(volume, 'projected', 'sources'), `${at}.projected.sources`, context).entries()) {
        applyFields(source, PROJECTED_SOURCE, `${at}.projected.sources[${index}]`, context);
      }
  }
}

/** The objects of a list; anything else in it is malformed. */
export function listOf(value: unknown, at: string, context: { readonly findings: Findings }): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isObject)) {
    malformed(at, 'a list of objects', context);
    return [];
  }
  return value;
}
