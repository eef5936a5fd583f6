/** The contract of the kubelet's volumes, against directories written as the kubelet writes them. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createKubeletVolumes } from '../../src/adapters/kubelet/volumes.ts';
import { snapshot } from '../adapters/disk/scratch.ts';
import { file } from '../fakes/disk-draft.ts';
import { volumesContract } from './volumes.ts';
import { publishVolume, volumeDir } from './volumes-writer.ts';

const POD = 'pod-1';
const made: string[] = [];
afterEach(async () => {
  for (const dir of made.splice(0)) await rm(dir, { recursive: true, force: true });
});

async function newPodsDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'podckpt-pods-'));
  made.push(dir);
  return dir;
}

volumesContract('the kubelet’s directories', async () => {
  const podsDir = await newPodsDir();
  let stamp = 100;
  return {
    volumes: createKubeletVolumes({ podsDir }),
    publish: (podUid, plugin, volume, files) => publishVolume(volumeDir(podsDir, podUid, plugin, volume), ++stamp, files),
  };
});

async function secret(): Promise<{ podsDir: string; dir: string }> {
  const podsDir = await newPodsDir();
  const dir = volumeDir(podsDir, POD, 'secret', 'data');
  await publishVolume(dir, 1, [file('pass', 'one')]);
  return { podsDir, dir };
}

describe('a version published in the middle of a read', () => {
  test('makes the read start again, and the result is of one version', async () => {
    const { podsDir, dir } = await secret();
    let links = 0;
    const readLink = async (path: string): Promise<string> => {
      const target = await readlink(path);
      // after the first look, so that the directory just named is gone
      if (++links === 1) await publishVolume(dir, 2, [file('pass', 'two'), file('user', 'x')]);
      return target;
    };
    const files = await createKubeletVolumes({ podsDir, readLink }).read(POD, 'secret', 'data', 100);
    expect(files.map(({ path, content }) => `${path}=${Buffer.from(content)}`)).toEqual(['pass=two', 'user=x']);
    expect(links).toBe(3);
  });

  test('every time is a failure in the end, not a hang', async () => {
    const { podsDir, dir } = await secret();
    let stamp = 1;
    const readLink = async (path: string): Promise<string> => {
      const target = await readlink(path);
      await publishVolume(dir, ++stamp, [file('pass', 'x')]);
      return target;
    };
    const volumes = createKubeletVolumes({ podsDir, readLink, attempts: 3 });
    await expect(volumes.read(POD, 'secret', 'data', 100)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('changed'),
    });
  });

  test('that took the volume away is not found', async () => {
    const { podsDir, dir } = await secret();
    const readLink = async (path: string): Promise<string> => {
      const target = await readlink(path);
      await rm(dir, { recursive: true });
      return target;
    };
    const volumes = createKubeletVolumes({ podsDir, readLink });
    await expect(volumes.read(POD, 'secret', 'data', 100)).rejects.toMatchObject({ kind: 'not-found' });
  });
});

describe('odd trees', () => {
  const odd: readonly (readonly [string, (dir: string, podsDir: string) => Promise<unknown>])[] = [
    ['a link among the files', (dir) => symlink('/etc/passwd', join(dir, '..data', 'link'))],
    ['a FIFO among the files', async (dir) => execFileSync('mkfifo', [join(dir, '..data', 'fifo')])],
    [
      '..data that points out of the volume',
      async (dir) => {
        await rm(join(dir, '..data'));
        await symlink('../../..', join(dir, '..data'));
      },
    ],
    [
      '..data that points to a visible name',
      async (dir) => {
        await rm(join(dir, '..data'));
        await symlink('visible', join(dir, '..data'));
      },
    ],
    [
      '..data that is a directory',
      async (dir) => {
        await rm(join(dir, '..data'));
        await mkdir(join(dir, '..data'));
      },
    ],
    [
      'a version that is a link',
      async (dir) => {
        await symlink('/etc', join(dir, '..2026'));
        await rm(join(dir, '..data'));
        await symlink('..2026', join(dir, '..data'));
      },
    ],
    [
      'a volume that is a link',
      async (dir) => {
        await rm(dir, { recursive: true });
        await symlink('/etc', dir);
      },
    ],
    [
      'a volume that is a file',
      async (dir) => {
        await rm(dir, { recursive: true });
        await writeFile(dir, '');
      },
    ],
    ['directories without end', async (dir) => mkdir(join(dir, '..data', ...Array.from({ length: 40 }, () => 'd')), { recursive: true })],
  ];
  test.each(odd)('%s: invalid, and nothing of it is in the error', async (_what, make) => {
    const { podsDir, dir } = await secret();
    await make(dir, podsDir);
    const error = await createKubeletVolumes({ podsDir })
      .read(POD, 'secret', 'data', 100)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'invalid' });
    expect(String(error)).not.toContain('one');
  });

  test('a volume directory that the kubelet has not filled is not found', async () => {
    const podsDir = await newPodsDir();
    await mkdir(volumeDir(podsDir, POD, 'secret', 'data'), { recursive: true });
    const volumes = createKubeletVolumes({ podsDir });
    await expect(volumes.read(POD, 'secret', 'data', 100)).rejects.toMatchObject({ kind: 'not-found' });
    expect(await volumes.version(POD, 'secret', 'data')).toBeUndefined();
  });

  test.each([
    ['EACCES', 'denied'],
    ['EIO', 'failed'],
  ])('%s is %s', async (code, kind) => {
    const { podsDir } = await secret();
    const readLink = async (): Promise<string> => Promise.reject(Object.assign(new Error(code), { code }));
    const volumes = createKubeletVolumes({ podsDir, readLink });
    await expect(volumes.read(POD, 'secret', 'data', 100)).rejects.toMatchObject({ kind });
    await expect(volumes.version(POD, 'secret', 'data')).rejects.toMatchObject({ kind });
  });

  test('a pods directory that is behind a link is read: it is the administrator’s word', async () => {
    const { podsDir } = await secret();
    const elsewhere = await newPodsDir();
    await symlink(podsDir, join(elsewhere, 'pods'));
    expect(await createKubeletVolumes({ podsDir: join(elsewhere, 'pods') }).read(POD, 'secret', 'data', 100)).toHaveLength(1);
  });
});

test('nothing in a volume changes by being read: not a byte, a mode, an owner, a time or an inode', async () => {
  const { podsDir, dir } = await secret();
  await chmod(join(dir, 'pass'), 0o400);
  const before = await snapshot(podsDir);
  const volumes = createKubeletVolumes({ podsDir });
  await volumes.read(POD, 'secret', 'data', 100);
  await volumes.version(POD, 'secret', 'data');
  expect(await snapshot(podsDir)).toEqual(before);
});
