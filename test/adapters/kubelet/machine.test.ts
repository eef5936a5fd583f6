/** What is read of the machine before a copy is judged, with file systems that lie elsewhere, hang, or are missing. */
import { mkdir, mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMachine, type FileSystem, type MachineOptions } from '../../../src/adapters/kubelet/machine.ts';
import { DEFAULT_THRESHOLDS, shortages } from '../../../src/core/kubelet/eviction.ts';
import { seen } from '../../../src/core/model/model.ts';

const OVERLAY = 0x794c7630;
const EXT4 = 0xef53;
const ext4: FileSystem = { type: EXT4, bsize: 4096, blocks: 1000, bavail: 500, files: 100, ffree: 60 };

let dir: string;
let rootDir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'podckpt-machine-'));
  rootDir = join(dir, 'kubelet');
  await mkdir(join(rootDir, 'pods'), { recursive: true });
});
afterEach(async () => rm(dir, { recursive: true }));

const missing = (path: string): never => {
  throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
};
/** File systems by path; what is not named is not there. */
const mounted = (of: Readonly<Record<string, FileSystem>>) => async (path: string) => of[path] ?? missing(path);
const machineOf = (change: Partial<MachineOptions> = {}) =>
  createMachine({ rootDir, configFile: { path: join(rootDir, 'config.yaml'), sure: false }, imageFs: async () => '/images', ...change });

describe('the machine', () => {
  it('is read where the kubelet and the runtime have their files', async () => {
    const fileSystemOf = mounted({ [join(rootDir, 'pods')]: ext4, '/images': { ...ext4, bavail: 10, ffree: 1 } });
    const { amounts } = await machineOf({ fileSystemOf }).look(1_000);

    expect(amounts['nodefs.available']).toEqual(seen({ available: 500 * 4096, capacity: 1000 * 4096 }));
    expect(amounts['nodefs.inodesFree']).toEqual(seen({ available: 60, capacity: 100 }));
    expect(amounts['imagefs.available']).toEqual(seen({ available: 10 * 4096, capacity: 1000 * 4096 }));
    expect(amounts['imagefs.inodesFree']).toEqual(seen({ available: 1, capacity: 100 }));
  });

  it('is this one, as statfs and the kernel tell', async () => {
    const { amounts } = await machineOf({ imageFs: async () => dir }).look(5_000);
    const { blocks, bsize } = await statfs(dir);
    const total = /^MemTotal:\s+(\d+) kB$/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1];
    const capacityOf = (signal: keyof typeof amounts) => {
      const amount = amounts[signal];
      return amount.known ? amount.value.capacity : amount.why;
    };

    expect(capacityOf('memory.available')).toBe(Number(total) * 1024);
    expect(capacityOf('nodefs.available')).toBe(blocks * bsize);
    expect(capacityOf('imagefs.available')).toBe(blocks * bsize);
    const { 'memory.available': memory } = amounts;
    expect(memory.known && memory.value.available > 0 && memory.value.available < memory.value.capacity).toBe(true);
  });

  it("takes the overlay of a pod's root for the file system of images that cannot be seen from there", async () => {
    const root = { ...ext4, type: OVERLAY, bavail: 7 };
    const fileSystemOf = mounted({ [join(rootDir, 'pods')]: ext4, '/': root });

    for (const imageFs of [async () => '/images', async () => Promise.reject(new Error('no such call'))]) {
      const { amounts } = await machineOf({ fileSystemOf, imageFs }).look(1_000);
      expect(amounts['imagefs.available']).toEqual(seen({ available: 7 * 4096, capacity: 1000 * 4096 }));
    }
  });

  it('does not take another root for it, nor its own image for the directory of the kubelet', async () => {
    const fileSystemOf = mounted({ '/': ext4, [rootDir]: ext4 });
    const { amounts } = await machineOf({ fileSystemOf }).look(1_000);

    expect(amounts['imagefs.available']).toMatchObject({ known: false, why: expect.stringContaining('/images') });
    expect(amounts['nodefs.available'].known).toBe(false);
    expect(amounts['memory.available'].known).toBe(true);
  });

  it('is unknown only where it hangs, and is not asked again until that has ended', async () => {
    let asked = 0;
    let answer = (_: FileSystem): void => undefined;
    const hanging = new Promise<FileSystem>((resolve) => {
      answer = resolve;
    });
    const fileSystemOf = async (path: string) => {
      if (path !== '/images') return ext4;
      asked += 1;
      return hanging;
    };
    const machine = machineOf({ fileSystemOf });
    const [first, second] = [await machine.look(20), await machine.look(20)];

    for (const { amounts } of [first, second]) {
      expect(amounts['imagefs.available']).toMatchObject({ known: false, why: expect.stringContaining('no answer within 20 ms') });
      expect(amounts['nodefs.available'].known).toBe(true);
    }
    expect(asked).toBe(1);
    answer(ext4);
    expect((await machine.look(1_000)).amounts['imagefs.available'].known).toBe(true);
    await machine.look(1_000);
    expect(asked).toBeGreaterThan(1);
  });

  it('has no memory to tell of where the file says nothing of it', async () => {
    const meminfo = join(dir, 'meminfo');
    await writeFile(meminfo, 'MemTotal: 5 kB\n');

    expect((await machineOf({ meminfo }).look(1_000)).amounts['memory.available'].known).toBe(false);
  });
});

describe('the thresholds', () => {
  const thresholdsOf = async (change: Partial<MachineOptions> = {}) =>
    (await machineOf({ fileSystemOf: async () => ext4, ...change }).look(1_000)).thresholds;
  const config = () => join(rootDir, 'config.yaml');

  it('are those of the file, as it is now', async () => {
    await writeFile(config(), 'kind: KubeletConfiguration\nevictionHard: {nodefs.available: 60%}\n');
    const machine = machineOf({ fileSystemOf: async () => ext4 });
    expect((await machine.look(1_000)).thresholds).toEqual(seen([{ signal: 'nodefs.available', below: '60%' }]));
    expect(shortages(await machine.look(1_000))).toEqual(seen(['nodefs.available (50.0% of what there is) is below 60%']));

    await writeFile(config(), 'kind: KubeletConfiguration\nevictionHard: {nodefs.available: 40%}\n');
    expect(shortages(await machine.look(1_000))).toEqual(seen([]));
  });

  it('are the defaults where there is no file, or none is to be looked at', async () => {
    expect(await thresholdsOf()).toEqual(seen(DEFAULT_THRESHOLDS));
    expect(await thresholdsOf({ configFile: undefined })).toEqual(seen(DEFAULT_THRESHOLDS));
  });

  it('are unknown where the file was named and is not there, or makes no sense', async () => {
    expect((await thresholdsOf({ configFile: { path: config(), sure: true } })).known).toBe(false);
    await writeFile(config(), 'kind: Pod\n');
    expect((await thresholdsOf()).known).toBe(false);
  });
});
