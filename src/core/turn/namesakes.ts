/**
 * Which pods that the runtime shows are the parent under another uid? Local truth: no watch is needed, so it holds for
 * an agent that the API server refuses and for a standby, too. Pure.
 *
 * The API server has one pod of a name, so what the kubelet runs under the parent's name is the parent: a StatefulSet
 * makes its pod anew under the old name. A DaemonSet makes its next pod under another name of its own, with its labels.
 * Our own copies never count.
 */
import { field, fieldAt, textMap } from '../model/json.ts';
import { LABEL_COPY } from '../model/keys.ts';
import { decodeManifest } from '../model/manifest.ts';
import type { Checkpoint, PodName, RuntimeView, Sandbox } from '../model/model.ts';
import { apiSandboxesNamed, indexOf } from './view-index.ts';

/** A pod that counts as the parent beside the captured one. */
export interface Namesake extends PodName {
  readonly uid: string;
}

/** Of these a DaemonSet's every generation has its own; of ours the parent has none. */
const LABELS_OF_ONE_POD: readonly string[] = ['controller-revision-hash', 'pod-template-generation', LABEL_COPY];
/** The API server cuts the name that it makes another from (`names.SimpleNameGenerator`). */
const LONGEST_BASE = 58;
/** Its five letters; neither vowels nor digits that look like them (`rand.SafeEncodeString`). */
const GENERATED = /^[bcdfghjklmnpqrstvwxz2456789]{5}$/;

/** Each pod once, without the captured one. */
export function namesakes({ record, manifest }: Pick<Checkpoint, 'record' | 'manifest'>, view: RuntimeView): readonly Namesake[] {
  const { namespace, name, uid, controller } = record.parent;
  // the agent's own pods are told apart by `core/self`
  if (record.self === true) return [];
  const found = new Map<string, Namesake>();
  const add = (pod: Namesake): void => {
    if (pod.uid !== '' && pod.uid !== uid) found.set(pod.uid, pod);
  };
  const index = indexOf(view);
  for (const other of index.podsOfName.get(`${namespace}/${name}`) ?? []) add({ uid: other, namespace, name });
  if (controller?.kind === 'DaemonSet') {
    const base = `${controller.name}-`.slice(0, LONGEST_BASE);
    const candidates = apiSandboxesNamed(index, namespace, base).filter((sandbox) => sandbox.uid !== uid);
    for (const sandbox of nextPods(base, manifest, candidates)) add(podOf(sandbox));
  }
  return [...found.values()];
}

/** The labels of the manifest are read only where some pod may be the one. */
function nextPods(base: string, manifest: string, candidates: readonly Sandbox[]): readonly Sandbox[] {
  if (candidates.length === 0) return [];
  const labels = labelsOf(manifest);
  return candidates.filter((sandbox) => {
    // a template whose labels were changed makes pods with others: the name and the mark of a revision tell as well
    const generated = GENERATED.test(sandbox.name.slice(base.length)) && sandbox.labels['controller-revision-hash'] !== undefined;
    return generated || (labels.length > 0 && labels.every(([key, value]) => sandbox.labels[key] === value));
  });
}

function labelsOf(manifest: string): readonly (readonly [string, string])[] {
  const decoded = decodeManifest(manifest);
  if (!decoded.ok) return [];
  return Object.entries(textMap(field(fieldAt(decoded.manifest, 'metadata'), 'labels'))).filter(
    ([key]) => !LABELS_OF_ONE_POD.includes(key),
  );
}

function podOf({ uid, namespace, name }: Sandbox): Namesake {
  return { uid, namespace, name };
}
