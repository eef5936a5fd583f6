/**
 * The vocabulary of the whole program: what can be seen, what lies on the disk, what can be decided.
 * Data only: no behaviour beyond tiny constructors, no I/O, no clock.
 */
import type { CopyStand, CopyTrouble } from './copy-stand.ts';
import type { Unwanted } from './dismissal.ts';
import type { KeptDown } from './ended.ts';
import type { CheckpointNotes } from './notes.ts';
import type { Reachability } from './probe.ts';
import type { WithReservation, WithWish } from './reservation.ts';

export type { Raw, RawContainer, RawPod, RawPodSpec, RawVolume } from './raw.ts';

/** Any JSON object before it was looked at. */
export type Json = Record<string, unknown>;

/** A duration, or a point on the monotonic clock, whose zero is the start of this process. In milliseconds. */
export type Millis = number;

/** An observation that may have failed. Unknown is not none: it may delay, and never activates and never deletes. */
export type Seen<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly why: string };
export const seen = <T>(value: T): Seen<T> => ({ known: true, value });
export const unseen = (why: string): Seen<never> => ({ known: false, why });

/** A pod by name. The kubelet and the API server know pods so; a uid tells incarnations apart. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Name of a checkpoint's directory: `<namespace>_<pod name>`. Neither part may contain `_`, so it is unambiguous. */
export type CheckpointKey = string;

// ---- the container runtime's truth (CRI) --------------------------------------------------------

export interface Sandbox {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly ready: boolean;
  /** Wall clock of the runtime, nanoseconds as it reports them, cut to milliseconds. */
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export type ContainerState = 'created' | 'running' | 'exited' | 'unknown';

export interface RuntimeContainer {
  readonly id: string;
  readonly sandboxId: string;
  /** Name in the pod spec. */
  readonly name: string;
  readonly podUid: string;
  readonly podName: string;
  readonly podNamespace: string;
  readonly state: ContainerState;
  readonly createdAtMs: number;
}

export interface RuntimeView {
  readonly sandboxes: readonly Sandbox[];
  readonly containers: readonly RuntimeContainer[];
}

// ---- the API server's truth ---------------------------------------------------------------------

export type { Probe, ProbeOutcome, Reachability, TlsReason } from './probe.ts';

// ---- what is on the disk ------------------------------------------------------------------------

/** How the parent's service is reached; it settles how the copy hands back (design: hand back). */
export type HandBackMode =
  /** The pod has its own address and no host port: parent and copy overlap without a gap. */
  | 'overlap'
  /** hostNetwork, or shared data: the copy leaves the instant the kubelet sets out to create the parent's container. */
  | 'container'
  /** Pod network with hostPort: the manifest leaves at the first sign of the API server. */
  | 'first-sign';

/** record.json of a revision. */
export interface RevisionRecord extends WithWish {
  readonly formatVersion: 1;
  readonly revision: string;
  readonly parent: PodName & {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly controller?: { readonly kind: string; readonly name: string; readonly uid: string };
  };
  readonly node: { readonly name: string; readonly machineId: string };
  /** One digest over the cluster's CA certificates at the capture; `core/turn/whose.ts` compares. */
  readonly cluster: string;
  /** RFC 3339, wall clock. */
  readonly capturedAt: string;
  readonly bootId: string;
  /** What each container ran: reference in the copy, and what the runtime called it. */
  readonly images: readonly { readonly container: string; readonly image: string; readonly imageRef: string }[];
  /** RFC 3339, the earliest expiry of a captured service-account token. */
  readonly tokenExpiry?: string;
  /** sha256 of every file, by path relative to the revision; `pod.json` is one of them. */
  readonly files: Readonly<Record<string, string>>;
  /** What the sanitizer changed, in words. */
  readonly changes: readonly string[];
  readonly handBack: HandBackMode;
  readonly handBackGraceful: boolean;
  readonly order: number;
  /** Milliseconds, 0 = unlimited. */
  readonly maxAgeMs: number;
  /** Names of the containers that may bind a port: main containers and restartable init containers. */
  readonly serving: readonly string[];
  /** Names of containers of any kind whose data the copy would write as well. Left out: parent and copy share none. */
  readonly writers?: readonly string[];
  /** The parent is the agent's own pod, so the copy is the standby. */
  readonly self?: true;
}

/** A file of a captured volume: `path` is relative to the volume's root. */
export interface CapturedFile {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly content: Uint8Array;
}

/** Everything of one revision, before it has a digest and a place on the disk. */
export interface RevisionDraft {
  readonly key: CheckpointKey;
  /** The static pod; host paths below the revision are written with {@link REVISION_DIR}. */
  readonly manifest: Json;
  readonly volumes: Readonly<Record<string, readonly CapturedFile[]>>;
  readonly record: Omit<RevisionRecord, 'formatVersion' | 'revision' | 'files'>;
}
/** Stands in a draft's manifest for the absolute path of the revision's own directory. */
export const REVISION_DIR = '@revision@';

/** A checkpoint as the store found it. `problem` says why it must not be used. */
export interface Checkpoint extends CheckpointNotes {
  readonly key: CheckpointKey;
  readonly record: RevisionRecord;
  /** pod.json, exact bytes as text. */
  readonly manifest: string;
  /** RFC 3339: when the API server last confirmed the parent, as far as the disk knows. */
  readonly confirmedAt: string;
  readonly bytes: number;
  readonly problem?: string;
  /** The system's word (EMFILE, EIO) where it could not be read: whether it is whole is unknown, so it is no damage. */
  readonly unread?: string;
}

/** One placed copy, or the standby: an entry of the ledger. */
export interface Placed extends WithReservation {
  readonly key: CheckpointKey;
  /** Base name below staticPodPath. */
  readonly file: string;
  /** sha256 of the exact bytes placed. */
  readonly digest: string;
  /** sha256 of our own bytes that these replace: what is still there if the process ended in between. */
  readonly replaces?: string;
  readonly revision: string;
  readonly why: Reason;
  /** 1 for the first try; higher ones only after CRI proved that the one before never started. */
  readonly attempt: number;
  /** RFC 3339, wall clock. */
  readonly placedAt: string;
  readonly bootId: string;
  /** `placed`: the manifest is (to be) there. `leaving`: it was withdrawn and the copy is to be stopped. */
  readonly phase: 'placed' | 'leaving';
  /** Parent's containers that existed when the copy was placed: they are no sign that the kubelet starts it anew. */
  readonly knownContainers: readonly string[];
  /** It is the standby: it runs beside its parent and is no copy that waits to hand back. */
  readonly self?: true;
}

/** What the ledger remembers of the last hand-back of one checkpoint. */
export interface HandBackMemory {
  readonly key: CheckpointKey;
  /** The pod the copy made way for. */
  readonly toUid: string;
  readonly at: string;
  /** A parent that is gone after a power cut did not fail: the memory counts in the boot it is from. */
  readonly bootId: string;
  readonly failures: number;
  /** RFC 3339; the same uid is not trusted before. */
  readonly blockedUntil?: string;
}

/** The last time the standby made way for the DaemonSet's pod; `toUid` is that pod. */
export interface YieldMemory extends Omit<HandBackMemory, 'key'> {
  /** It has not been seen yet whether that lasted. */
  readonly open: boolean;
}

/** active.json: what we have placed in staticPodPath, and what the last hand-backs and the last yield came to. */
export interface Ledger {
  readonly formatVersion: 1;
  readonly placed: readonly Placed[];
  readonly handBacks: readonly HandBackMemory[];
  readonly yielded?: YieldMemory;
}

/** A file found in staticPodPath. Foreign ones are named and never opened for writing, moved or removed. */
export interface ManifestFile {
  readonly file: string;
  /** sha256 of the content; undefined where the name is none of ours, it could not be read, or is no regular file. */
  readonly digest?: string;
}

// ---- decisions ----------------------------------------------------------------------------------

/**
 * State of one checkpoint.
 * - `inactive`: stored, no copy placed. Exits: active, retired.
 * - `active`: the copy's manifest is in staticPodPath. Exits: handing-back, retired.
 * - `handing-back`: the manifest was withdrawn, the copy is being stopped. Exits: inactive, active, retired.
 * - `retired`: the parent is truly gone; copy, then data, are being removed. No exit.
 */
export type State = 'inactive' | 'active' | 'handing-back' | 'retired';

/** Why a state is what it is. The same word is in the log line, the metric and the decision table. */
export type Reason =
  | 'api-reachable'
  | 'api-unsure'
  | 'local-truth-unknown'
  | 'parent-running'
  | 'kubelet-has-parent'
  | 'parent-orphan-grace'
  | 'parent-absent'
  | 'parent-orphaned'
  | 'parent-stuck'
  | 'hand-back-failed'
  | 'kubelet-blind'
  | 'parent-leaving'
  | 'parent-gone'
  | 'copy-serving'
  | 'awaiting-parent'
  | 'hand-back-overdue'
  | 'parent-started'
  | 'copy-not-needed'
  | 'copy-leaving'
  | 'handed-back'
  | 'standby-kept'
  | 'standby-superseded'
  | 'standby-replaced'
  | CopyTrouble
  | Obstacle;

/** Why a copy that the rules would start must not start. */
export type Obstacle =
  | Unwanted
  | KeptDown
  | 'checkpoint-damaged'
  | 'checkpoint-unread'
  | 'checkpoint-expired'
  | 'checkpoint-of-other-node'
  | 'checkpoint-of-other-cluster'
  | 'image-missing'
  | 'active-limit-reached'
  | 'manifest-name-taken'
  | 'manifest-not-ours'
  | 'superseded'
  | 'waiting-for-lower-order'
  | 'activation-refused';

/** Where the parent stands, from CRI and the kubelet's own list. */
export type ParentHere =
  /** Its serving containers are RUNNING; or some of its are, and the kubelet lists it or cannot be asked. */
  | 'running'
  /** No container is RUNNING; the kubelet process lists it, so starting it is the kubelet's job. */
  | 'known'
  /** Unknown to the kubelet, but its sandbox is READY or a part of it runs: nobody will ever restart the rest. */
  | 'orphan'
  /** Unknown to the kubelet, and nothing of it runs or is READY. */
  | 'absent'
  /** A source could not be asked whose word was needed; or, before a start, whether its images are there. */
  | 'unknown';

/** What the API server says of the parent, from authenticated reads only. */
export type ParentInApi =
  | 'present'
  /** Shown to be gone (absent, elsewhere, terminal, no longer opted in), for less than the retire grace. */
  | 'leaving'
  /** Shown to be gone for the whole grace, and confirmed by a read of its own. */
  | 'gone'
  | 'unknown';

/** The facts one decision rests on. `core/turn/facts.ts` makes them; only `throttle.ts` may add an obstacle. */
export interface Facts {
  readonly api: Reachability;
  readonly here: ParentHere;
  /** The clock that `here` asks for; `hand-back-failed`: it counts as over, because the parent failed at once. */
  readonly grace: 'running' | 'over' | 'hand-back-failed';
  readonly inApi: ParentInApi;
  /** Has the moment to hand back come, by the parent's mode? `late`: no, and the hand-back timeout has passed. */
  readonly trigger: 'yes' | 'no' | 'late' | 'unknown';
  /** Where the copy stands, by runtime and kubelet. */
  readonly copy: CopyStand;
  /** The API server wants the parent here, and the kubelet, without contact for its grace, cannot know. */
  readonly blind: 'yes' | 'no';
  readonly obstacle?: Obstacle;
}

export interface Decision {
  readonly state: State;
  readonly reason: Reason;
}
