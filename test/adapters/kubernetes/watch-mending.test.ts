/** When a broken list or watch is tried again, and as what: a server that follows a script, and production's own figures. */
import { expect, test } from 'vitest';
import { createPodWatch, type PodWatchControl } from '../../../src/adapters/kubernetes/pod-watch.ts';
import type { ApiLines, ApiReply, Transport } from '../../../src/adapters/kubernetes/transport.ts';
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts';
import { counters, NODE } from './rig.ts';

/** What the server does with one request. Times are milliseconds. */
type Answer =
  | { readonly list: string }
  | { readonly status: number; readonly retryAfter?: number }
  | { readonly lines: readonly object[]; readonly lives: number; readonly ended: boolean }
  | 'no connection';

const list: Answer = { list: '7' };
const bookmark = { type: 'BOOKMARK', object: { kind: 'Pod', metadata: { resourceVersion: '7' } } };
const wrong = { type: 'ERROR', object: { code: 500 } };
const expiry = { type: 'ERROR', object: { code: 410 } };
/** A stream whose last line ends it. */
const stream = (...lines: readonly object[]): Answer => ({ lines, lives: 0, ended: false });
const broken = (lives: number): Answer => ({ lines: [], lives, ended: false });
const clean = (lives: number): Answer => ({ lines: [], lives, ended: true });

function reply(status: number, body: string, retryAfter?: number): ApiReply {
  return { status, body, header: (name) => (name === 'retry-after' && retryAfter !== undefined ? String(retryAfter) : undefined) };
}

interface Rig {
  readonly clock: FakeClock;
  readonly watch: PodWatchControl;
  /** `<verb> <milliseconds since the start>`. */
  readonly requests: string[];
}

/** After the script the server takes the watch and says nothing. */
function rig(script: readonly Answer[]): Rig {
  const clock = createFakeClock();
  const requests: string[] = [];
  const left = [...script];
  const next = (verb: string): Answer => {
    requests.push(`${verb} ${clock.now()}`);
    return left.shift() ?? (verb === 'list' ? list : broken(10_000_000));
  };
  const whole = (answer: Answer): ApiReply => {
    if (answer === 'no connection' || 'lines' in answer) throw new Error('the connection broke');
    if ('status' in answer) return reply(answer.status, '{"kind":"Status"}', answer.retryAfter);
    return reply(200, JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: answer.list }, items: [] }));
  };
  const transport: Transport = {
    get: async (_path, verb) => whole(next(verb)),
    async pieces(_path, verb, _deadlineMs, take) {
      const answer = whole(next(verb));
      if (answer.status === 200) take(Buffer.from(answer.body));
      return answer;
    },
    send: async () => Promise.reject(new Error('nothing is to be changed')),
    lines: async (_path, verb): Promise<ApiLines | ApiReply> => {
      const answer = next(verb);
      if (answer === 'no connection' || !('lines' in answer)) return whole(answer);
      const { lines, lives, ended } = answer;
      const closing = new AbortController();
      async function* texts(): AsyncGenerator<string> {
        for (const line of lines) yield JSON.stringify(line);
        await clock.sleep(lives, closing.signal).catch(() => undefined);
      }
      return { lines: texts(), ended: () => ended, lastPing: () => undefined, close: () => closing.abort() };
    },
    abandon: () => undefined,
    redial: () => undefined,
    close: async () => undefined,
  };
  const watch = createPodWatch({ transport, nodeName: NODE, clock, random: () => 0.5, observer: counters() });
  watch.start(() => undefined);
  return { clock, watch, requests };
}

/** One request more than the script has answers. */
async function requestsOf(...script: readonly Answer[]): Promise<readonly string[]> {
  const { clock, watch, requests } = rig(script);
  await clock.until('the script', () => requests.length > script.length, 3_600_000);
  await watch.stop();
  return requests.slice(0, script.length + 1);
}

test.each<[string, readonly Answer[], readonly string[]]>([
  ['a list that fails is read again, later each time', ['no connection', { status: 500 }], ['list 0', 'list 800', 'list 2400']],
  ['a watch that breaks is resumed after a wait', [list, broken(0)], ['list 0', 'watch 0', 'watch 800']],
  ['a watch that ran its time goes on at once', [list, clean(70_000)], ['list 0', 'watch 0', 'watch 70000']],
  ['a watch that is ended as soon as it began is not', [list, clean(700)], ['list 0', 'watch 0', 'watch 1500']],
  ['an expiry is followed by a list at once', [list, stream(expiry)], ['list 0', 'watch 0', 'list 0']],
  ['even if the reply asks for a wait', [list, { status: 410, retryAfter: 9 }], ['list 0', 'watch 0', 'list 0']],
  [
    'an expiry right after an expiry waits',
    [list, stream(expiry), list, stream(expiry), list, broken(0)],
    ['list 0', 'watch 0', 'list 0', 'watch 0', 'list 800', 'watch 800', 'watch 2400'],
  ],
  [
    'and the next one does not, if another end lies between',
    [list, stream(expiry), list, broken(0), stream(expiry)],
    ['list 0', 'watch 0', 'list 0', 'watch 0', 'watch 800', 'list 800'],
  ],
  ['a list may expire too', [{ status: 410 }, { status: 410 }], ['list 0', 'list 0', 'list 800']],
  [
    'what was wrong once is resumed, what was wrong twice at one point is read anew',
    [list, stream(wrong), stream(wrong), list],
    ['list 0', 'watch 0', 'watch 800', 'list 2400', 'watch 2400'],
  ],
  [
    'a connection that breaks in between does not take the doubt away',
    [list, stream(wrong), broken(0), stream(wrong)],
    ['list 0', 'watch 0', 'watch 800', 'watch 2400', 'list 5600'],
  ],
  [
    'a line that was read in between does',
    [list, stream(wrong), stream(bookmark, wrong), stream(wrong), stream(wrong)],
    ['list 0', 'watch 0', 'watch 800', 'watch 2400', 'watch 5600', 'list 12000'],
  ],
  [
    'after a list nothing is in doubt',
    [list, stream(wrong), stream(wrong), list, stream(wrong), list],
    ['list 0', 'watch 0', 'watch 800', 'list 2400', 'watch 2400', 'watch 5600', 'watch 12000'],
  ],
  [
    'a wait that the server asks for is longer by the jitter, and lengthens no other',
    [{ status: 429, retryAfter: 8 }, 'no connection'],
    ['list 0', 'list 10000', 'list 10800'],
  ],
  [
    'a watch that lived for a minute ends the series of failures',
    [list, broken(0), broken(59_000), broken(60_000)],
    ['list 0', 'watch 0', 'watch 800', 'watch 61400', 'watch 122200'],
  ],
])('%s', async (_what, script, expected) => {
  expect(await requestsOf(...script)).toEqual(expected);
});

test('a sign that the server is back cuts the wait, to the least gap between two attempts', async () => {
  const { clock, watch, requests } = rig(['no connection', 'no connection', 'no connection']);
  await clock.run(100);
  watch.retryNow();
  await clock.run(1_700);
  expect(requests).toEqual(['list 0', 'list 250']);

  watch.retryNow();
  await clock.run(3_000);
  expect(requests).toEqual(['list 0', 'list 250', 'list 1800']);
  await watch.stop();
});

test('a sign during a wait that the server asked for counts for the next wait', async () => {
  const { clock, watch, requests } = rig([{ status: 429, retryAfter: 8 }, 'no connection', 'no connection', 'no connection']);
  await clock.run(1_000);
  watch.retryNow();
  await clock.run(13_000);

  expect(requests).toEqual(['list 0', 'list 10000', 'list 10250', 'list 11850']);
  await watch.stop();
});

test('a sign of before a watch that was opened is forgotten', async () => {
  const { clock, watch, requests } = rig([{ status: 429, retryAfter: 8 }, list, broken(1_000), 'no connection']);
  await clock.run(1_000);
  watch.retryNow();
  await clock.run(12_000);

  expect(requests).toEqual(['list 0', 'list 10000', 'watch 10000', 'watch 11800']);
  await watch.stop();
});
