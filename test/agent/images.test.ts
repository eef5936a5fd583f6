/** Images that the kubelet would deny to a copy: told while there is time, once for every change, and in the status. */
import { afterEach, expect, it } from 'vitest';
import { createImageLooks } from '../../src/agent/capture/images.ts';
import { statusRows } from '../../src/cli/inspect/status.ts';
import type { PullRecord } from '../../src/core/kubelet/pull-records.ts';
import { PortError } from '../../src/ports.ts';
import { aHostPod, parentRuns, WALL } from '../fakes/builders.ts';
import { createWorld, type World } from '../fakes/world.ts';

const ID = 'id of img:1';
const withSecret: PullRecord = { imageRef: ID, credentials: { img: { nodePodsAccessible: false, secrets: 1, serviceAccounts: 0 } } };
const DENIED = 'The kubelet would deny the copy an image; it could not start';

let world: World;
afterEach(async () => world.stop());

async function captured(before: (world: World) => void): Promise<void> {
  world = createWorld();
  world.api.pods.set('u1', aHostPod());
  world.runtime = structuredClone({ sandboxes: [...parentRuns.sandboxes], containers: [...parentRuns.containers] });
  world.kubelet = [{ namespace: 'kube-system', name: 'web-1' }];
  before(world);
  world.start();
  await world.clock.until('the capture', () => world.counts.get('checkpointer_captures_total saved') === 1, 30_000);
  await world.clock.run(100);
}
const said = (message: string) => world.lines.filter((line) => line.message === message);

it('an image pulled with a pull secret is told right after the capture, and once', async () => {
  await captured(() => world.pulls.set(ID, withSecret));
  expect(said(DENIED).length).toBe(1);
  expect(said(DENIED)[0]?.fields).toMatchObject({ checkpoint: 'kube-system/web-1', images: [expect.stringContaining('pull secret')] });

  await world.clock.run(600_000);

  expect(said(DENIED).length).toBe(1);
  expect(world.agent.status().warnings).toMatchObject([{ key: 'kube-system_web-1', reason: 'image-denied' }]);
});

it('the checkpoint is kept, and does not look like coverage in the status', async () => {
  await captured(() => world.pulls.set(ID, withSecret));
  const stored = { checkpoints: await world.store.load(), ledger: await world.store.readLedger() };

  const [row] = statusRows(stored, new Map(), world.agent.status(), WALL);

  expect(row).toMatchObject({ state: 'inactive', reason: 'image-denied', warnings: [expect.stringContaining('img:1')] });
});

it('nothing is said of an image that every pod of the node may use, or where no records are kept', async () => {
  await captured(() =>
    world.pulls.set(ID, { imageRef: ID, credentials: { img: { nodePodsAccessible: true, secrets: 0, serviceAccounts: 0 } } }),
  );
  await world.clock.run(120_000);
  expect(said(DENIED)).toEqual([]);

  world.pulls.clear();
  await world.clock.run(120_000);

  expect(said(DENIED)).toEqual([]);
  expect(world.agent.status().warnings).toEqual([]);
});

it('the end of it is told, within a minute or so, when the policy or the record changes', async () => {
  await captured(() => world.pulls.set(ID, withSecret));

  world.pullPolicy = { mode: 'NeverVerify', allowlist: [] };
  await world.clock.until('the all-clear', () => said('The kubelet would give the copy all its images again').length === 1, 75_000);

  expect(world.agent.status().warnings).toEqual([]);
});

it('records that cannot be read are unknown: told once, no warning made, none taken back', async () => {
  await captured(() => world.pulls.set(ID, withSecret));
  const broken = world.ports.pulls as { find: unknown };
  broken.find = async () => {
    throw new PortError('denied', 'image_manager cannot be read (EACCES)');
  };

  await world.clock.run(600_000);

  expect(world.lines.filter((line) => line.message.includes('pull records cannot be read')).length).toBe(1);
  expect(world.agent.status().warnings.length).toBe(1);
  expect(said('The kubelet would give the copy all its images again')).toEqual([]);
});

it('records that cannot be read are told also when the first of the images is not here at all', async () => {
  await captured(() => undefined);
  const broken = world.ports.pulls as { find: unknown };
  broken.find = async () => {
    throw new PortError('denied', 'image_manager cannot be read (EACCES)');
  };
  const two = (await world.store.load()).map((checkpoint) => {
    const images = [{ container: 'first', image: 'absent:1', imageRef: '' }, ...checkpoint.record.images];
    return { ...checkpoint, record: { ...checkpoint.record, images } };
  });

  await createImageLooks(world.ports).look(two);

  expect(world.lines.filter((line) => line.message.includes('pull records cannot be read')).length).toBe(1);
});

it('many images are asked for a few at a time, and after a capture only those that are new', async () => {
  await captured(() => undefined);
  let asked: string[] = [];
  const broken = world.ports.runtime as { imageId: unknown };
  broken.imageId = async (image: string) => {
    asked.push(image);
    return undefined;
  };
  const [stored] = await world.store.load();
  if (stored === undefined) throw new Error('nothing was captured');
  const many = Array.from({ length: 300 }, (_, index) => ({
    ...stored,
    key: `kube-system_p${index}`,
    record: { ...stored.record, images: [{ container: 'c', image: `img:${index}`, imageRef: '' }] },
  }));
  const looks = createImageLooks(world.ports);
  const most: number[] = [];
  for (let turn = 0; turn < 20; turn += 1) {
    const before = asked.length;
    await looks.look(many);
    most.push(asked.length - before);
  }
  expect(Math.max(...most)).toBeLessThanOrEqual(20);
  expect(new Set(asked).size).toBe(300);
  expect(asked.length).toBe(300);

  asked = [];
  await looks.look([...many, { ...stored, record: { ...stored.record, images: [{ container: 'c', image: 'new:1', imageRef: '' }] } }]);
  expect(asked).toEqual(['new:1']);
});
