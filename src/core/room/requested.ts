/**
 * What everything bound to this node asks for, our own copies left out: the one small record that an agent without an
 * API server goes by. Pure.
 */
import { field, fieldAt, isObject, objectsIn, textField, textMap } from '../model/json.ts';
import { ANNOTATION_MIRROR, LABEL_COPY } from '../model/keys.ts';
import type { Checkpoint, Json } from '../model/model.ts';
import { type Amounts, RESOURCES } from '../model/reservation.ts';
import { amountsBy, sameAmounts, sum } from './amounts.ts';
import { podRequests } from './pod-requests.ts';
import { manifestOf } from './reserve.ts';

export interface Requested {
  readonly amounts: Amounts;
  /** How many pods these are. */
  readonly pods: number;
}

/** Remembers what a pod or a manifest asks for, while it is the same object: a node may have hundreds of them. */
export type Counted = WeakMap<object, Amounts>;

/**
 * `pods`: all of this node, as the API server shows them; mirrors of other people's static pods are among them. A
 * parent that is just being replaced still counts, by its checkpoint: its successor will want the same.
 */
export function requestedOf(pods: Iterable<object>, checkpoints: readonly Checkpoint[], counted: Counted): Requested {
  const bound = [...pods].filter(counts);
  const names = new Set(bound.map(nameOf));
  const owners = new Set(bound.flatMap(ownersOf));
  const absent = checkpoints.filter(({ record: { parent } }) => {
    const replaced = parent.controller?.kind === 'DaemonSet' && owners.has(parent.controller.uid);
    return !names.has(`${parent.namespace}/${parent.name}`) && !replaced;
  });
  const amounts = [
    ...bound.map((pod) => countOf(pod, pod, counted)),
    ...absent.map((each) => countOf(each, manifestOf(each.manifest), counted)),
  ];
  return { amounts: sum(amounts), pods: amounts.length };
}

export function sameRequested(a: Requested | undefined, b: Requested | undefined): boolean {
  return a !== undefined && b !== undefined && a.pods === b.pods && sameAmounts(a.amounts, b.amounts);
}

export function encodeRequested({ amounts, pods }: Requested): Json {
  return { formatVersion: 1, pods, amounts: { ...amounts } };
}

/** undefined: nothing is stored, or nothing that makes sense; then nothing is known. */
export function readRequested(stored: unknown): Requested | undefined {
  const pods = field(stored, 'pods');
  const written = field(stored, 'amounts');
  if (!isCount(pods) || !isObject(written) || !RESOURCES.every((resource) => isCount(written[resource]))) return undefined;
  return { pods, amounts: amountsBy((resource) => written[resource] as number) };
}

/** One that has ended holds nothing any more; one that is ending does, until it has. */
function counts(pod: object): boolean {
  const phase = fieldAt(pod, 'status', 'phase');
  if (phase === 'Succeeded' || phase === 'Failed') return false;
  const mirror = textMap(fieldAt(pod, 'metadata', 'annotations'))[ANNOTATION_MIRROR] !== undefined;
  return !(mirror && textMap(fieldAt(pod, 'metadata', 'labels'))[LABEL_COPY] === 'true');
}

function countOf(key: object, pod: unknown, counted: Counted): Amounts {
  const amounts = counted.get(key) ?? podRequests(pod);
  counted.set(key, amounts);
  return amounts;
}

function nameOf(pod: object): string {
  const metadata = field(pod, 'metadata');
  return `${textField(metadata, 'namespace')}/${textField(metadata, 'name')}`;
}

function ownersOf(pod: object): readonly string[] {
  return objectsIn(field(pod, 'metadata'), 'ownerReferences').flatMap((owner) => textField(owner, 'uid') ?? []);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
