/** The log: what a line looks like, what never gets into it, and that a broken pipe harms nobody. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogLevel } from '../../src/core/config/config-keys.ts';
import { type LogFields, PortError } from '../../src/ports.ts';
import { createLog, MAX_DEPTH, REDACTED_FIELDS } from '../../src/telemetry/log.ts';

function logTo(lines: string[], level: LogLevel = 'debug', fields?: LogFields) {
  const to = { write: (line: string) => lines.push(line) };
  return createLog({ level, to, wall: () => 1_700_000_000_123, ...(fields === undefined ? {} : { fields }) });
}

function logged(fields: LogFields): Record<string, unknown> {
  const lines: string[] = [];
  logTo(lines).info('Something happened', fields);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

describe('a line', () => {
  test('is one JSON object with level, time, fields and message, and nothing else', () => {
    const lines: string[] = [];
    logTo(lines).warn('Source lost', { source: 'runtime' });
    expect(lines).toEqual(['{"level":"warn","time":1700000000123,"source":"runtime","msg":"Source lost"}\n']);
  });

  test('may carry fields of the whole log, and needs none of its own', () => {
    const lines: string[] = [];
    logTo(lines, 'info', { node: 'worker-1' }).info('Started');
    expect(lines).toEqual(['{"level":"info","time":1700000000123,"node":"worker-1","msg":"Started"}\n']);
  });

  test('takes a per cent sign in a message as it is', () => {
    const lines: string[] = [];
    logTo(lines).info('100%s sure', { a: 1 });
    expect(lines[0]).toContain('"msg":"100%s sure"');
  });

  test('is only written from the level on that was asked for', () => {
    const lines: string[] = [];
    const log = logTo(lines, 'warn');
    log.debug('no');
    log.info('no');
    log.warn('yes');
    log.error('yes');
    expect(lines).toHaveLength(2);
  });
});

describe('errors', () => {
  test('of a port show kind and the messages of their causes, without a stack', () => {
    const error = new PortError('unavailable', 'reading pods', { cause: new Error('connect: refused') });
    expect(logged({ error })['error']).toEqual({ name: 'PortError', message: 'reading pods: connect: refused', kind: 'unavailable' });
  });

  test('that nobody meant show their stack, and no other field they carry', () => {
    const error = Object.assign(new TypeError('x is undefined'), { response: 'hunter2' });
    expect(logged({ error })['error']).toEqual({ name: 'TypeError', message: 'x is undefined', stack: error.stack });
  });

  test('inside other fields are shown alike', () => {
    expect(logged({ outcome: { errors: [new PortError('denied', 'no')] } })['outcome']).toEqual({
      errors: [{ name: 'PortError', message: 'no', kind: 'denied' }],
    });
  });

  test('that cause themselves end after a few messages', () => {
    const error = new Error('again');
    error.cause = error;
    expect(logged({ error })['error']).toMatchObject({ message: Array.from({ length: 8 }, () => 'again').join(': ') });
  });
});

describe('secrets', () => {
  test.each(REDACTED_FIELDS)('in %s are not logged, at any depth, inside lists, and in capitals', (name) => {
    const secret = { [name]: 'hunter2' };
    const fields = { ...secret, a: { [name.toUpperCase()]: ['hunter2'] }, list: [secret, { k: [secret] }], b: { c: { d: { e: secret } } } };
    const line = JSON.stringify(logged(fields));
    expect(line).not.toContain('hunter2');
    expect(line.match(/\[redacted\]/g)).toHaveLength(5);
  });

  test('too deep to look at are cut off, and an object that contains itself ends', () => {
    const deep = Array.from({ length: MAX_DEPTH }).reduce<object>((inner) => ({ inner }), { seemingly: 'hunter2' });
    expect(JSON.stringify(logged({ deep }))).not.toContain('hunter2');
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    expect(JSON.stringify(logged({ loop }))).toContain('[deep]');
  });

  test('in bytes are only counted', () => {
    expect(logged({ file: new Uint8Array(3), when: new Date(0) })).toMatchObject({ file: '[3 bytes]', when: '1970-01-01T00:00:00.000Z' });
  });

  test('leave the object that was logged unchanged', () => {
    const fields = { pod: { env: [{ name: 'A', value: 'hunter2' }] } };
    logged(fields);
    expect(fields.pod.env[0]?.value).toBe('hunter2');
  });

  test('of no interest: other fields stay readable', () => {
    expect(logged({ pod: { name: 'web', uid: '1' }, reasons: ['a'] })).toMatchObject({ pod: { name: 'web', uid: '1' }, reasons: ['a'] });
  });
});

describe('a file descriptor', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'log-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test('holds the line as soon as the call returns', () => {
    const file = join(dir, 'log');
    const fd = openSync(file, 'w');
    createLog({ level: 'info', to: fd, wall: () => 1 }).info('Here');
    expect(readFileSync(file, 'utf8')).toBe('{"level":"info","time":1,"msg":"Here"}\n');
    closeSync(fd);
  });

  test('that was closed loses lines, and nothing else happens', () => {
    const fd = openSync(join(dir, 'log'), 'w');
    const log = createLog({ level: 'info', to: fd, wall: () => 1 });
    closeSync(fd);
    expect(() => {
      log.info('One');
      log.info('Two');
    }).not.toThrow();
  });

  test('on a full disk loses lines, and nothing else happens', () => {
    const fd = openSync('/dev/full', 'w');
    const log = createLog({ level: 'info', to: fd, wall: () => 1 });
    expect(() => log.info('One')).not.toThrow();
    expect(() => log.info('Two')).not.toThrow();
    closeSync(fd);
  });
});
