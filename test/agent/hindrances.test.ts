/** What would keep a copy from starting is said while there is time, and what keeps one down is said in the outage: once. */
import { afterEach, describe, expect, it } from 'vitest';
import { readyOf } from '../../src/cli/agent/agent.ts';
import { statusNotes, statusRows } from '../../src/cli/inspect/status.ts';
import { manifestFileName } from '../../src/core/model/keys.ts';
import { policy } from '../fakes/builders.ts';
import * as story from '../fakes/story.ts';
import type { World } from '../fakes/world.ts';

const AHEAD = 'The copy would not start in an outage';
const DOWN = 'Something keeps the copy down';
const OVER = 'Nothing keeps the copy down any more';
const FILE = manifestFileName(story.PARENT);

let world: World;
afterEach(async () => world.stop());

/** Everything that is said of hindrances, in order. */
const told = (): readonly string[] =>
  world.lines
    .filter(({ message }) => [AHEAD, DOWN, OVER].includes(message))
    .map(({ level, message, fields }) => `${level} ${message}: ${String(fields['reason'])}`);
const infoReasons = () => world.series.get('checkpointer_checkpoint_info')?.map(({ labels }) => `${labels['state']} ${labels['reason']}`);
const stored = async () => ({ checkpoints: await world.store.load(), ledger: await world.store.readLedger() });
const rows = async () => statusRows(await stored(), undefined, world.agent.status(), world.clock.wall());
function powerCut(): void {
  story.apiDown(world);
  story.parentGone(world);
}

describe('while the API server answers', () => {
  it('an image that is gone is told once, with which it is and what to do, and once when it is back', async () => {
    world = await story.coveredWorld();
    world.images.clear();
    await world.clock.run(600_000);

    expect(told()).toEqual([`warn ${AHEAD}: image-missing`]);
    expect(world.lines.find(({ message }) => message === AHEAD)?.fields).toEqual({
      checkpoint: 'kube-system/web-1',
      reason: 'image-missing',
      detail: 'img:1',
      why: 'An image of the copy is not on the node.',
      todo: 'Load it onto the node.',
    });

    world.images.add('img:1');
    await world.clock.run(600_000);

    expect(told()).toEqual([`warn ${AHEAD}: image-missing`, `info ${OVER}: image-missing`]);
  });

  it('it is in the metric, in status and on /readyz, in every turn until it is over, and the agent stays Ready', async () => {
    world = await story.coveredWorld();
    await world.clock.run(60_000);
    expect(infoReasons()).toEqual(['inactive api-reachable']);
    world.images.clear();
    await world.clock.run(70_000);

    for (let turn = 0; turn < 12; turn += 1) {
      await world.clock.run(10_000);
      expect(infoReasons()).toEqual(['inactive would-not-start: image-missing']);
    }
    const sentence = 'An image of the copy is not on the node (img:1). Load it onto the node.';
    const [row] = await rows();
    expect(row).toMatchObject({
      state: 'inactive',
      reason: 'would-not-start: image-missing',
      obstacle: 'image-missing',
      warnings: [sentence],
    });
    expect(Date.parse(row?.since ?? '')).toBeLessThan(world.clock.wall() - 110_000);
    expect(Date.parse(row?.since ?? '')).toBeGreaterThan(world.clock.wall() - 200_000);
    const line = `kube-system/web-1: would-not-start: image-missing. ${sentence}`;
    expect(statusNotes(world.agent.status())).toEqual([line]);
    const ready = readyOf(world.agent.status(), 'daemonset');
    expect(ready.ok).toBe(true);
    expect(ready.detail.split('\n')).toEqual(['API server reachable: requests succeed', line]);

    world.images.add('img:1');
    await world.clock.run(70_000);

    expect(infoReasons()).toEqual(['inactive api-reachable']);
    expect((await rows())[0]).toMatchObject({ reason: 'api-reachable', obstacle: '', warnings: [] });
    expect(readyOf(world.agent.status(), 'daemonset').detail).toBe('API server reachable: requests succeed');
  });

  it('another reason is told as well, and a file in the way does not come and go with the looks at the directory', async () => {
    world = await story.coveredWorld();
    world.manifests.files.set(FILE, 'foreign');
    await world.clock.run(600_000);
    expect(told()).toEqual([`warn ${AHEAD}: manifest-name-taken`]);

    world.images.clear();
    await world.clock.run(600_000);
    expect(told()).toEqual([`warn ${AHEAD}: manifest-name-taken`, `warn ${AHEAD}: image-missing`]);
  });

  it('images are looked for also while something else keeps the agent busy', async () => {
    world = await story.coveredWorld();
    await world.clock.run(60_000);
    world.images.clear();
    // in doubt the runtime is asked in every turn
    world.api.healthy = false;
    world.api.outcome = 'tls';
    world.podsChanged();
    await world.clock.run(120_000);

    expect(world.agent.status().api.state).toBe('unsure');
    expect(told()).toEqual([`warn ${AHEAD}: image-missing`]);
    expect(infoReasons()).toEqual(['inactive would-not-start: image-missing']);
  });

  it('of a checkpoint that goes nothing more is said', async () => {
    world = await story.coveredWorld();
    world.images.clear();
    await world.clock.run(120_000);

    world.api.pods.clear();
    world.runtime = { sandboxes: [], containers: [] };
    world.kubelet = [];
    world.podsChanged();
    await world.clock.until('retired', () => world.counts.get('checkpointer_retirements_total parent-gone') === 1, 120_000);
    await world.clock.run(60_000);

    expect(told()).toEqual([`warn ${AHEAD}: image-missing`]);
    expect(world.agent.status().hindrances).toEqual([]);
  });
});

describe('during an outage', () => {
  it('an image that is missing is told once more when it keeps the copy down, and again in the next outage', async () => {
    world = await story.coveredWorld();
    world.images.clear();
    await world.clock.run(120_000);
    powerCut();
    await world.clock.run(600_000);
    expect(told()).toEqual([`warn ${AHEAD}: image-missing`, `warn ${DOWN}: image-missing`]);
    expect(world.lines.find(({ message }) => message === DOWN)?.fields).toMatchObject({ detail: 'img:1', todo: 'Load it onto the node.' });
    expect(infoReasons()).toEqual(['inactive image-missing']);
    expect((await rows())[0]).toMatchObject({ reason: 'image-missing', obstacle: 'image-missing', warnings: [expect.any(String)] });

    world.api.outcome = 'ok';
    story.parentRunning(world);
    await world.clock.run(120_000);
    powerCut();
    await world.clock.run(120_000);

    expect(told()).toEqual([`warn ${AHEAD}: image-missing`, `warn ${DOWN}: image-missing`, `warn ${DOWN}: image-missing`]);

    world.images.add('img:1');
    await world.clock.until('the copy', () => world.manifests.files.size === 1, 30_000);
    await world.clock.run(2_000);

    expect(told().at(-1)).toBe(`info ${OVER}: image-missing`);
    expect(told()).toHaveLength(4);
  });

  it('a runtime that does not answer is told after ten seconds, not before', async () => {
    world = await story.coveredWorld();
    await world.clock.run(60_000);
    const { runtime } = world;
    powerCut();
    world.runtime = undefined;
    await world.clock.until('the verdict', () => world.agent.status().api.state === 'unreachable', 30_000);
    await world.clock.run(8_000);
    expect(told()).toEqual([]);

    await world.clock.run(600_000);

    expect(told()).toEqual([`warn ${DOWN}: local-truth-unknown`]);
    expect(world.lines.find(({ message }) => message === DOWN)?.fields['todo']).toContain('criSocket');
    world.runtime = runtime;
    await world.clock.run(5_000);
    expect(told().at(-1)).toBe(`info ${OVER}: local-truth-unknown`);
  });

  it('nothing is told of a parent that runs, or that the kubelet has', async () => {
    world = await story.coveredWorld();
    story.apiDown(world);
    await world.clock.run(300_000);
    const { runtime } = world;
    world.runtime = { sandboxes: runtime?.sandboxes ?? [], containers: [] };
    await world.clock.run(30_000);

    expect(infoReasons()).toEqual(['inactive kubelet-has-parent']);
    expect(told()).toEqual([]);
  });

  it('the limit of copies is told where it keeps one down, and not before', async () => {
    world = await story.coveredWorld({ policy: { ...policy, activeLimit: 0 } });
    await world.clock.run(300_000);
    expect(told()).toEqual([]);

    powerCut();
    await world.clock.run(300_000);

    expect(told()).toEqual([`warn ${DOWN}: active-limit-reached`]);
  });

  it('a manifest that the kubelet refuses is told, with what to do', async () => {
    world = await story.coveredWorld();
    powerCut();
    await world.clock.until('the last attempt', () => told().length > 0, 900_000);
    await world.clock.run(120_000);

    expect(told()).toEqual([`warn ${DOWN}: activation-refused`]);
    expect(world.lines.find(({ message }) => message === DOWN)?.fields['todo']).toContain('staticPodPath');
  });
});
