/** `render --out`: a directory that is as a stored revision would be, or is left alone. */
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodePrimitives } from '../../src/adapters/disk/primitives.ts';
import { writeRendered } from '../../src/adapters/disk/rendered.ts';
import { scratch, snapshot } from '../adapters/disk/scratch.ts';
import { SMALL_DRAFT } from '../fakes/render-draft.ts';
import { LIST, mounting, pod, render, SHOP, VALUE } from './run-render.ts';

const directory = scratch();

describe('a directory', () => {
  test('holds the manifest with its own path, and files as the kubelet lays them out', async () => {
    const dir = join(await directory(), 'out');
    const { code, out } = await render(['-f', SHOP, '--out', dir]);
    expect({ code, out }).toEqual({ code: 0, out: `Wrote ${dir}/pod.json and 4 stored files\n` });
    expect(await readdir(dir)).toEqual(['files', 'pod.json']);
    const manifest = JSON.parse(await readFile(join(dir, 'pod.json'), 'utf8'));
    expect(manifest.spec.volumes[0].hostPath).toEqual({ path: `${dir}/files/tls`, type: 'Directory' });
    expect(manifest.metadata.annotations).not.toHaveProperty('checkpointer/revision');
    expect(await readFile(join(dir, 'files/tls/db/password'), 'utf8')).toBe(`${VALUE}$(X)`);
    expect(await readlink(join(dir, 'files/tls/db'))).toBe('..data/db');
    expect(await readFile(join(dir, 'files/all/labels'), 'utf8')).toBe('app="shop"');
    const mode = async (path: string) => ((await lstat(join(dir, path))).mode & 0o7777).toString(8);
    // 0400 and the group's right to read
    expect(await Promise.all(['', 'pod.json', 'files/all/..data/blob', 'files/tls/..data/db/password'].map(mode))).toEqual([
      '700',
      '600',
      '644',
      '440',
    ]);
  });

  test('with one file has one, not one files', async () => {
    const dir = join(await directory(), 'out');
    const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {k: v}\n';
    const one = mounting(pod('web', '', ', volumes: [{name: v, configMap: {name: m}}]'), 'v');
    const { out } = await render(['-f', '/p', '-f', '/m', '--out', dir], { '/p': one, '/m': map });
    expect(out).toBe(`Wrote ${dir}/pod.json and 1 stored file\n`);
  });

  test('stays as it is the second time', async () => {
    const dir = join(await directory(), 'out');
    await render(['-f', SHOP, '--out', dir]);
    const before = await snapshot(dir);
    const { code, out } = await render(['-f', SHOP, '--out', dir]);
    expect({ code, out }).toEqual({ code: 0, out: `${dir} is up to date\n` });
    expect(await snapshot(dir)).toEqual(before);
    const json = await render(['-f', SHOP, '--out', dir, '-o', 'json']);
    expect(JSON.parse(json.out)).toMatchObject({ directory: dir, changed: false, files: 5 });
  });

  test('may be there, if it is empty', async () => {
    const dir = await directory();
    expect(await render(['-f', SHOP, '--out', dir])).toMatchObject({ code: 0 });
  });

  test.each<[string, string, (dir: string) => Promise<void>]>([
    ['another file', 'pod.json.orig', (dir) => writeFile(join(dir, 'pod.json.orig'), 'x')],
    ['a changed manifest', 'pod.json', (dir) => writeFile(join(dir, 'pod.json'), 'x')],
    [
      'changed content of the same size',
      'files/all/..',
      async (dir) => {
        const file = join(dir, 'files/all/..data/blob');
        await writeFile(file, 'xyz');
      },
    ],
    ['another mode', 'files/all', (dir) => chmod(join(dir, 'files/all'), 0o700)],
  ])('with %s is told and left alone', async (_what, where, change) => {
    const dir = join(await directory(), 'out');
    await render(['-f', SHOP, '--out', dir]);
    await change(dir);
    const before = await snapshot(dir);
    const { code, err } = await render(['-f', SHOP, '--out', dir]);
    expect(code).toBe(2);
    expect(err).toContain(`--out ${dir}: ${dir}/${where}`);
    expect(err).toContain('nothing was changed');
    expect(await snapshot(dir)).toEqual(before);
  });

  test('that lacks a file is told', async () => {
    const dir = await directory();
    await mkdir(join(dir, 'files'), { mode: 0o755 });
    await chmod(join(dir, 'files'), 0o755);
    expect(await render(['-f', LIST, '--out', dir])).toMatchObject({
      code: 2,
      err: expect.stringContaining('pod.json is not what would be written'),
    });
  });

  test('that is a file is told', async () => {
    const dir = join(await directory(), 'out');
    await writeFile(dir, '');
    expect(await render(['-f', SHOP, '--out', dir])).toMatchObject({
      code: 2,
      err: expect.stringContaining(`--out ${dir}: ${dir} is not`),
    });
  });

  test('in a directory that is not there is told', async () => {
    const dir = join(await directory(), 'no', 'out');
    expect(await render(['-f', SHOP, '--out', dir])).toMatchObject({
      code: 4,
      err: expect.stringContaining('does not exist, so nothing can be written'),
    });
  });

  test.each<[string, (parent: string) => Promise<string>, RegExp]>([
    [
      'below a file',
      async (parent) => {
        await writeFile(join(parent, 'file'), '');
        return join(parent, 'file', 'out');
      },
      /--out .*out: something above it is no directory, so nothing can be written into .*file; name another/,
    ],
    [
      'below a link to nowhere',
      async (parent) => {
        await symlink('nowhere', join(parent, 'link'));
        return join(parent, 'link', 'out');
      },
      /--out .*out: .*link does not exist, so nothing can be written into it; make it first/,
    ],
    [
      'with a name too long',
      async (parent) => join(parent, 'x'.repeat(300)),
      /--out .*: its path is longer than the system takes; name one/,
    ],
  ])('%s is told in one sentence', async (_where, place, expected) => {
    const { code, err } = await render(['-f', SHOP, '--out', await place(await directory())]);
    expect(err).toMatch(expected);
    expect(err).not.toMatch(/E[A-Z]{4,}|tmp'/);
    expect({ code, lines: err.trimEnd().split('\n').length }).toEqual({ code: 4, lines: 1 });
  });

  test('is not made for a refused pod', async () => {
    const dir = join(await directory(), 'out');
    expect(await render(['-f', '/p', '--out', dir], { '/p': pod('web', '', ', restartPolicy: Never') })).toMatchObject({ code: 3 });
    await expect(lstat(dir)).rejects.toThrow('ENOENT');
  });

  test.each(['EPERM', 'EINVAL'])('belongs to whoever wrote it where owners may not be set (%s)', async (code) => {
    const parent = await directory();
    const dir = join(parent, 'out');
    const primitives = { ...nodePrimitives(), chown: () => Promise.reject(Object.assign(new Error('no'), { code })) };
    expect(await writeRendered({ dir, draft: SMALL_DRAFT, primitives })).toMatchObject({ kind: 'written', owners: false });
    expect(await writeRendered({ dir, draft: SMALL_DRAFT, primitives })).toMatchObject({ kind: 'unchanged', owners: false });
    expect(await readdir(parent)).toEqual(['out']);
  });

  test('is not there after any other failure', async () => {
    const parent = await directory();
    const primitives = { ...nodePrimitives(), fsync: () => Promise.reject(Object.assign(new Error('no'), { code: 'EIO' })) };
    await expect(writeRendered({ dir: join(parent, 'out'), draft: SMALL_DRAFT, primitives })).rejects.toThrow(/writing .*out: no/);
    expect(await readdir(parent)).toEqual([]);
  });
});

test('YAML is read as kubectl reads it: octal modes, merge keys, booleans, times as text', async () => {
  const text = `${mounting(pod('web', ', annotations: {at: 2026-01-02T03:04:05Z}', ', hostNetwork: yes, volumes: [{name: v, configMap: {name: m, defaultMode: 0400}}]'), 'v').replace('{name: c,', '{<<: {name: c},')}---
apiVersion: v1
kind: ConfigMap
metadata: {name: m}
data: {k: v}
`;
  const dir = join(await directory(), 'out');
  expect(await render(['-f', '/p', '--out', dir], { '/p': text })).toMatchObject({ code: 0 });
  expect((await lstat(join(dir, 'files/v/..data/k'))).mode & 0o777).toBe(0o400);
  const manifest = JSON.parse(await readFile(join(dir, 'pod.json'), 'utf8'));
  expect(manifest).toMatchObject({
    metadata: { annotations: { at: '2026-01-02T03:04:05Z' } },
    spec: { hostNetwork: true, containers: [{ name: 'c' }] },
  });
});

test('secret variables by file are written beside the pod, and stand in it nowhere', async () => {
  const given = `${pod('web', ', annotations: {checkpointer/secret-env: env-file}').replace(
    'image: i',
    'image: i, env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]',
  )}---\nkind: Secret\napiVersion: v1\nmetadata: {name: s}\nstringData: {k: ${VALUE}}\n`;
  const out = join(await directory(), 'out');
  const argv = ['-f', '/p', '--out', out, '--kubelet-version', '1.35'];

  const without = await render(argv, { '/p': given });
  expect({ code: without.code, told: without.err.includes('set agentImage') }).toEqual({ code: 3, told: true });
  const { code, err } = await render([...argv, '--agent-image', 'agent:1'], { '/p': given });

  expect({ code, shown: err.includes(VALUE) }).toEqual({ code: 0, shown: false });
  expect(await readFile(join(out, 'files/podckpt-env/env'), 'utf8')).toBe(`c.A='${VALUE}'\n`);
  const text = await readFile(join(out, 'pod.json'), 'utf8');
  expect(text).toContain('"fileKeyRef"');
  expect(text).not.toContain(VALUE);
});
