/** A revision before it has a digest and a place on the disk. Data only. */
import type { CheckpointKey, Json, RevisionRecord } from './model.ts';

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
