/** An agent whose standby never starts writes where no kubelet reads: it says so, and is not Ready. */
import { afterEach, expect, it } from 'vitest';
import { readyOf } from '../../src/cli/agent/agent.ts';
import { statusNotes } from '../../src/cli/inspect/status.ts';
import type { World } from '../fakes/world.ts';
import { inCharge, ledgerOf, put, standbyRuns } from './own-world.ts';

let world: World;
afterEach(async () => world.stop());

const SENTENCE = /staticPodPath \/etc\/kubernetes\/manifests .* check/;
const said = (message: RegExp): readonly string[] => world.lines.filter((line) => message.test(line.message)).map(({ level }) => level);
const ready = (): boolean => readyOf(world.agent.status(), 'daemonset').ok;

it('is not Ready from 30 s on, says so once, and is Ready again once the standby was seen', async () => {
  world = await inCharge();
  await world.clock.run(20_000);
  expect(ready()).toBe(true);

  await world.clock.run(15_000);
  const status = world.agent.status();
  expect(status.staticPodsUnread).toMatch(SENTENCE);
  expect(readyOf(status, 'daemonset')).toEqual({ ok: false, detail: status.staticPodsUnread });
  expect(statusNotes(status)).toEqual([status.staticPodsUnread]);
  await world.clock.run(900_000);
  expect(ready()).toBe(false);
  expect(said(SENTENCE)).toEqual(['warn']);

  put(world, standbyRuns('agent-1', (await ledgerOf(world)).placed[0]?.revision ?? ''));
  await world.clock.run(70_000);
  expect(ready()).toBe(true);
  expect(said(/has started the standby/)).toEqual(['info']);

  world.runtime = { sandboxes: [], containers: [] };
  await world.clock.run(300_000);
  expect(ready()).toBe(true);
  expect(said(SENTENCE)).toHaveLength(1);
});

it('stays Ready where the runtime does not answer', async () => {
  world = await inCharge();
  world.runtime = undefined;
  await world.clock.run(300_000);

  expect(ready()).toBe(true);
});
