/** A copy that does not run: what the kubelet has taken is left to it, and people are told why it does not serve. */
import { afterEach, describe, expect, it } from 'vitest';
import { readyOf } from '../../src/cli/agent/agent.ts';
import { statusRows } from '../../src/cli/inspect/status.ts';
import { aPod, copyContainer, copySandbox } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import { createWorld, type World } from '../fakes/world.ts';

const DOWN = 'Something keeps the copy down';
const OVER = 'Nothing keeps the copy down any more';
const COPY = { namespace: 'kube-system', name: 'web-1-ckpt-n1' };

let world: World;
afterEach(async () => world.stop());

const told = (): readonly string[] =>
  world.lines
    .filter(({ message }) => message === DOWN || message === OVER)
    .map(({ level, message, fields }) => `${level} ${message}: ${String(fields['reason'])}`);
const metric = () => world.series.get('checkpointer_checkpoint_info')?.map(({ labels }) => `${labels['state']} ${labels['reason']}`);
const ready = () => readyOf(world.agent.status(), 'process').detail;
async function row() {
  const stored = { checkpoints: await world.store.load(), ledger: await world.store.readLedger() };
  return statusRows(stored, undefined, world.agent.status(), world.clock.wall())[0];
}
/** As `coveredWorld`, with a parent on the network of pods: no close watch looks for it every ten milliseconds. */
async function covered(): Promise<World> {
  const made = createWorld();
  made.api.pods.set('u1', aPod());
  story.parentRunning(made);
  made.start();
  await made.clock.until('the capture', () => made.counts.get('checkpointer_captures_total saved') === 1, 30_000);
  return made;
}
/** The node boots without the API server, and the kubelet takes the copy, or not. */
async function placed(lists = [COPY]): Promise<string> {
  story.apiDown(world);
  story.parentGone(world);
  world.kubelet = lists;
  await world.clock.until('the copy is placed', () => world.manifests.files.size === 1, 30_000);
  return content();
}
const content = (): string => [...world.manifests.files.values()].join('');
const attempts = async () => (await world.store.readLedger()).placed.map(({ attempt }) => attempt);
function network(): number[] {
  const { network: ask } = world.ports.runtime;
  const asked: number[] = [];
  world.ports.runtime.network = async (deadlineMs) => {
    asked.push(world.clock.now());
    return ask(deadlineMs);
  };
  return asked;
}

describe('a copy that the kubelet lists and that waits', () => {
  it('is never written again, and serves when what it waits for has come', async () => {
    world = await covered();
    const before = await placed();
    await world.clock.run(300_000);

    expect([content() === before, await attempts()]).toEqual([true, [1]]);
    expect(metric()).toEqual(['active copy-starting']);
    expect(told()).toEqual([`warn ${DOWN}: copy-starting`]);
    expect(await row()).toMatchObject({ state: 'active', reason: 'copy-starting', obstacle: 'copy-starting' });
    expect(ready()).toContain('kube-system/web-1: copy-starting. The copy is placed, and not all of it runs yet.');

    story.copyStarts(world);
    await world.clock.run(5_000);

    expect([content() === before, await attempts(), metric()]).toEqual([true, [1], ['active copy-serving']]);
    expect(told()).toEqual([`warn ${DOWN}: copy-starting`, `info ${OVER}: copy-starting`]);
  });

  it('is placed anew by nobody while the kubelet is silent, and by us when the next one does not have it', async () => {
    world = await covered();
    await placed();
    await world.clock.run(60_000);
    world.kubelet = undefined;
    await world.clock.run(120_000);
    expect(await attempts()).toEqual([1]);

    world.kubelet = [];
    await world.clock.run(25_000);
    expect(await attempts()).toEqual([1]);
    await world.clock.run(10_000);
    expect(await attempts()).toEqual([2]);
  });
});

describe('a copy whose container ends', () => {
  it('is told with its last exit and since when, asked for once an attempt', async () => {
    world = await covered();
    const captured = world.details.length;
    await placed();
    world.exits.set('k1', { exitCode: 1, reason: 'Error' });
    world.exits.set('k2', { exitCode: 137, reason: 'OOMKilled' });
    world.runtime?.sandboxes.push(copySandbox);
    world.runtime?.containers.push({ ...copyContainer, state: 'exited', createdAtMs: 1 });
    await world.clock.run(3_000);
    const from = world.clock.wall();
    expect(metric()).toEqual(['active copy-failing']);

    world.runtime?.containers.push({ ...copyContainer, id: 'k2', state: 'exited', createdAtMs: 2 });
    await world.clock.run(60_000);

    expect(world.details.slice(captured)).toEqual(['k1', 'k2']);
    expect([metric(), await attempts()]).toEqual([['active copy-failing'], [1]]);
    expect((await row())?.warnings[0]).toContain('container main, exit code 137, OOMKilled at 1970-01-01T00:00:00.003Z');
    expect(Date.parse((await row())?.since ?? '')).toBeLessThanOrEqual(from);
    expect(ready()).toContain('exit code 137');
    expect(told()).toEqual([`warn ${DOWN}: copy-failing`]);

    world.runtime?.containers.push({ ...copyContainer, id: 'k3', createdAtMs: 3 });
    await world.clock.run(5_000);
    expect(metric()).toEqual(['active copy-failing']);
    await world.clock.run(10_000);
    expect(metric()).toEqual(['active copy-serving']);
    expect(told()).toEqual([`warn ${DOWN}: copy-failing`, `info ${OVER}: copy-failing`]);
  });
});

describe('a copy on the network of pods', () => {
  it('is said to wait for that network, which is asked about every five seconds until the copy runs', async () => {
    world = await covered();
    const asked = network();
    world.network = { ready: false, message: 'cni plugin not initialized' };
    await placed();
    await world.clock.run(60_000);

    expect(metric()).toEqual(['active network-not-ready']);
    expect(told()).toEqual([`warn ${DOWN}: network-not-ready`]);
    expect(ready()).toContain('(cni plugin not initialized)');
    expect(asked.length).toBeGreaterThan(9);
    expect(asked.length).toBeLessThan(14);

    world.network = { ready: true, message: '' };
    await world.clock.run(7_000);
    expect(metric()).toEqual(['active copy-starting']);
    story.copyStarts(world);
    await world.clock.run(5_000);
    const quiet = asked.length;
    await world.clock.run(60_000);
    expect([metric(), asked.length - quiet]).toEqual([['active copy-serving'], 0]);
  });
});
