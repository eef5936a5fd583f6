/**
 * What is written down of a checkpoint beside its revisions: it may change without a new revision, and lies in the file
 * `confirmed`, which a version that does not know a note passes over.
 */
import type { Dismissal } from './dismissal.ts';

export interface CheckpointNotes {
  /** That no copy is wanted any more, as the API server last told; see there whether it is said of this very parent. */
  readonly dismissed?: Dismissal;
  /**
   * sha256 of each CA certificate of the cluster, sorted: as they were when the API server last answered with this
   * checkpoint here. Missing where only an older version has written; the record's digest then tells the cluster.
   */
  readonly cas?: readonly string[];
}
