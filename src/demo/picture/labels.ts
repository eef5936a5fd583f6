/**
 * Where the labels of one line of a picture go: beside their moment, in as few rows below it as needed, so that no two
 * texts touch whatever the times are. The same labels always land in the same places. Pure.
 */

export interface Label {
  /** The moment that it belongs to; a thin line leads from there down to its row. */
  readonly x: number;
  readonly width: number;
}

export type Side = 'right' | 'left';

export interface PlacedLabel {
  readonly row: number;
  /** Of its moment. */
  readonly side: Side;
  /** Where the text begins and ends. */
  readonly from: number;
  readonly to: number;
}

export interface Bounds {
  readonly left: number;
  readonly right: number;
}

/** Between the line and its text. */
const BESIDE = 7;
/** Between two texts of a row. */
const APART = 12;
/** Beyond so many labels not every choice of sides is tried. */
const MOST_TRIED = 8;

interface Taken extends PlacedLabel {
  readonly x: number;
}

interface Layout {
  readonly placed: readonly PlacedLabel[];
  readonly cost: number;
}

/**
 * Tries every choice of sides and takes the best: no line through a text, few rows, and texts right of their moment,
 * where people look first. Where there is no other way a line is crossed, but texts never touch.
 */
export function placeLabels(labels: readonly Label[], bounds: Bounds): readonly PlacedLabel[] {
  const rightOnly = labels.length > MOST_TRIED ? 0 : 2 ** labels.length - 1;
  let best: Layout | undefined;
  for (let lefts = 0; lefts <= rightOnly; lefts += 1) {
    const layout = layOut(
      labels.map((label, index) => takeSide(label, Math.floor(lefts / 2 ** index) % 2 === 1 ? 'left' : 'right', bounds)),
    );
    if (best === undefined || layout.cost < best.cost) best = layout;
  }
  return best?.placed ?? [];
}

type Sided = Omit<Taken, 'row'>;

/** On the other side where there is no room on this one; below its moment where there is none on either. */
function takeSide({ x, width }: Label, wanted: Side, { left, right }: Bounds): Sided {
  const fits = { right: x + BESIDE + width <= right, left: x - BESIDE - width >= left };
  const other = wanted === 'right' ? 'left' : 'right';
  const side = fits[wanted] || !fits[other] ? wanted : other;
  const from = side === 'right' ? Math.max(left, Math.min(x + BESIDE, right - width)) : Math.max(left, x - BESIDE - width);
  return { x, side, from, to: from + width };
}

/**
 * Rows from outside in: texts on the left from left to right, then those on the right from right to left. So a line
 * finds a way down beside the texts that were placed before it.
 */
function layOut(sided: readonly Sided[]): Layout {
  const order = sided.map((label, index) => ({ label, index }));
  order.sort((a, b) => {
    if (a.label.side !== b.label.side) return a.label.side === 'left' ? -1 : 1;
    return (a.label.side === 'left' ? 1 : -1) * (a.label.x - b.label.x || a.index - b.index);
  });
  const taken: Taken[] = [];
  const placed: PlacedLabel[] = new Array(sided.length);
  let cost = 0;
  for (const { label, index } of order) {
    const rows = Array.from({ length: taken.length + 1 }, (_, row) => ({ ...label, row }));
    const free = rows.filter((at) => !taken.some((other) => touches(at, other)));
    const clear = free.find((at) => !taken.some((other) => crosses(at, other) || crosses(other, at)));
    const { x, ...chosen } = clear ?? (free[0] as Taken);
    taken.push({ x, ...chosen });
    placed[index] = chosen;
    cost += (clear === undefined ? 1000 : 0) + chosen.row * 10 + (chosen.side === 'left' ? 9 : 0);
  }
  return { placed, cost };
}

function touches(a: PlacedLabel, b: PlacedLabel): boolean {
  return a.row === b.row && a.from < b.to + APART && b.from < a.to + APART;
}

/** Does the line of one run through the text of the other on its way down? */
function crosses(line: Taken, text: PlacedLabel): boolean {
  return line.row > text.row && line.x > text.from - BESIDE / 2 && line.x < text.to + BESIDE / 2;
}
