/**
 * Looks at a record and a ledger read from the disk before anyone believes them. Pure; never throws.
 */
import type { Dismissal } from '../../core/model/dismissal.ts';
import { isObject } from '../../core/model/json.ts';
import type { CheckpointKey, HandBackMemory, Json, Ledger, Placed, RevisionRecord } from '../../core/model/model.ts';
import { RESOURCES } from '../../core/model/reservation.ts';

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const whole: Check = (value) => Number.isSafeInteger(value);
const flag: Check = (value) => typeof value === 'boolean';
const textMap: Check = (value) => isObject(value) && Object.values(value).every(text);
const list =
  (element: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(element);
const oneOf =
  (...allowed: readonly unknown[]): Check =>
  (value) =>
    allowed.includes(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]));

const isRecord = shape({
  formatVersion: oneOf(1),
  revision: text,
  parent: shape({
    namespace: text,
    name: text,
    uid: text,
    resourceVersion: text,
    controller: optional(shape({ kind: text, name: text, uid: text })),
  }),
  node: shape({ name: text, machineId: text }),
  cluster: text,
  capturedAt: text,
  bootId: text,
  images: list(shape({ container: text, image: text, imageRef: text })),
  tokenExpiry: optional(text),
  files: textMap,
  changes: list(text),
  handBack: oneOf('overlap', 'container', 'first-sign'),
  handBackGraceful: flag,
  order: whole,
  maxAgeMs: whole,
  serving: list(text),
  writers: optional(list(text)),
  requests: optional(oneOf('keep', 'none')),
  self: optional(oneOf(true)),
});

const amount: Check = (value) => typeof value === 'number' && value >= 0;
const isReservation = shape({
  zeroed: list(oneOf(...RESOURCES)),
  shared: optional(oneOf(true)),
  why: text,
  amounts: shape(Object.fromEntries(RESOURCES.map((resource) => [resource, amount]))),
});

const isPlaced = shape({
  key: text,
  file: text,
  digest: text,
  replaces: optional(text),
  revision: text,
  why: text,
  attempt: whole,
  placedAt: text,
  bootId: text,
  phase: oneOf('placed', 'leaving'),
  knownContainers: list(text),
  reserves: optional(isReservation),
  self: optional(oneOf(true)),
});

const isMemory = shape({ key: text, toUid: text, at: text, bootId: text, failures: whole, blockedUntil: optional(text) });
const isYield = shape({ toUid: text, at: text, bootId: text, failures: whole, blockedUntil: optional(text), open: flag });
const isLedger = shape({ formatVersion: oneOf(1), placed: list(isPlaced), handBacks: list(isMemory), yielded: optional(isYield) });

const isDismissal = shape({ uid: text, at: text, why: oneOf('parent-deleted', 'opted-out') });

/** A word that this version does not know says nothing. */
export function decodeDismissal(value: unknown): Dismissal | undefined {
  return isDismissal(value) ? (value as Dismissal) : undefined;
}

export function decodeRecord(value: unknown): RevisionRecord | undefined {
  return isRecord(value) ? (value as RevisionRecord) : undefined;
}

export function decodeLedger(value: Json): Ledger | undefined {
  return isLedger(value) ? (value as unknown as Ledger) : undefined;
}

export function emptyLedger(): Ledger {
  return { formatVersion: 1, placed: [] as readonly Placed[], handBacks: [] as readonly HandBackMemory[] };
}

/**
 * What can be said of a checkpoint whose record cannot be read: its name. Every other field is empty, and fits no node
 * and no cluster.
 */
export function unreadableRecord(key: CheckpointKey, revision: string): RevisionRecord {
  const cut = key.indexOf('_');
  return {
    formatVersion: 1,
    revision,
    parent: { namespace: key.slice(0, cut), name: key.slice(cut + 1), uid: '', resourceVersion: '' },
    node: { name: '', machineId: '' },
    cluster: '',
    capturedAt: '',
    bootId: '',
    images: [],
    files: {},
    changes: [],
    handBack: 'overlap',
    handBackGraceful: false,
    order: 0,
    maxAgeMs: 0,
    serving: [],
  };
}
