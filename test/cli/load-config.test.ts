/** Reading the configuration file: what it may hold, and what is said of one that cannot be read. */
import { describe, expect, test } from 'vitest';
import { type ConfigRequest, loadConfig } from '../../src/cli/load-config.ts';

function load(text: string | Error, rest: Partial<ConfigRequest> = {}) {
  const readFile = () => (typeof text === 'string' ? Promise.resolve(text) : Promise.reject(text));
  return loadConfig({ file: 'agent.yaml', flags: {}, env: {}, readFile, ...rest });
}

async function errors(text: string | Error, rest: Partial<ConfigRequest> = {}): Promise<readonly string[]> {
  const result = await load(text, rest);
  return result.ok ? [] : result.errors;
}

describe('a file', () => {
  test('in YAML or JSON gives the same configuration', async () => {
    const yaml = await load('limits:\n  bytesPerPod: 1Mi # enough\nnamespaces: [a, b]\nallowTmpfs: true\n');
    const json = await load('{"limits": {"bytesPerPod": "1Mi"}, "namespaces": ["a", "b"], "allowTmpfs": true}');
    expect(yaml).toEqual(json);
    expect(yaml).toMatchObject({ ok: true, config: { limits: { bytesPerPod: 1_048_576 }, namespaces: ['a', 'b'], allowTmpfs: true } });
  });

  test.each(['', '\n', '# only a comment\n', '---\n'])('that holds %j means the defaults', async (text) => {
    expect(await load(text)).toEqual(await load('', { file: undefined }));
  });

  test.each([
    ['a mapping that is not closed', 'namespaces: [a', 'agent.yaml: no valid YAML in line 1, column 15: '],
    [
      'a key given twice',
      'minReady: 1s\nminReady: 2s\n',
      'agent.yaml: no valid YAML in line 2, column 1: duplicated mapping key; correct it',
    ],
    ['two documents', 'minReady: 1s\n---\nminReady: 2s\n', 'agent.yaml: no valid YAML'],
    ['a list', '- minReady\n', 'agent.yaml: not a mapping of keys to values'],
  ])('with %s is refused', async (_, text, words) => {
    const found = await errors(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(words);
  });
});

describe('a file that cannot be read', () => {
  test.each([
    ['ENOENT', 'there is no such file; correct the path'],
    ['EACCES', 'reading it is not permitted; run this as somebody who may'],
    ['EISDIR', 'it is a directory; name a file in it'],
    ['EIO', 'it cannot be read (EIO); check the path'],
  ])('with %s says so', async (code, words) => {
    expect(await errors(Object.assign(new Error('broken'), { code }))).toEqual([`--config agent.yaml: ${words}`]);
  });

  test('does not hide mistakes in the flags, and is not blamed for what it might have held', async () => {
    const found = await errors(Object.assign(new Error('gone'), { code: 'ENOENT' }), {
      flags: { 'log-level': ['loud'] },
      required: ['nodeName'],
    });
    expect(found).toEqual([
      '--config agent.yaml: there is no such file; correct the path',
      '--log-level: "loud" is not allowed; write debug, info, warn or error',
    ]);
  });
});

test('a required key may come from the file', async () => {
  expect(await errors('nodeName: a', { required: ['nodeName'] })).toEqual([]);
  expect(await errors('', { required: ['nodeName'] })).toHaveLength(1);
});

describe("the kubelet's configuration", () => {
  const KUBELET = '/srv/kubelet/config.yaml';
  const files =
    (content: Readonly<Record<string, string>>): ConfigRequest['readFile'] =>
    (path) =>
      path in content ? Promise.resolve(content[path] ?? '') : Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' }));
  const kubelet = (path: string): string => `kind: KubeletConfiguration\nstaticPodPath: ${path}\n`;

  test.each<[string, string, string, string]>([
    ['is looked for below kubeletRootDir', 'kubeletRootDir: /srv/kubelet\n', kubelet('/srv/pods'), '/srv/pods'],
    ['is taken from where it is named', `kubeletConfig: ${KUBELET}\n`, kubelet('/srv/pods'), '/srv/pods'],
    ['may name a path relative to itself', `kubeletConfig: ${KUBELET}\n`, kubelet('pods'), '/srv/kubelet/pods'],
    ['goes after what is given', `kubeletConfig: ${KUBELET}\nstaticPodPath: /mine\n`, kubelet('/srv/pods'), '/mine'],
    [
      'without staticPodPath means the default',
      'kubeletRootDir: /srv/kubelet\n',
      'kind: KubeletConfiguration\n',
      '/etc/kubernetes/manifests',
    ],
    ['that is only presumed may be anything', 'kubeletRootDir: /srv/kubelet\n', 'kind: [', '/etc/kubernetes/manifests'],
    [
      'is not looked at when told so',
      'kubeletRootDir: /srv/kubelet\nkubeletConfig: /dev/null\n',
      kubelet('/srv/pods'),
      '/etc/kubernetes/manifests',
    ],
  ])('%s', async (_, own, theirs, expected) => {
    const result = await load('', { readFile: files({ 'agent.yaml': own, [KUBELET]: theirs }) });

    expect(result).toMatchObject({ ok: true, config: { staticPodPath: expected } });
  });

  test.each<[string, string | undefined, string]>([
    ['is missing', undefined, `kubeletConfig ${KUBELET}: there is no such file; correct the path`],
    ['is no YAML', 'kind: [', `kubeletConfig ${KUBELET}: no valid YAML`],
    ['is something else', 'kind: Config\n', `kubeletConfig ${KUBELET}: it is no configuration of a kubelet`],
    ['names an odd path', kubelet('/'), `${KUBELET}: staticPodPath: "/" is not allowed`],
  ])('that is named and %s is refused', async (_, theirs, words) => {
    const readFile = files({ 'agent.yaml': `kubeletConfig: ${KUBELET}\n`, ...(theirs === undefined ? {} : { [KUBELET]: theirs }) });
    const found = await errors('', { readFile });

    expect(found).toHaveLength(1);
    expect(found[0]).toContain(words);
  });
});
