/**
 * The log: one JSON object a line, written before the call returns, so that the last line before a crash is there.
 *
 * Never starts a thread (no pino transports), never reads a clock of its own, and never ends the process when the log
 * cannot be written. Never writes the content of fields whose names promise secrets.
 */
import { pino } from 'pino';
import type { LogLevel } from '../core/config/config-keys.ts';
import type { Log, LogFields } from '../ports.ts';

export interface LogOptions {
  readonly level: LogLevel;
  /** A file descriptor (1 is stdout), or something that takes whole lines. */
  readonly to: number | { write(line: string): unknown };
  /** Wall clock, milliseconds since 1970; `time` in every line. */
  readonly wall: () => number;
  /** Added to every line, such as the node's name. */
  readonly fields?: LogFields;
}

/**
 * Fields whose content is never logged, at whatever depth. By name, because a name is all that is known of a value:
 * `data` of a Secret and `value` of a variable look like any other text. Not by pino's `redact`: its list of paths ends
 * at a fixed depth, and costs 0.7 ms a line without JIT, this one a fiftieth of it.
 */
export const REDACTED_FIELDS = [
  'annotations',
  'authorization',
  'binaryData',
  'body',
  'client-certificate-data',
  'client-key-data',
  'content',
  'contents',
  'cookie',
  'data',
  'env',
  'environment',
  'headers',
  'manifest',
  'password',
  'secret',
  'stringData',
  'token',
  'tokens',
  'value',
  'values',
] as const;
const REDACTED: ReadonlySet<string> = new Set(REDACTED_FIELDS.map((field) => field.toLowerCase()));
const CENSOR = '[redacted]';
/** What lies deeper is cut off, which also ends objects that contain themselves. */
export const MAX_DEPTH = 8;

/** Held back at most while a log pipe is full; more than this is dropped rather than kept in memory. */
const MAX_PENDING_BYTES = 1 << 20;

export function createLog(options: LogOptions): Log {
  const logger = pino(
    {
      base: options.fields ?? null,
      level: options.level,
      timestamp: () => `,"time":${options.wall()}`,
      formatters: { level: (label) => ({ level: label }), log: (fields) => cleanFields(fields, 0) },
    },
    typeof options.to === 'number' ? fileDestination(options.to) : options.to,
  );
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
  };
}

function fileDestination(fd: number) {
  const destination = pino.destination({ dest: fd, sync: true, maxLength: MAX_PENDING_BYTES });
  // without a listener a full disk below the log would end the agent
  destination.on('error', () => undefined);
  return destination;
}

function cleanFields(fields: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    REDACTED.has(name.toLowerCase()) ? CENSOR : clean(value, depth + 1),
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

/** A copy that is safe to write: the value itself is never changed. */
function clean(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return plainError(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '[deep]';
  return Array.isArray(value) ? value.map((item) => clean(item, depth + 1)) : cleanFields(value, depth);
}

/**
 * Name, message and the messages of the causes; the stack only where the error was nobody's intention. Its own fields
 * (replies, requests) stay out.
 */
function plainError(error: Error): Record<string, unknown> {
  const messages: string[] = [];
  for (let next: unknown = error; next instanceof Error && messages.length < 8; next = next.cause) messages.push(next.message);
  const kind = 'kind' in error ? error.kind : 'code' in error ? error.code : undefined;
  const expected = typeof kind === 'string';
  return { name: error.name, message: messages.join(': '), ...(expected ? { kind } : { stack: error.stack }) };
}
