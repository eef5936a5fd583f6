/** What a run says: progress line by line, a table at the end, and the same as data. Decides nothing. */
import { writeFileSync } from 'node:fs';
import type { Figure } from './scenario.ts';

export interface ScenarioResult {
  readonly kubelet: string;
  readonly runtime: string;
  readonly id: string;
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'not run';
  readonly seconds: number;
  readonly problem?: string;
  readonly figures: readonly Figure[];
}

/** One line of progress, with the time of day. */
export function say(line: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)}  ${line}\n`);
}

export function shownFigure(figure: Figure): string {
  const digits = Number.isInteger(figure.value) || figure.unit === 'ms' ? 0 : 2;
  return `${figure.name}: ${figure.value.toFixed(digits)}${figure.unit === 'count' ? '' : ` ${figure.unit}`}`;
}

/** What to say behind a figure of a promise. */
export function keptPromise({ value, promised, unit }: Figure): string {
  if (promised === undefined) return '';
  return ` (promised: ${promised} ${unit}${value <= promised ? '' : '; NOT KEPT'})`;
}

/** `round 03: host: service gap` and its like, over all rounds: name without the round → values. */
function overRounds(figures: readonly Figure[]): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  for (const figure of figures) {
    const match = /^round \d+: (.*)$/.exec(figure.name);
    if (match?.[1] === undefined) continue;
    const key = `${match[1]} (${figure.unit})`;
    rows.set(key, [...(rows.get(key) ?? []), figure.value]);
  }
  return rows;
}

export function printSummary(results: readonly ScenarioResult[]): void {
  const lines: string[] = [''];
  for (const result of results) {
    const mark = result.outcome === 'passed' ? 'ok     ' : result.outcome === 'failed' ? 'FAILED ' : 'not run';
    lines.push(`${mark}  ${result.kubelet.padEnd(8)} ${result.id.padEnd(10)} ${result.seconds.toFixed(0).padStart(4)} s  ${result.title}`);
    if (result.problem !== undefined) lines.push(...result.problem.split('\n').map((line) => `           ${line}`));
    for (const figure of result.figures)
      if (!figure.name.startsWith('round ')) lines.push(`           ${shownFigure(figure)}${keptPromise(figure)}`);
    for (const [name, values] of overRounds(result.figures)) {
      const sorted = values.toSorted((a, b) => a - b);
      const round = (value: number | undefined) => (value ?? Number.NaN).toFixed(0);
      lines.push(
        `           ${name}: median ${round(sorted[Math.floor((sorted.length - 1) / 2)])}, worst ${round(sorted.at(-1))}, n ${sorted.length}`,
      );
    }
  }
  const late = results.flatMap(({ kubelet, id, figures }) =>
    figures.filter(({ value, promised }) => promised !== undefined && !(value <= promised)).map((figure) => ({ kubelet, id, figure })),
  );
  if (late.length > 0) lines.push('', 'promises of time that were not kept on this machine:');
  for (const { kubelet, id, figure } of late) lines.push(`           ${kubelet} ${id}: ${shownFigure(figure)}${keptPromise(figure)}`);
  const passed = results.filter((result) => result.outcome === 'passed').length;
  lines.push('', `${passed} passed, ${results.length - passed} failed`, '');
  process.stdout.write(lines.join('\n'));
}

export function writeJson(file: string, results: readonly ScenarioResult[]): void {
  const passed = results.filter((result) => result.outcome === 'passed').length;
  writeFileSync(file, `${JSON.stringify({ passed, failed: results.length - passed, results }, undefined, 2)}\n`);
}
