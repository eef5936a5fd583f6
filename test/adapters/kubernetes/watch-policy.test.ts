/** How a broken list or watch is mended, mode by mode. */
import { describe, expect, test } from 'vitest';
import {
  afterEnd,
  afterList,
  type EndCause,
  isListing,
  type Pause,
  POD_WATCH_TIMINGS,
  type WatchMode,
} from '../../../src/adapters/kubernetes/watch-policy.ts';

const MODES: readonly WatchMode[] = ['list', 'list-after-expiry', 'watch', 'watch-after-expiry', 'watch-in-doubt'];
/** The stream was wrong. */
const WRONG: readonly EndCause[] = ['error-event', 'garbage', 'silent'];
/** The way to it was, or the server refused. */
const AWAY: readonly EndCause[] = ['clean-end', 'lost', 'unauthorized', 'forbidden', 'throttled', 'refused-by-server', 'credentials'];
const UNFIT_LIST: readonly EndCause[] = ['invalid-list', 'regressed-list'];

const mended = (mode: WatchMode, cause: EndCause, { progress = false, lived = 1_000, waitMs = undefined as number | undefined } = {}) =>
  afterEnd(mode, { cause, progress, waitMs }, lived, POD_WATCH_TIMINGS);

describe('what is asked next', () => {
  test.each<[WatchMode, string, readonly EndCause[], boolean, WatchMode]>([
    ['list', 'failed', [...AWAY, ...UNFIT_LIST], false, 'list'],
    ['list', 'expired', ['expired'], false, 'list-after-expiry'],
    ['list-after-expiry', 'failed', [...AWAY, ...UNFIT_LIST], false, 'list'],
    ['list-after-expiry', 'expired', ['expired'], false, 'list-after-expiry'],
    ['watch', 'broke', AWAY, false, 'watch'],
    ['watch', 'broke after a line', AWAY, true, 'watch'],
    ['watch', 'was wrong', WRONG, false, 'watch-in-doubt'],
    ['watch', 'was wrong after a line', WRONG, true, 'watch'],
    ['watch', 'expired', ['expired'], false, 'list-after-expiry'],
    ['watch', 'expired after a line', ['expired'], true, 'list-after-expiry'],
    ['watch-after-expiry', 'broke', AWAY, false, 'watch'],
    ['watch-after-expiry', 'was wrong', WRONG, false, 'watch-in-doubt'],
    ['watch-after-expiry', 'was wrong after a line', WRONG, true, 'watch'],
    ['watch-after-expiry', 'expired', ['expired'], false, 'list-after-expiry'],
    ['watch-in-doubt', 'broke', AWAY, false, 'watch-in-doubt'],
    ['watch-in-doubt', 'broke after a line', AWAY, true, 'watch'],
    ['watch-in-doubt', 'was wrong again', WRONG, false, 'list'],
    ['watch-in-doubt', 'was wrong after a line', WRONG, true, 'watch'],
    ['watch-in-doubt', 'expired', ['expired'], false, 'list-after-expiry'],
  ])('%s that %s', (mode, _what, causes, progress, next) => {
    for (const cause of causes) expect([cause, mended(mode, cause, { progress }).next]).toEqual([cause, next]);
  });

  test('after a list, a watch', () => {
    expect(MODES.filter(isListing).map(afterList)).toEqual(['watch', 'watch-after-expiry']);
  });
});

describe('the pause before it', () => {
  const { backoffBaseMs } = POD_WATCH_TIMINGS;
  const none: Pause = { kind: 'none' };
  const backoff: Pause = { kind: 'backoff' };

  test.each<[string, EndCause, number, readonly WatchMode[], Pause]>([
    ['a watch that ran its time: none', 'clean-end', backoffBaseMs, MODES, none],
    ['one that the server ended at once: backoff', 'clean-end', backoffBaseMs - 1, MODES, backoff],
    ['the first expiry: none', 'expired', 0, ['list', 'watch', 'watch-in-doubt'], none],
    ['an expiry right after another: backoff', 'expired', 0, ['list-after-expiry', 'watch-after-expiry'], backoff],
    ...[...WRONG, ...UNFIT_LIST, ...AWAY.filter((cause) => cause !== 'clean-end')].map(
      (cause): [string, EndCause, number, readonly WatchMode[], Pause] => [`${cause}: backoff`, cause, 3_600_000, MODES, backoff],
    ),
  ])('%s', (_what, cause, lived, modes, pause) => {
    for (const mode of modes) expect([mode, mended(mode, cause, { lived }).pause]).toEqual([mode, pause]);
  });

  test('is what the server asks for', () => {
    for (const mode of MODES) expect(mended(mode, 'throttled', { waitMs: 9_000 }).pause).toEqual({ kind: 'asked', ms: 9_000 });
    expect(mended('watch-after-expiry', 'expired', { waitMs: 9_000 }).pause).toEqual({ kind: 'asked', ms: 9_000 });
  });

  test('is none at a first expiry even then', () => {
    expect(mended('watch', 'expired', { waitMs: 9_000 }).pause).toEqual(none);
  });
});

test('only a silent connection is given up', () => {
  for (const mode of MODES) {
    for (const cause of [...AWAY, ...WRONG, ...UNFIT_LIST, 'expired'] as const) {
      expect([cause, mended(mode, cause).abandon]).toEqual([cause, cause === 'silent']);
    }
  }
});

test('a minute of life ends the series of failures', () => {
  const { healthyMs } = POD_WATCH_TIMINGS;
  expect(mended('watch', 'lost', { lived: healthyMs }).seriesEnds).toBe(true);
  expect(mended('watch', 'lost', { lived: healthyMs - 1 }).seriesEnds).toBe(false);
});
