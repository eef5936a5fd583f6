/**
 * Reads the agent's log: one JSON object a line, `time` in milliseconds of the wall clock. The only place of the
 * end-to-end tests that knows the words of its lines.
 */
import { readFileSync } from 'node:fs';

export interface LogEntry {
  readonly time: number;
  readonly level: string;
  readonly msg: string;
  /** namespace/name, where the line is about one checkpoint. */
  readonly checkpoint: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  /** How many containers it killed itself, where the line says so. */
  readonly killed: string;
  /** What showed that the parent comes, where the line says so. */
  readonly sign: string;
}

const MESSAGES = {
  started: /^started/i,
  decided: /^decided/i,
  judged: /^judged the api server/i,
  placed: /^placed the copy's manifest/i,
  withdrew: /^withdrew the copy's manifest/i,
} as const;
export type LogEvent = keyof typeof MESSAGES;

/** All complete lines; what is not JSON (a crash's stack) becomes an entry of level `raw`. */
export function readAgentLog(file: string): readonly LogEntry[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return []; // not started yet
  }
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
}

function parseLine(line: string): LogEntry {
  try {
    const fields = JSON.parse(line) as Record<string, unknown>;
    const word = (key: string) => (typeof fields[key] === 'string' || typeof fields[key] === 'number' ? String(fields[key]) : '');
    return {
      time: typeof fields['time'] === 'number' ? fields['time'] : Date.parse(word('time')),
      level: word('level'),
      msg: word('msg'),
      checkpoint: (word('checkpoint') || word('key')).replace('_', '/'),
      from: word('from'),
      to: word('to'),
      reason: word('reason'),
      killed: word('killed'),
      sign: word('sign'),
    };
  } catch {
    return { time: 0, level: 'raw', msg: line, checkpoint: '', from: '', to: '', reason: '', killed: '', sign: '' };
  }
}

export interface LogQuery {
  readonly event: LogEvent;
  readonly checkpoint?: string;
  readonly to?: string;
  /** Wall clock, milliseconds. */
  readonly since?: number;
}

export function findInLog(entries: readonly LogEntry[], query: LogQuery): readonly LogEntry[] {
  return entries.filter(
    (entry) =>
      MESSAGES[query.event].test(entry.msg) &&
      (query.checkpoint === undefined || entry.checkpoint === query.checkpoint) &&
      (query.to === undefined || entry.to === query.to) &&
      entry.time >= (query.since ?? 0),
  );
}
