/** Pieces of SVG text, with everything escaped that needs it, and the picture's colours in light and dark. Pure. */

type Value = string | number;

/** An element that holds nothing but text, or nothing. */
export function element(name: string, attributes: Readonly<Record<string, Value>>, text?: string): string {
  return text === undefined ? `<${name}${attributesText(attributes)}/>` : group(name, attributes, [escapeXml(text)], '');
}

/** An element around others. */
export function group(name: string, attributes: Readonly<Record<string, Value>>, inner: readonly string[], between = '\n'): string {
  return `<${name}${attributesText(attributes)}>${between}${inner.join(between)}${between}</${name}>`;
}

function attributesText(attributes: Readonly<Record<string, Value>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${typeof value === 'number' ? rounded(value) : escapeXml(value)}"`)
    .join('');
}

/** A tenth of a pixel is as fine as anybody sees. */
function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no way to write them at all
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}

interface Colours {
  readonly card: string;
  readonly edge: string;
  readonly text: string;
  readonly quiet: string;
  readonly track: string;
  readonly neutral: string;
  readonly parent: string;
  readonly copy: string;
  readonly agent: string;
  readonly gap: string;
  readonly gapGround: string;
  /** Text on a bar. */
  readonly onBar: string;
}

const LIGHT: Colours = {
  card: '#ffffff',
  edge: '#d1d9e0',
  text: '#1f2328',
  quiet: '#59636e',
  track: '#d1d9e0',
  neutral: '#6e7b8a',
  parent: '#0a62c4',
  copy: '#1a7f4b',
  agent: '#7a4fc9',
  gap: '#b93a0a',
  gapGround: '#fce6d9',
  onBar: '#ffffff',
};

const DARK: Colours = {
  card: '#0d1117',
  edge: '#30363d',
  text: '#e6edf3',
  quiet: '#9198a1',
  track: '#30363d',
  neutral: '#8b98a7',
  parent: '#5aa5ff',
  copy: '#4cc38a',
  agent: '#b794f6',
  gap: '#ff9a5c',
  gapGround: '#35221a',
  onBar: '#0d1117',
};

/** The picture brings its own ground: a page may be dark where the system says light, and the other way round. */
export function styleText(): string {
  const fonts = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
  return [
    `text { font-family: ${fonts}; }`,
    '.strong { font-weight: 600; }',
    '.leader, .gap-edge { fill: none; }',
    '.halo { paint-order: stroke; stroke-width: 4px; stroke-linejoin: round; }',
    ...rules(LIGHT),
    '@media (prefers-color-scheme: dark) {',
    ...rules(DARK),
    '}',
  ].join('\n');
}

function rules(colours: Colours): readonly string[] {
  return [
    `.card { fill: ${colours.card}; stroke: ${colours.edge}; }`,
    `.halo { stroke: ${colours.card}; }`,
    `.text { fill: ${colours.text}; }`,
    `.quiet { fill: ${colours.quiet}; }`,
    `.on-bar { fill: ${colours.onBar}; }`,
    `.track, .guide, .axis { stroke: ${colours.track}; }`,
    `.leader { stroke: ${colours.quiet}; }`,
    `.dot { fill: ${colours.card}; stroke: ${colours.text}; }`,
    `.neutral { fill: ${colours.neutral}; }`,
    `.parent { fill: ${colours.parent}; }`,
    `.copy { fill: ${colours.copy}; }`,
    `.agent { fill: ${colours.agent}; }`,
    `.gap { fill: ${colours.gap}; }`,
    `.gap-edge { stroke: ${colours.gap}; }`,
    `.gap-ground { fill: ${colours.gapGround}; }`,
  ];
}
