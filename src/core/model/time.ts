/** RFC 3339 stamps to and from milliseconds since 1970. Conversion only: no clock is read here or anywhere in core. */

/** NaN for nonsense, which compares false with everything. */
export function parseTime(text: string): number {
  return Date.parse(text);
}

export function formatTime(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
