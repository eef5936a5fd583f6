/**
 * What a capture would find on a node, computed from the objects instead: the files the kubelet would put into a pod's
 * volumes, and the environment its containers would get. For `render`, where there is no node.
 *
 * What only a cluster has is a reason with a remedy, never a guess. Service variables are not known here, and are left
 * out. No value of a Secret is ever in a reason.
 */

import { neededInputs } from '../copy/references.ts';
import type { CapturedContainer, CaptureInputs, SanitizeTarget } from '../copy/sanitize.ts';
import { field, objectsIn, textField } from '../model/json.ts';
import type { CapturedFile, Json } from '../model/model.ts';
import type { Refusal } from '../model/refusal.ts';
import type { PodOptions } from '../select/select.ts';
import type { RenderContext } from './render-context.ts';
import { renderEnvironment } from './render-env.ts';
import type { GivenObjects } from './render-objects.ts';
import { renderVolume } from './render-volumes.ts';

export interface RenderedInputs {
  /** Only as complete as `reasons` is empty. */
  readonly inputs: CaptureInputs;
  readonly reasons: readonly Refusal[];
}

/** Never throws, whatever the pod is; what is malformed beyond use is left to the sanitizer's judgement. */
export function renderInputs(objects: GivenObjects, options: PodOptions, target: SanitizeTarget): RenderedInputs {
  const { pod } = objects;
  const namespace = textField(field(pod, 'metadata'), 'namespace') ?? '';
  const context: RenderContext = { objects, namespace, options, target, reasons: [] };
  const spec = field(pod, 'spec');
  const needed = new Set(neededInputs(pod).volumes.map(({ name }) => name));
  const volumes: [string, readonly CapturedFile[]][] = [];
  for (const [index, volume] of objectsIn(spec, 'volumes').entries()) {
    const name = textField(volume, 'name') ?? '';
    if (needed.has(name))
      volumes.push([name, renderVolume(volume, `spec.volumes[${index}] ${JSON.stringify(name.slice(0, 63))}`, context)]);
  }
  const containers = ['initContainers', 'containers'].flatMap((list) =>
    objectsIn(spec, list).map((container, index) => renderContainer(container, `spec.${list}[${index}]`, context)),
  );
  return { inputs: { volumes: Object.fromEntries(volumes), containers: Object.fromEntries(containers) }, reasons: context.reasons };
}

function renderContainer(container: Json, at: string, context: RenderContext): readonly [string, CapturedContainer] {
  const name = textField(container, 'name') ?? '';
  const env = renderEnvironment(container, `${at} ${JSON.stringify(name.slice(0, 63))}`, context);
  return [name, { env, image: textField(container, 'image') ?? '', imageRef: '', imagePinnable: false }];
}
