/** `render --standalone`: the pod itself for a node without an agent, and nothing by which anybody would take it for a copy. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { scratch } from '../adapters/disk/scratch.ts';
import { pod, render, SHOP } from './run-render.ts';

const directory = scratch();
const WEB = pod('web', ', uid: u-1, labels: {app: web}, annotations: {checkpointer/order: "1", note: "n"}');

describe('a pod rendered for a node without an agent', () => {
  test('keeps its name, and its own labels and annotations only', async () => {
    const { code, out, err } = await render(['-f', '/p', '--standalone'], { '/p': WEB });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out).metadata).toEqual({ name: 'web', namespace: 'default', labels: { app: 'web' }, annotations: { note: 'n' } });
    expect(out).not.toContain('ckpt');
    expect(out).not.toContain('checkpointer/');
  });

  test('is a copy all the same without the flag', async () => {
    const { out } = await render(['-f', '/p'], { '/p': WEB });
    expect(JSON.parse(out).metadata).toMatchObject({ name: 'web-ckpt', labels: { 'checkpointer/copy': 'true' } });
  });

  test('lies in the directory with its files, under paths of that directory', async () => {
    const dir = join(await directory(), 'out');
    const { code, err } = await render(['-f', SHOP, '--standalone', '--kubelet-version', '1.34', '--out', dir]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(await readdir(dir)).toEqual(['files', 'pod.json']);
    const text = await readFile(join(dir, 'pod.json'), 'utf8');
    expect(JSON.parse(text).metadata).toMatchObject({ name: 'shop', namespace: 'kube-system' });
    expect(JSON.parse(text).spec.volumes[0].hostPath.path).toBe(`${dir}/files/tls`);
    expect(text).not.toContain('checkpointer');
  });

  test('is the same as YAML', async () => {
    const [json, yaml] = await Promise.all(['json', 'yaml'].map((form) => render(['-f', '/p', '--standalone', '-o', form], { '/p': WEB })));
    expect(load(yaml?.out ?? '')).toEqual(JSON.parse(json?.out ?? ''));
  });

  test('with stored files needs a directory, because nobody else writes them', async () => {
    const { code, out, err } = await render(['-f', SHOP, '--standalone']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/--standalone: .* --out DIR/);
  });

  test('is refused where its name does not fit beside that of the node, and is never cut', async () => {
    // 255 for a log directory, less uid, namespace and the name of the node
    const room = 255 - 34 - 'default'.length - '-node'.length;
    expect(await render(['-f', '/p', '--standalone'], { '/p': pod('w'.repeat(room)) })).toMatchObject({ code: 0 });
    const { code, err } = await render(['-f', '/p', '--standalone'], { '/p': pod('w'.repeat(room + 1)) });
    expect(code).toBe(3);
    expect(err).toContain('metadata.name leaves no room for the name of its node');
  });

  test('keeps a hostname with a dot', async () => {
    const { out } = await render(['-f', '/p', '--standalone', '--kubelet-version', '1.37'], { '/p': pod('web.shop') });
    expect(JSON.parse(out)).toMatchObject({ metadata: { name: 'web.shop' }, spec: { hostnameOverride: 'web.shop' } });
  });
});
