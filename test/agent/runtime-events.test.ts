/** The runtime's events are taken only while somebody waits for them: with older runtimes the kubelet misses what we hear. */
import { afterEach, describe, expect, it } from 'vitest';
import { createRuntimeEvents } from '../../src/agent/runtime-events.ts';
import { PortError, type RuntimeEvent } from '../../src/ports.ts';
import { aHostPod } from '../fakes/builders.ts';
import { createFakeClock } from '../fakes/clock.ts';
import * as story from '../fakes/story.ts';
import { createWorld, type World } from '../fakes/world.ts';

const CREATED: RuntimeEvent = { type: 'created', containerId: 'c1', podUid: 'u1', createdAtMs: 0 };

/** A runtime whose streams live `livesMs`; when each was opened, and how many are open. */
function aRuntime(clock = createFakeClock()) {
  const opened: number[] = [];
  const state = { open: 0, livesMs: Number.MAX_SAFE_INTEGER, emit: (_: RuntimeEvent): void => undefined };
  const events = async (onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> => {
    opened.push(clock.now());
    state.open += 1;
    state.emit = onEvent;
    await clock.sleep(state.livesMs, signal).catch(() => undefined);
    state.open -= 1;
  };
  return { clock, opened, state, events };
}

describe('the stream', () => {
  const heard: RuntimeEvent[] = [];

  function begin(runtime = aRuntime()) {
    const ports = { clock: runtime.clock, runtime: { events: runtime.events } } as never;
    const end = new AbortController();
    const events = createRuntimeEvents(ports, (event) => heard.push(event));
    const done = events.run(end.signal);
    const stop = async (): Promise<void> => {
      end.abort();
      await done;
    };
    return { ...runtime, end, need: events.need, stop, done };
  }

  it('is opened when it is needed, and closed when it is not', async () => {
    const { clock, state, opened, need, stop } = begin();
    await clock.run(600_000);
    expect(opened).toEqual([]);

    need(true);
    need(true);
    await clock.run(1);
    state.emit(CREATED);
    expect([state.open, heard]).toEqual([1, [CREATED]]);

    need(false);
    await clock.run(600_000);
    expect([state.open, opened.length]).toEqual([0, 1]);
    need(true);
    await clock.run(1);
    expect(state.open).toBe(1);
    await stop();
    expect(state.open).toBe(0);
  });

  it('that ends at once is opened again after 2, 4, … 60 s; one that lived, after 2 s', async () => {
    const { clock, state, opened, need, stop } = begin();
    state.livesMs = 1;
    need(true);
    await clock.run(200_000);
    expect(opened.slice(1).map((at, i) => at - (opened[i] ?? 0))).toEqual([2, 4, 8, 16, 32, 60, 60].map((s) => s * 1_000 + 1));

    state.livesMs = 10_000;
    const before = opened.length;
    await clock.run(120_000);
    const then = opened.slice(before);
    expect((then[1] ?? 0) - (then[0] ?? 0)).toBe(12_000);
    await stop();
  });

  it('is given up where there is none', async () => {
    const runtime = aRuntime();
    const { need, done, clock } = begin({ ...runtime, events: () => Promise.reject(new PortError('unsupported', 'none')) });
    need(true);
    await clock.run(1);
    await done;
  });
});

describe('the agent', () => {
  let world: World;
  afterEach(async () => world.stop());

  it('listens while the API server is away or a copy is placed, and not while it only watches', async () => {
    world = createWorld();
    const { state, opened, events } = aRuntime(world.clock);
    Object.assign(world.ports.runtime, { events });
    world.api.pods.set('u1', aHostPod());
    story.parentRunning(world);
    world.start();
    await world.clock.run(600_000);
    expect(opened).toEqual([]);

    story.apiDown(world);
    await world.clock.run(20_000);
    expect(state.open).toBe(1);

    story.parentGone(world);
    await world.clock.until('the copy', () => world.manifests.files.size === 1, 90_000);
    story.copyStarts(world);
    Object.assign(world.api, { outcome: 'ok', healthy: true });
    world.podsChanged();
    await world.clock.run(20_000);
    expect(state.open).toBe(1);
  });
});
