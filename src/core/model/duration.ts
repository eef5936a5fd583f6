/**
 * Durations as Go writes them (`500ms`, `1h30m`) and milliseconds.
 * Never throws, and never rounds silently: what is no whole number of milliseconds is an error.
 */
import type { Millis } from './model.ts';

export type DurationResult = { readonly ok: true; readonly ms: Millis } | { readonly ok: false; readonly problem: string };

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const FORM = 'write it as 500ms, 10s, 2m or 1h30m';
/** Ten years: longer ones are typing errors. */
const MAX_MS = 10 * 365 * 24 * 3_600_000;

/** Reads a non-negative duration; `0` needs no unit. */
export function parseDuration(text: string): DurationResult {
  if (text === '0') return { ok: true, ms: 0 };
  // as escapes: the build leaves this literal alone, and for one letter beyond Latin-1 V8 would keep the whole program
  // at two bytes a character
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(text)) return { ok: false, problem: `no duration; ${FORM}` };
  let ms = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g))
    ms += Number(amount) * (UNITS[unit] ?? Number.NaN);
  // 0.1s and the like are exact in tenths only on paper
  const rounded = Math.round(ms);
  if (Math.abs(ms - rounded) > 1e-6) return { ok: false, problem: 'finer than a millisecond; use whole milliseconds' };
  if (!(rounded <= MAX_MS)) return { ok: false, problem: 'longer than ten years' };
  return { ok: true, ms: rounded };
}

/**
 * The shortest common way to write whole milliseconds: `1h30m`, `2m`, `500ms`, `0`. A fraction is rounded; a negative
 * number counts as 0.
 */
export function formatDuration(ms: Millis): string {
  let rest = Math.max(0, Math.round(ms));
  if (rest === 0) return '0';
  const parts: string[] = [];
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join('');
}
