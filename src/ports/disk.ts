/** The ports to what lies on the host's disk. Part of `ports.ts`, which gives them on. */
import type { Dismissal } from '../core/model/dismissal.ts';
import type { Checkpoint, CheckpointKey, Ledger, ManifestFile, RevisionDraft } from '../core/model/model.ts';

/** Checkpoints and ledger below stateDir. Everything it reports as stored has been fsynced, directories included. */
export interface Store {
  /** Every checkpoint. One that is damaged, or cannot be read now (`unread`), has a `problem`, and never throws. */
  load(): Promise<readonly Checkpoint[]>;
  /** Their keys, and maybe names of others: nothing is read. Throws as `load` does. */
  keys(): Promise<readonly CheckpointKey[]>;
  /** One of them, every byte read anew; undefined: there is none of this key. Throws as `load` does. */
  read(key: CheckpointKey): Promise<Checkpoint | undefined>;
  /**
   * Writes a complete revision and swaps `current` to it, or changes nothing. `undefined`: equal to the current one.
   * Throws too-large for a revision of more bytes than `maxBytes`.
   */
  save(draft: RevisionDraft, maxBytes?: number): Promise<Checkpoint | undefined>;
  /** Removes revisions of a checkpoint that are neither current nor named. */
  prune(key: CheckpointKey, keep: readonly string[]): Promise<void>;
  /**
   * `capturedAt`: of the revision that is confirmed; should it lie ahead, by a clock that was, the confirmation stands
   * in its stead.
   */
  confirm(key: CheckpointKey, confirmedAt: string, capturedAt?: string): Promise<void>;
  /**
   * Keeps, beside the last confirmation, that no copy is wanted; undefined: nothing of that kind is known any more. A
   * confirmation ends it too. Does not wait for a save.
   */
  dismiss(key: CheckpointKey, dismissal: Dismissal | undefined): Promise<void>;
  /** Writes down the CA certificates of the checkpoint's cluster, beside its revisions. */
  stamp(key: CheckpointKey, cas: readonly string[]): Promise<void>;
  remove(key: CheckpointKey): Promise<void>;
  readLedger(): Promise<Ledger>;
  writeLedger(ledger: Ledger): Promise<void>;
  /** Absolute path of the state directory. */
  readonly dir: string;
}

/** The kubelet's staticPodPath. Only this port writes there, and only names it is given with their digests. */
export interface ManifestDir {
  /** Every name without a leading dot. */
  list(): Promise<readonly ManifestFile[]>;
  /**
   * Another one when a name has appeared or gone, undefined where that cannot be told; of what a file holds it says
   * nothing. Two changes within one tick of the kernel's clock may look like one. Synchronous and cheap. Never throws.
   */
  stamp(): string | undefined;
  /** Atomic and durable. Throws `failed` when a foreign file has the name: `expect` is the digest it may replace. */
  place(file: string, content: string, expect: string | undefined): Promise<void>;
  /** Removes the file if its digest is `digest`; absent is success; another digest throws `failed`. */
  remove(file: string, digest: string): Promise<void>;
}
