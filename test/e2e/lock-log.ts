/** The record that test servers with a lock keep beside the file: who held it from when on, and who was refused. */
export interface LockEntry {
  /** Wall clock, milliseconds. */
  readonly at: number;
  readonly verdict: 'held' | 'refused';
  /** The server's incarnation, as the prober names it. */
  readonly who: string;
}

export function lockEntriesIn(text: string): readonly LockEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, nanos, verdict, who = ''] = /^(\d+) (held|refused) (\S+)$/.exec(line) ?? [];
    return nanos === undefined ? [] : [{ at: Number(nanos) / 1_000_000, verdict: verdict as LockEntry['verdict'], who }];
  });
}

/** What shows that two wanted the lock at once, or others than these held it, in turn; undefined: nothing does. */
export function lockComplaint(entries: readonly LockEntry[], holders: number): string | undefined {
  const refused = entries.filter(({ verdict }) => verdict === 'refused');
  if (refused.length > 0) return `refused: ${refused.map(({ who }) => who).join(' ')}`;
  const held = new Set(entries.map(({ who }) => who)).size;
  return held === holders ? undefined : `${held} processes held the lock, not ${holders}`;
}
