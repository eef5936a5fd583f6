/**
 * Finds a secret in whatever text or bytes it may have slipped into: as it is, in base64 (at any of the three alignments, both
 * alphabets), in hex and percent-encoded. Pure. Used by the tests in memory and by those on real nodes.
 */

export interface Canary {
  /** What kind of thing it is, for the message of a failure. */
  readonly name: string;
  readonly value: string;
}

/** Something that people or machines read. */
export interface Evidence {
  readonly where: string;
  readonly text: string;
}

/** Every form of the value that is long enough to be no accident. */
export function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '');
    // the first and last characters also depend on the neighbours
    return text.slice(shift === 0 ? 0 : shift + 1, (shift + bytes.length) % 3 === 0 ? undefined : -1);
  });
  const hex = bytes.toString('hex');
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const plain = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)];
  const encoded = [...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))];
  return [...new Set([...plain, ...encoded, hex, hex.toUpperCase(), percent, percent.toUpperCase()])];
}

/** One line for every canary and every place it was found in. */
export function findCanaries(canaries: readonly Canary[], evidence: readonly Evidence[]): readonly string[] {
  return canaries.flatMap(({ name, value }) => {
    const forms = formsOf(value);
    return evidence.filter(({ text }) => forms.some((form) => text.includes(form))).map(({ where }) => `${name} is in ${where}`);
  });
}
