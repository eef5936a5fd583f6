/** The code of a failed system call. */

/** `ENOENT` and the like; undefined for an error that carries no code. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
