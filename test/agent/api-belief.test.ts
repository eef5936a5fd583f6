/** What is believed of the API server: what the watch and the probes feed it with, and when probes are sent. */
import { beforeEach, describe, expect, test } from 'vitest';
import { type ApiBelief, createApiBelief } from '../../src/agent/api-belief.ts';
import type { Probe, ProbeOutcome } from '../../src/core/model/model.ts';
import type { PodWatchView } from '../../src/ports.ts';
import { aContainer, aSandbox } from '../fakes/builders.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { settings } from '../fakes/world.ts';

let clock: FakeClock;
let view: PodWatchView;
let outcome: ProbeOutcome;
let takesMs: number;
let probes: number;
let retries: number;
let changes: string[];
let ended: number;
let belief: ApiBelief;

const healthy: PodWatchView = { synced: true, healthy: true, pods: new Map() };
const broken: PodWatchView = { synced: true, healthy: false, pods: new Map() };

beforeEach(() => {
  clock = createFakeClock();
  view = broken;
  outcome = 'refused';
  takesMs = 0;
  probes = 0;
  retries = 0;
  changes = [];
  ended = 0;
  belief = createApiBelief(
    {
      clock,
      watch: { start: () => undefined, view: () => view, retryNow: () => void retries++, stop: async () => undefined },
      probe: {
        async probe(): Promise<readonly Probe[]> {
          probes++;
          if (takesMs > 0) await clock.sleep(takesMs);
          return [{ endpoint: 'https://api', outcome, at: clock.now(), detail: '', direct: true }];
        },
      },
    },
    settings.reachability,
    { changed: (before, after) => changes.push(`${before.verdict} → ${after.verdict}`), probed: () => void ended++ },
  );
});

/** Turns as the loop takes them, one a quarter of a second. */
async function turnsFor(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    belief.learnFromWatch();
    belief.probeWhenDue('nobody');
    await clock.run(250);
  }
}

describe('the watch', () => {
  test('that is healthy and has its list makes the server reachable, and needs no probe', () => {
    view = healthy;
    belief.learnFromWatch();
    expect(belief.now().verdict).toBe('reachable');
    expect(belief.probeWhenDue('copies')).toBeUndefined();
    expect(probes).toBe(0);
    expect(changes).toEqual(['unsure → reachable']);
  });

  test('that is healthy and still without its list proves nothing', () => {
    view = { ...healthy, synced: false };
    belief.learnFromWatch();
    expect(belief.now().verdict).toBe('unsure');
  });

  test('that breaks leaves us unsure, and is news only once', () => {
    view = healthy;
    belief.learnFromWatch();
    view = broken;
    belief.learnFromWatch();
    belief.learnFromWatch();
    expect(changes).toEqual(['unsure → reachable', 'reachable → unsure']);
  });

  test('that never was healthy has not broken', () => {
    belief.learnFromWatch();
    expect(belief.now().evidence).toBe('nothing asked yet');
  });
});

describe('a round of probes', () => {
  test('goes out at once where there is no watch, and its end is told', async () => {
    takesMs = 100;
    expect(belief.probeWhenDue('nobody')).toBeUndefined();
    expect(probes).toBe(1);
    expect(ended).toBe(0);
    await clock.run(100);
    expect(ended).toBe(1);
    expect(belief.now().failed).toMatchObject({ rounds: 1, from: 0 });
  });

  test('is not sent beside another one', async () => {
    takesMs = 5_000;
    belief.probeWhenDue('nobody');
    await clock.run(4_000);
    belief.probeWhenDue('copies');
    expect(probes).toBe(1);
    await clock.run(1_000);
    belief.probeWhenDue('copies');
    expect(probes).toBe(2);
  });

  test('tells how long until the next one, sooner while a copy waits', async () => {
    belief.probeWhenDue('nobody');
    await clock.run(100);
    outcome = 'ok';
    expect(belief.probeWhenDue('nobody')).toBe(400);
    await clock.run(400);
    belief.probeWhenDue('nobody');
    await clock.run(100);
    expect(belief.probeWhenDue('copies')).toBe(150);
  });

  test('that ends after the watch has become healthy tells nothing any more', async () => {
    takesMs = 100;
    belief.probeWhenDue('nobody');
    view = healthy;
    await clock.run(100);
    expect(ended).toBe(1);
    expect(belief.now().failed.rounds).toBe(0);
  });

  test('that is answered lets the watch try again at once; one that is not does not', async () => {
    belief.probeWhenDue('nobody');
    await clock.run(1_000);
    expect(retries).toBe(0);
    outcome = 'answered';
    belief.probeWhenDue('nobody');
    await clock.run(10);
    expect(retries).toBe(1);
  });
});

describe('an outage', () => {
  test('is believed after its window', async () => {
    await turnsFor(5_500);
    expect(belief.now().verdict).toBe('unsure');
    await turnsFor(1_000);
    expect(belief.now().verdict).toBe('unreachable');
    expect(changes).toEqual(['unsure → unreachable']);
  });

  test('is believed much sooner at boot, where the runtime shows that nothing from the API server runs', async () => {
    belief.learnFromRuntime({ sandboxes: [], containers: [] });
    await turnsFor(1_250);
    expect(belief.now().verdict).toBe('unreachable');
  });

  test('takes the slow way at boot where a pod of the API server runs', async () => {
    belief.learnFromRuntime({ sandboxes: [], containers: [] });
    belief.learnFromRuntime({ sandboxes: [aSandbox()], containers: [aContainer()] });
    await turnsFor(1_250);
    expect(belief.now().verdict).toBe('unsure');
  });

  test('is in doubt again when the kubelet starts the parent', async () => {
    await turnsFor(7_000);
    belief.learnFromSign(clock.now());
    expect(belief.now().verdict).toBe('unsure');
    expect(changes.at(-1)).toBe('unreachable → unsure');
  });
});
