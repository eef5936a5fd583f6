/** That people want no copy of a parent any more: the words for it, and whether it is said of this one. Pure. */

/** What the API server said of one parent. It is on the disk, and so outlives restarts and reboots. */
export interface Dismissal {
  readonly uid: string;
  /** RFC 3339, wall clock. */
  readonly at: string;
  readonly why: Dismissed;
}

/**
 * - `parent-deleted`: the API server went on answering although nothing of the deleted parent ran any more
 * - `opted-out`: the parent no longer has the annotation
 */
export type Dismissed = 'parent-deleted' | 'opted-out';

/** Why there is to be no copy; `not-honoured`: the configuration does not name the parent's namespace. */
export type Unwanted = Dismissed | 'not-honoured';

interface Dismissable {
  readonly dismissed?: Dismissal;
  readonly record: { readonly parent: { readonly uid: string } };
}

/** What is known of this very parent; it may have been said of an earlier pod of the same name. */
export function dismissalOf({ dismissed, record }: Dismissable): Dismissal | undefined {
  return dismissed !== undefined && dismissed.uid === record.parent.uid ? dismissed : undefined;
}
