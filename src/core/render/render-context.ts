/** What a rendering goes by: the given objects, the pod's options, and where reasons are collected. Pure. */
import type { SanitizeTarget } from '../copy/sanitize.ts';
import type { Reasons } from '../model/refusal.ts';
import type { PodOptions } from '../select/select.ts';
import type { DataKind, GivenObjects } from './render-objects.ts';

/** Its reasons are filled in by the helpers. */
export interface RenderContext extends Reasons {
  readonly objects: GivenObjects;
  readonly namespace: string;
  readonly options: PodOptions;
  readonly target: SanitizeTarget;
}

/** One sentence for volumes and variables alike. */
export function missingObject(at: string, kind: DataKind, name: string, { namespace }: Pick<RenderContext, 'namespace'>): string {
  return `${at} needs ${kind} ${namespace}/${name.slice(0, 253)}, which none of the files holds; add it with -f, or set optional: true`;
}

/** One sentence for volumes and variables alike. */
export function missingKey(at: string, kind: DataKind, name: string, key: string, { namespace }: Pick<RenderContext, 'namespace'>): string {
  return `${at} needs the key ${JSON.stringify(key.slice(0, 60))} of ${kind} ${namespace}/${name}, which has no such key; add it, or set optional: true`;
}
