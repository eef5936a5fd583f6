/** The API server answers and refuses the agent: its token has expired, or its rights are gone. */
import { afterEach, describe, expect, it } from 'vitest';
import { readyOf } from '../../src/cli/agent/agent.ts';
import { statusNotes } from '../../src/cli/inspect/status.ts';
import { aContainer, aSandbox, copyContainer, copySandbox, parentDied } from '../fakes/builders.ts';
import type { World } from '../fakes/world.ts';
import { filesOf, inCharge, ledgerOf, put, standbyRuns } from './own-world.ts';

let world: World;
afterEach(async () => world.stop());

const files = (): readonly string[] => filesOf(world);
const said = (message: RegExp): number => world.lines.filter((line) => message.test(line.message)).length;
const keys = async (): Promise<readonly string[]> => (await world.store.load()).map(({ key }) => key);

/** The pod's own watch has broken, and every request of it is refused. */
async function refused(denied: 'unauthorized' | 'forbidden'): Promise<void> {
  world = await inCharge();
  put(world, standbyRuns('agent-1', (await ledgerOf(world)).placed[0]?.revision ?? ''));
  await world.clock.run(1_000);
  Object.assign(world.api, { outcome: 'answered', denied });
  world.podsChanged();
}
/** The parent is dead, and neither the runtime, the kubelet nor the last known list has it any more. */
function parentGone(): void {
  world.runtime = {
    sandboxes: [...(world.runtime?.sandboxes ?? []).filter(({ uid }) => uid !== 'u1'), ...parentDied.sandboxes],
    containers: [...(world.runtime?.containers ?? []).filter(({ podUid }) => podUid !== 'u1'), ...parentDied.containers],
  };
  world.kubelet = [{ namespace: 'ckpt', name: 'agent-1' }];
  world.api.pods.delete('u1');
  world.podsChanged();
}

describe('an agent that the API server refuses', () => {
  it.each([
    ['unauthorized', /does not accept our token \(HTTP 401\)/],
    ['forbidden', /does not let us list and watch pods \(HTTP 403\)/],
  ] as const)('says so once (%s), is not Ready, and holds the server for reachable', async (denied, sentence) => {
    await refused(denied);
    await world.clock.run(120_000);

    expect(said(sentence)).toBe(1);
    const status = world.agent.status();
    expect(status.api).toMatchObject({ state: 'reachable', denied: expect.stringMatching(sentence) });
    expect(readyOf(status, 'daemonset')).toEqual({ ok: false, detail: status.api.denied });
    expect(statusNotes(status)).toEqual([status.api.denied]);

    Object.assign(world.api, { outcome: 'ok', denied: undefined, healthy: true });
    world.podsChanged();
    await world.clock.run(15_000);
    expect(said(/accepts our requests again/)).toBe(1);
    expect(readyOf(world.agent.status(), 'daemonset').ok).toBe(true);
  });

  it.each([0, 400, 800, 1_200, 1_600])('finds out within eight seconds that the server is away, %d ms after whatever round', async (ms) => {
    await refused('unauthorized');
    await world.clock.run(60_000 + ms);

    Object.assign(world.api, { outcome: 'refused', denied: undefined, healthy: false });
    parentGone();
    const took = await world.clock.until('the copy', () => files().length === 2, 30_000);

    expect(took).toBeLessThanOrEqual(8_000);
  });

  it('does not speak of a refusal that is over within seconds', async () => {
    await refused('unauthorized');
    await world.clock.run(2_000);
    Object.assign(world.api, { outcome: 'ok', denied: undefined, healthy: true });
    world.podsChanged();
    await world.clock.run(60_000);

    expect(said(/HTTP 401|accepts our requests again/)).toBe(0);
  });

  it('activates nothing and retires nothing, though the parent is gone', async () => {
    await refused('unauthorized');
    const before = await keys();
    parentGone();
    await world.clock.run(600_000);

    expect(files()).toHaveLength(1);
    expect(await keys()).toEqual(before);
  });

  it('activates when the server is really away, and hands back while it is refused again', async () => {
    await refused('unauthorized');
    parentGone();
    await world.clock.run(30_000);

    world.api.outcome = 'refused';
    const took = await world.clock.until('the copy', () => files().length === 2, 60_000);
    expect(took).toBeLessThanOrEqual(25_000);
    expect(readyOf(world.agent.status(), 'daemonset').ok).toBe(true);

    put(world, { sandbox: copySandbox, container: copyContainer });
    await world.clock.run(2_000);
    world.api.outcome = 'answered';
    await world.clock.run(3_000);
    put(world, { sandbox: aSandbox({ id: 's2' }), container: aContainer({ id: 'p2', sandboxId: 's2', state: 'created' }) });
    await world.clock.until('the hand-back', () => files().length === 1, 1_000);
  });
});
