/** The ordered uninstall against a node in memory: the order, what stops it, and that it can be repeated at any point. */
import { afterEach, describe, expect, it } from 'vitest';
import { type CleanupOptions, cleanUp } from '../../src/agent/uninstall/cleanup.ts';
import { manifestFileName } from '../../src/core/model/keys.ts';
import { sha256 } from '../../src/core/model/manifest.ts';
import type { Placed } from '../../src/core/model/model.ts';
import { aLedger, aPlaced, aSandbox } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';

const COPY = { namespace: 'kube-system', name: 'web-1' };
const STANDBY = { namespace: 'ckpt', name: 'agent-1' };
const FOREIGN = 'kube-proxy.yaml';

let world: World;
let said: string[];
const abort = new AbortController();
afterEach(async () => world.stop());

function placedOf(parent: typeof COPY, more: Partial<Placed> = {}): Placed {
  const file = manifestFileName(parent);
  world.manifests.files.set(file, `manifest of ${parent.name}`);
  world.runtime?.sandboxes.push(
    aSandbox({
      id: `s-${parent.name}`,
      annotations: { 'kubernetes.io/config.source': 'file', 'checkpointer/copy-of': `${parent.namespace}/${parent.name}` },
    }),
  );
  return aPlaced({ key: `${parent.namespace}_${parent.name}`, file, digest: sha256(`manifest of ${parent.name}`), ...more });
}
/** One copy, the standby, and a file of somebody else; `stubborn`: the kubelet does not end that pod. */
async function node(stubborn?: string): Promise<void> {
  world = createWorld();
  said = [];
  await world.store.writeLedger(aLedger([placedOf(COPY), placedOf(STANDBY, { self: true })]));
  world.manifests.files.set(FOREIGN, 'foreign');
  const { view } = world.ports.runtime;
  // a kubelet that ends what is gone, at its next look
  Object.assign(world.ports.runtime, {
    view: async (deadlineMs: number) => {
      const shown = await view(deadlineMs);
      const stays = (id: string): boolean =>
        id === `s-${stubborn}` || [...world.manifests.files.values()].some((text) => `s-${text?.split(' ').at(-1)}` === id);
      if (world.runtime !== undefined) world.runtime.sandboxes = world.runtime.sandboxes.filter(({ id }) => stays(id));
      return shown;
    },
  });
}
async function run(change: Partial<CleanupOptions> = {}): Promise<boolean> {
  let result: boolean | undefined;
  const running = cleanUp(world.ports, {
    purge: false,
    patienceMs: 10_000,
    say: (sentence) => said.push(sentence),
    signal: abort.signal,
    ...change,
  }).then((value) => {
    result = value;
  });
  running.catch(() => undefined);
  await world.clock.run(60_000);
  await running;
  return result ?? false;
}
const files = (): string[] => [...world.manifests.files.keys()].sort();

describe('cleanup', () => {
  it('ends the copies, then the standby, and leaves what is not ours', async () => {
    await node();

    expect(await run()).toBe(true);
    expect(files()).toEqual([FOREIGN]);
    expect((await world.store.readLedger()).placed).toEqual([]);
    expect(said.map((sentence) => sentence.replace(/podckpt\S+/, 'FILE'))).toEqual([
      'removed FILE from staticPodPath: the copy of kube-system/web-1 ends',
      'the copy of kube-system/web-1 is gone',
      'removed FILE from staticPodPath: the standby ends',
      'the standby is gone',
    ]);
  });

  it('keeps the standby while a copy still runs, and says so', async () => {
    await node('web-1');

    expect(await run()).toBe(false);
    expect(files()).toEqual([FOREIGN, manifestFileName(STANDBY)]);
    expect(said.at(-1)).toMatch(/kube-system\/web-1 still runs although its manifest is gone/);
    expect((await world.store.readLedger()).placed).toHaveLength(2);
  });

  it('leaves a manifest that somebody has changed, and is not clean by that', async () => {
    await node();
    world.manifests.files.set(manifestFileName(COPY), 'edited by hand');

    expect(await run()).toBe(false);
    expect(world.manifests.files.get(manifestFileName(COPY))).toBe('edited by hand');
    expect(said.join()).toMatch(/is not what was placed: it was left alone/);
    expect(files()).not.toContain(manifestFileName(STANDBY));

    said = [];
    expect(await run()).toBe(false);
    expect(said.join()).toMatch(/nothing proves that it is/);
  });

  it('has nothing to do the second time', async () => {
    await node();
    await run();
    said = [];
    const calls = world.manifests.calls.length;

    expect(await run()).toBe(true);
    expect(said).toEqual([]);
    expect(world.manifests.calls.slice(calls).filter((call) => call !== 'list')).toEqual([]);
  });

  it('goes on where it was cut short, at every call to the disk', async () => {
    await node();
    const before = { manifests: world.manifests.calls.length, store: world.store.calls.length };
    await run();
    const all = { manifests: world.manifests.calls.length - before.manifests, store: world.store.calls.length - before.store };
    for (const port of ['manifests', 'store'] as const) {
      for (let nth = 1; nth <= all[port]; nth += 1) {
        await node();
        world[port].failOnNthCall(nth, new Error('power cut'));
        const cutShort = await run().catch(() => 'cut short');
        const standbyLies = files().includes(manifestFileName(STANDBY));
        if (files().includes(manifestFileName(COPY))) expect(standbyLies).toBe(true);

        expect(await run(), `${port} call ${nth}, first ${String(cutShort)}`).toBe(true);
        expect(files()).toEqual([FOREIGN]);
        expect((await world.store.readLedger()).placed).toEqual([]);
      }
    }
    expect(all.manifests).toBeGreaterThan(5);
  });

  it('changes nothing while the runtime cannot say what runs', async () => {
    await node();
    world.runtime = undefined;

    await expect(run()).rejects.toThrow('refused');
    expect(files()).toHaveLength(3);
  });
});
