/** What may be said of whatever was thrown. */

/** An error's own words; anything else that was thrown speaks for itself. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
