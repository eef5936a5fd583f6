/** A site comes back from a power cut: counts of a smaller one, and what a smaller one must then keep. */
import { describe, expect, it } from 'vitest';
import { herd, seeded } from './herd.ts';

/** A tenth of the site that the promise is for, so a tenth of its handshakes; chance weighs more in a small one. */
const NODES = 500;
const HANDSHAKES_A_SECOND = 40;
const CHANCE = 25;

const site = (serverUpAt: number) => herd({ nodes: NODES, serverUpAt, lastsMs: serverUpAt + 150_000, random: seeded(3) });

describe('a site after a power cut', () => {
  it.each([180_000, 300_000])('costs servers that come %d ms after the nodes few handshakes a second', (serverUpAt) => {
    const { handshakes, watches, slowestAnswerMs, slowestVerdictMs } = site(serverUpAt);

    expect(Math.max(...handshakes)).toBeLessThanOrEqual(HANDSHAKES_A_SECOND + CHANCE);
    // over ten seconds chance evens out
    const tens = handshakes.map((_, at) => handshakes.slice(at, at + 10).reduce((sum, count) => sum + count, 0));
    expect(Math.max(...tens)).toBeLessThanOrEqual(10 * HANDSHAKES_A_SECOND);
    expect(slowestVerdictMs).toBeLessThanOrEqual(3_000);
    expect(slowestAnswerMs).toBeLessThanOrEqual(20_000);
    // all of them were heard, and all have their watch at last
    expect(watches.reduce((sum, count) => sum + count, 0)).toBe(NODES);
  });

  it('asks nobody more than once in 15 s after three minutes', () => {
    const { refused } = site(400_000);
    const late = refused.slice(240, 400).reduce((sum, count) => sum + count, 0);

    expect(late).toBeLessThanOrEqual(NODES * Math.ceil(160 / 15));
    expect(late).toBeGreaterThanOrEqual(NODES * Math.floor(160 / 20));
  });
});
