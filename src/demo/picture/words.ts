/** How much room a text takes, whatever font shows it: so that what is laid out here fits there. Pure. */

/** In ems, of Verdana and DejaVu Sans: no common screen font is wider. */
const WIDTHS: readonly (readonly [RegExp, number])[] = [
  [/[ijl'|]/, 0.3],
  [/[ .,:;I]/, 0.35],
  [/[ft()r]/, 0.42],
  [/[cksvxyz-]/, 0.59],
  [/[mwMW]/, 0.98],
  [/[A-Z%@]/, 0.76],
  [/[\u0020-\u007e]/, 0.64],
];
const OTHERS = 1;
const BOLD = 1.13;

export function textWidth(text: string, size: number, bold = false): number {
  let ems = 0;
  for (const letter of text) ems += WIDTHS.find(([letters]) => letters.test(letter))?.[1] ?? OTHERS;
  return ems * size * (bold ? BOLD : 1);
}

/** The words in lines that are no wider than that, but for a single word that is. */
export function wrapWords(text: string, size: number, width: number, bold = false): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length === 0 || textWidth(longer, size, bold) > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** As much of a text as fits. */
export function fitWords(text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width) return text;
  const letters = [...text];
  while (letters.length > 0 && textWidth(`${letters.join('')}…`, size) > width) letters.pop();
  return `${letters.join('')}…`;
}
