/** How long a watch may say nothing, with production's own figures: a clock that stands still, and a server made of promises. */
import { describe, expect, test } from 'vitest';
import { createPodWatch, type PodWatchControl } from '../../../src/adapters/kubernetes/pod-watch.ts';
import type { ApiLines, Transport } from '../../../src/adapters/kubernetes/transport.ts';
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts';
import { counters, NODE } from './rig.ts';

interface Rig {
  readonly clock: FakeClock;
  readonly watch: PodWatchControl;
  /** Requests sent, by verb. */
  readonly requests: string[];
  readonly restarts: string[];
  /** Connections given up. */
  abandoned: number;
  /** No bookmark comes any more; PINGs are answered all the same. */
  mute: boolean;
}

/** `bookmarkMs`: the API server's own pace is a minute, of a timer that ticks once a second or so. */
function rig(bookmarkMs: number, pings: boolean): Rig {
  const clock = createFakeClock();
  const observer = counters();
  const { restarts } = observer;
  const requests: string[] = [];
  const head = { status: 200, header: () => undefined };
  const bookmark = JSON.stringify({ type: 'BOOKMARK', object: { kind: 'Pod', metadata: { resourceVersion: '7' } } });
  const transport: Transport = {
    get: async () => Promise.reject(new Error('nothing is to be read')),
    async pieces(_path, verb, _deadlineMs, take) {
      requests.push(verb);
      take(Buffer.from(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '7' }, items: [] })));
      return { ...head, body: '' };
    },
    send: async () => Promise.reject(new Error('nothing is to be changed')),
    lines: async (_path, verb): Promise<ApiLines> => {
      requests.push(verb);
      const closing = new AbortController();
      async function* lines(): AsyncGenerator<string> {
        while (!closing.signal.aborted) {
          await clock.sleep(bookmarkMs, closing.signal).catch(() => undefined);
          if (!closing.signal.aborted && !made.mute) yield bookmark;
        }
      }
      return {
        lines: lines(),
        ended: () => false,
        lastPing: () => (pings ? clock.now() : undefined),
        close: () => closing.abort(),
      };
    },
    abandon: () => {
      made.abandoned += 1;
    },
    redial: () => undefined,
    close: async () => undefined,
  };
  const watch = createPodWatch({ transport, nodeName: NODE, clock, random: () => 0.5, observer });
  const made: Rig = { clock, watch, requests, restarts, abandoned: 0, mute: false };
  watch.start(() => undefined);
  return made;
}

describe('a watch', () => {
  test.each([
    ['a minute', 60_000, true],
    ['a minute and what a busy server adds', 70_000, true],
    ['a minute, over HTTP/1.1, which has no PING', 62_000, false],
  ])('whose bookmarks come once in %s is healthy, and asks nothing in an hour', async (_what, bookmarkMs, pings) => {
    const { clock, watch, requests } = rig(bookmarkMs, pings);
    for (let second = 0; second < 3_600; second += 1) {
      await clock.run(1_000);
      expect(watch.view().healthy).toBe(true);
    }

    expect(requests).toEqual(['list', 'watch']);
    await watch.stop();
  });

  test('that says nothing although PINGs are answered is noticed within 75 s, and opened on another connection', async () => {
    const made = rig(60_000, true);
    await made.clock.run(60_000);
    made.mute = true;
    const took = await made.clock.until('the end', () => !made.watch.view().healthy, 180_000);

    expect(took).toBeLessThanOrEqual(75_000);
    await made.clock.run(2_000);
    expect([made.restarts, made.requests, made.abandoned]).toEqual([['silent'], ['list', 'watch', 'watch'], 1]);
    expect(made.watch.view().healthy).toBe(true);
    await made.watch.stop();
  });

  test('of a server that sends no bookmarks at all is opened once in 75 s, with no growing pause', async () => {
    const made = rig(60_000, true);
    made.mute = true;
    await made.clock.run(3_600_000);

    expect(made.requests.filter((verb) => verb === 'watch').length).toBeGreaterThanOrEqual(46);
    expect(made.requests.filter((verb) => verb === 'watch').length).toBeLessThanOrEqual(48);
    await made.watch.stop();
  });
});
