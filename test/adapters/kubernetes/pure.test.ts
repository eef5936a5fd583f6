/** The parts of the adapter that need no socket. */
import { describe, expect, test } from 'vitest';
import { isKubernetesAnswer, isKubernetesStream, retryAfterMs } from '../../../src/adapters/kubernetes/answer.ts';
import { createBackoff } from '../../../src/adapters/kubernetes/backoff.ts';
import { splitLines } from '../../../src/adapters/kubernetes/body.ts';
import { ApiFailure, causeOf, type FailureCause } from '../../../src/adapters/kubernetes/failure.ts';
import { goesBackwards } from '../../../src/adapters/kubernetes/pod-list.ts';
import { parseWatchLine } from '../../../src/adapters/kubernetes/watch-line.ts';
import { type EndCause, nextMove } from '../../../src/adapters/kubernetes/watch-policy.ts';

const coded = (code: string) => Object.assign(new Error(code), { code });

describe('the cause of an error', () => {
  const rows: [string, unknown, FailureCause][] = [
    ['ECONNREFUSED', coded('ECONNREFUSED'), 'refused'],
    ['ECONNRESET', coded('ECONNRESET'), 'reset'],
    ['EPIPE', coded('EPIPE'), 'reset'],
    ['ETIMEDOUT', coded('ETIMEDOUT'), 'timeout'],
    ['EHOSTUNREACH', coded('EHOSTUNREACH'), 'unroutable'],
    ['ENETUNREACH', coded('ENETUNREACH'), 'unroutable'],
    ['ENOTFOUND', coded('ENOTFOUND'), 'dns'],
    ['EAI_AGAIN', coded('EAI_AGAIN'), 'dns'],
    ['a certificate', coded('CERT_HAS_EXPIRED'), 'tls'],
    ['a wrong name', coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'tls'],
    ['our own lack of file descriptors', coded('EMFILE'), 'tls'],
    ['something without a code', new Error('?'), 'tls'],
    ['broken HTTP', coded('HPE_INVALID_CONSTANT'), 'protocol'],
    ['our own', new ApiFailure('closed', 'x'), 'closed'],
    ['two addresses, both refused', new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]), 'refused'],
    ['two addresses, one of them silent', new AggregateError([coded('ECONNREFUSED'), coded('ETIMEDOUT')]), 'timeout'],
    ['two addresses, one not judged', new AggregateError([coded('ECONNREFUSED'), coded('EACCES')]), 'tls'],
  ];
  test.each(rows)('%s', (_name, error, cause) => {
    expect(causeOf(error)).toBe(cause);
  });
});

describe('who answered', () => {
  const head = (status: number, headers: Record<string, string> = {}) => ({ status, header: (name: string) => headers[name] });
  const status = '{"kind":"Status","apiVersion":"v1"}';
  const html = '<html>';

  test.each([200, 401, 403, 404, 409, 410, 429, 500, 503])('%d is told by its body or its header, never by itself', (code) => {
    expect(isKubernetesAnswer(head(code), html)).toBe(false);
    expect(isKubernetesAnswer(head(code), '')).toBe(false);
    expect(isKubernetesAnswer(head(code), status)).toBe(true);
    expect(isKubernetesAnswer(head(code, { 'audit-id': 'x' }), html)).toBe(true);
  });

  test('a watch is open when an API server, or at least JSON, says so', () => {
    expect(isKubernetesStream(head(200, { 'audit-id': 'x' }))).toBe(true);
    expect(isKubernetesStream(head(200, { 'content-type': 'application/json;stream=watch' }))).toBe(true);
    expect(isKubernetesStream(head(200, { 'content-type': 'text/html' }))).toBe(false);
    expect(isKubernetesStream(head(200))).toBe(false);
    expect(isKubernetesStream(head(403, { 'audit-id': 'x' }))).toBe(false);
  });
});

describe('a line of a watch', () => {
  const pod = { metadata: { name: 'a', namespace: 'b', uid: 'c', resourceVersion: '5' } };
  const rows: [string, unknown, string][] = [
    ['ADDED', { type: 'ADDED', object: pod }, 'put'],
    ['MODIFIED', { type: 'MODIFIED', object: pod }, 'put'],
    ['DELETED', { type: 'DELETED', object: pod }, 'gone'],
    ['BOOKMARK', { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } }, 'bookmark'],
    ['ERROR', { type: 'ERROR', object: { code: 410 } }, 'error'],
    ['an error without a code', { type: 'ERROR', object: {} }, 'error'],
    ['a pod without a uid', { type: 'ADDED', object: { metadata: { name: 'a', namespace: 'b', resourceVersion: '5' } } }, 'garbage'],
    ['a pod without a resourceVersion', { type: 'ADDED', object: { metadata: { name: 'a', namespace: 'b', uid: 'c' } } }, 'garbage'],
    ['no object', { type: 'ADDED' }, 'garbage'],
    ['no event', null, 'garbage'],
  ];
  test.each(rows)('%s', (_name, event, kind) => {
    expect(parseWatchLine(JSON.stringify(event)).kind).toBe(kind);
  });
});

test('resuming is the rule; an expired version and the same doubt twice are read anew', () => {
  const end = (cause: EndCause, progress = false) => ({ cause, progress });
  expect(nextMove(end('expired'), false)).toBe('list');
  expect(nextMove(end('garbage'), true)).toBe('list');
  expect(nextMove(end('garbage', true), true)).toBe('resume');
  for (const cause of ['clean-end', 'lost', 'unauthorized', 'forbidden', 'throttled', 'garbage', 'silent', 'error-event'] as const) {
    expect(nextMove(end(cause), false)).toBe('resume');
  }
  for (const cause of ['clean-end', 'lost', 'unauthorized'] as const) expect(nextMove(end(cause), true)).toBe('resume');
});

test('waits double from the base to the maximum, with a quarter of jitter, and start again after a reset', () => {
  const least = createBackoff(800, 30_000, () => 0);
  expect([0, 1, 2, 3, 4, 5, 6].map(() => least.next())).toEqual([600, 1200, 2400, 4800, 9600, 19_200, 22_500]);
  least.reset();
  expect(least.next()).toBe(600);
  const most = createBackoff(800, 30_000, () => 0.999);
  for (let n = 0; n < 100; n++) expect(most.next()).toBeLessThanOrEqual(30_000);
});

test('only numbers are compared, however long they are', () => {
  expect(goesBackwards('9', '10')).toBe(true);
  expect(goesBackwards('10', '10')).toBe(false);
  expect(goesBackwards('99999999999999999998', '99999999999999999999')).toBe(true);
  expect(goesBackwards('a', '10')).toBe(false);
  expect(goesBackwards('1', undefined)).toBe(false);
});

test('Retry-After counts only as seconds', () => {
  const head = (value: string | undefined) => ({ status: 429, header: () => value });
  expect(retryAfterMs(head('7'))).toBe(7000);
  expect(retryAfterMs(head('Wed, 21 Oct 2026 07:28:00 GMT'))).toBeUndefined();
  expect(retryAfterMs(head('-1'))).toBeUndefined();
  expect(retryAfterMs(head(undefined))).toBeUndefined();
});

describe('lines', () => {
  async function collect(chunks: readonly string[], cap = 100): Promise<string[]> {
    const lines: string[] = [];
    const body = (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
    })();
    for await (const line of splitLines(body, cap)) lines.push(line);
    return lines;
  }
  test('are put together from any pieces; an unfinished one is dropped', async () => {
    const text = Buffer.from('{"a":"ß"}\n\n{"b":1}\nrest').toString('latin1');
    const whole = ['{"a":"ß"}', '{"b":1}'];
    expect(await collect([text])).toEqual(whole);
    expect(await collect([...text])).toEqual(whole);
  });
  test('beyond the cap are refused, finished or not', async () => {
    await expect(collect([`${'x'.repeat(101)}\n`])).rejects.toMatchObject({ reason: 'too-large' });
    await expect(collect(['x'.repeat(60), 'x'.repeat(60)])).rejects.toMatchObject({ reason: 'too-large' });
  });
});
