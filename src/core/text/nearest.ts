/**
 * Which of the known words was probably meant by an unknown one. For error messages only: nothing is ever corrected
 * silently.
 */

/** The known word at the smallest edit distance, if near enough to be a slip; else the only one that begins so. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const slips = Math.max(1, Math.ceil(word.length / 4));
  const ranked = known.map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }));
  ranked.sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best !== undefined && best.distance <= slips) return best.candidate;
  const begun = known.filter((candidate) => candidate.toLowerCase().startsWith(word.toLowerCase()));
  return word.length >= 3 && begun.length === 1 ? begun[0] : undefined;
}

/** Levenshtein distance, row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
