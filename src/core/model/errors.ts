/** What may be said of whatever was thrown: its words, and the code of a failed system call. */

/** An error's own words; anything else that was thrown speaks for itself. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `ENOENT` and the like; undefined for an error that carries no code. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
