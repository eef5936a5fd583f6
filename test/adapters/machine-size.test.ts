/** What the machine has, by its own files; and what of it the kubelet gives. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodePrimitives } from '../../src/adapters/disk/primitives.ts';
import { readMachine } from '../../src/adapters/machine-size.ts';
import { joinRoom } from '../../src/cli/agent/join-room.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'machine-'));
});
afterAll(async () => rm(dir, { recursive: true, force: true }));

describe('the machine', () => {
  it('tells CPUs, memory and the size of the file system', async () => {
    const machine = await readMachine({ rootDir: dir });

    expect(machine).toMatchObject({ cpus: cpus().length, memory: totalmem() });
    expect(machine.rootDirSize).toBeGreaterThan(1_000_000);
  });

  it('adds up huge pages of all sizes', async () => {
    for (const [name, count] of [
      ['hugepages-2048kB', '3\n'],
      ['hugepages-1048576kB', '1\n'],
    ] as const) {
      await mkdir(join(dir, 'huge', name), { recursive: true });
      await writeFile(join(dir, 'huge', name, 'nr_hugepages'), count);
    }

    expect((await readMachine({ rootDir: dir, hugePagesDir: join(dir, 'huge') })).hugePages).toBe(3 * 2048 * 1024 + 1024 ** 3);
  });

  it('has none where the kernel knows none, and leaves out what makes no sense', async () => {
    await mkdir(join(dir, 'odd', 'hugepages-2048kB'), { recursive: true });
    await writeFile(join(dir, 'odd', 'hugepages-2048kB', 'nr_hugepages'), 'many\n');

    expect((await readMachine({ rootDir: dir, hugePagesDir: join(dir, 'none') })).hugePages).toBe(0);
    expect(await readMachine({ rootDir: dir, hugePagesDir: join(dir, 'odd') })).not.toHaveProperty('hugePages');
    expect(await readMachine({ rootDir: join(dir, 'none') })).not.toHaveProperty('rootDirSize');
  });
});

describe('what the kubelet gives of it', () => {
  const capacity = (kubeletConfig: string, kubeletRootDir = dir) =>
    joinRoom({ config: { stateDir: dir, kubeletConfig, kubeletRootDir }, mayWrite: () => false, primitives: nodePrimitives() }).capacity();
  const all = cpus().length * 1000;

  it('follows its configuration', async () => {
    const file = join(dir, 'kubelet.yaml');
    await writeFile(file, 'kind: KubeletConfiguration\nsystemReserved: {cpu: 100m}\nmaxPods: 40\ncpuManagerPolicy: static\n');

    expect(await capacity(file)).toMatchObject({ allocatable: { cpu: all - 100 }, podLimit: 40, exclusiveCpus: true });
  });

  it.each([
    ['/dev/null says so', '/dev/null'],
    ['no file lies at the usual place', ''],
  ])('is three quarters of it where %s', async (_name, kubeletConfig) => {
    const found = await capacity(kubeletConfig, join(dir, 'elsewhere'));

    expect(found).toMatchObject({ allocatable: { cpu: all * 0.75 }, exclusiveCpus: false });
    expect(found).not.toHaveProperty('podLimit');
  });

  it('is not known where the file cannot be understood, or is missing though it is named', async () => {
    const file = join(dir, 'config.yaml');
    await writeFile(file, 'kind: [');

    expect(await capacity('')).toBeUndefined();
    expect(await capacity(join(dir, 'missing.yaml'))).toBeUndefined();
  });
});
