/** `render` as people run it: files in, a static pod or a sentence out. */
import { readFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { decodeManifest } from '../../src/core/model/manifest.ts';
import { LIST, mounting, pod, render, SHOP, VALUE } from './run-render.ts';

describe('a rendered pod', () => {
  test('is the text that the agent places, with values from its Secrets and ConfigMaps', async () => {
    const { code, out, err } = await render(['-f', SHOP, '--kubelet-version', '1.34']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(decodeManifest(out)).toMatchObject({
      ok: true,
      manifest: {
        metadata: {
          name: 'shop-ckpt',
          namespace: 'kube-system',
          labels: { app: 'shop', 'checkpointer/copy': 'true' },
          annotations: {
            'checkpointer/copy-of': 'kube-system/shop',
            'checkpointer/revision': expect.stringMatching(/^[0-9a-f]{32}$/),
            'checkpointer/attempt': '1',
          },
        },
        spec: {
          containers: [
            {
              env: [
                { name: 'CFG_level', value: 'debug' },
                { name: 'PASSWORD', value: `${VALUE}$$(X)` },
                { name: 'URL', value: 'postgres://shop:$(PASSWORD)@db/$(CFG_level)' },
                { name: 'NODE_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
                { name: 'LISTEN', value: '$(NODE_IP):8080' },
              ],
            },
          ],
          volumes: [
            {
              name: 'tls',
              hostPath: {
                path: expect.stringMatching(
                  /^\/var\/lib\/pod-checkpointer\/checkpoints\/kube-system_shop\/revisions\/[0-9a-f]{32}\/files\/tls$/,
                ),
              },
            },
            { name: 'all' },
          ],
        },
      },
    });
  });

  test('comes out of lists, JSON and standard input, in the namespace asked for', async () => {
    const { code, out } = await render(['-f', '-', '-n', 'apps'], { '/dev/stdin': await readFile(LIST, 'utf8') });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ metadata: { name: 'greeter-ckpt', namespace: 'apps' } });
  });

  test('comes out of several files', async () => {
    const text = mounting(pod('web', '', ', volumes: [{name: v, secret: {secretName: s}}]'), 'v');
    const { code } = await render(['-f', '/a', '--filename=/b'], {
      '/a': text,
      '/b': 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n',
    });
    expect(code).toBe(0);
  });

  test('is the same as YAML and as JSON', async () => {
    const [text, json, yaml] = await Promise.all([[], ['-o', 'json'], ['-o', 'yaml']].map((more) => render(['-f', SHOP, ...more])));
    expect(json?.out).toBe(text?.out);
    expect(load(yaml?.out ?? '')).toEqual(JSON.parse(text?.out ?? ''));
  });

  test.each<[string, readonly string[], string, Record<string, string>, number]>([
    ['the flag', ['--node-name', 'n'.repeat(150)], ', nodeName: bound', { NODE_NAME: 'env' }, 150],
    ['the pod', [], `, nodeName: ${'n'.repeat(190)}`, { NODE_NAME: 'env' }, 190],
    ['the environment', [], '', { NODE_NAME: 'n'.repeat(180) }, 180],
    ['nowhere', [], '', {}, 4],
  ])('has a name that fits the node told by %s', async (_by, argv, spec, env, length) => {
    const { out } = await render(['-f', '/p', ...argv], { '/p': pod('w'.repeat(240), '', spec) }, env);
    // 255 for a log directory, less namespace and uid
    expect(JSON.parse(out).metadata.name).toHaveLength(255 - 34 - 'default'.length - 1 - length);
  });
});

describe('a refused pod', () => {
  test('has all its reasons on stderr, one a line, and nothing on stdout', async () => {
    const text = pod('web', ', annotations: {checkpointer/ordr: "1"}', ', restartPolicy: Never');
    const { code, out, err } = await render(['-f', '/p'], { '/p': text });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err.trimEnd().split('\n')).toEqual([
      expect.stringContaining('annotation checkpointer/ordr is unknown'),
      expect.stringContaining('spec.restartPolicy'),
    ]);
  });

  test.each(['json', 'yaml'])('is data, too, when %s is asked for', async (form) => {
    const { code, out, err } = await render(['-f', '/p', '-o', form], { '/p': pod('web', '', ', restartPolicy: Never') });
    expect(code).toBe(3);
    expect(load(out)).toEqual({ namespace: 'default', name: 'web', reasons: [{ code: 'restart-policy', message: expect.any(String) }] });
    expect(err).toContain('spec.restartPolicy');
  });

  test('hears what is missing together with what is not allowed, each once', async () => {
    const volumes = ', volumes: [{name: v, secret: {secretName: s}}, {name: p, persistentVolumeClaim: {claimName: x}}]';
    const text = mounting(pod('web', '', volumes), 'v', 'p');
    const { err } = await render(['-f', '/p'], { '/p': text });
    expect(err.trimEnd().split('\n')).toEqual([
      expect.stringContaining('needs Secret default/s'),
      expect.stringContaining('persistentVolumeClaim'),
    ]);
  });

  test('that is refused as a whole hears what to mend in its fields in the same breath', async () => {
    const volumes =
      ', restartPolicy: Never, volumes: [{name: v, secret: {secretName: s}}, {name: p, persistentVolumeClaim: {claimName: x}}]';
    const text = mounting(pod('web', ', annotations: {checkpointer/odrer: "1"}', volumes), 'v', 'p');
    const { code, err } = await render(['-f', '/p'], { '/p': text });
    expect(code).toBe(3);
    expect(err.trimEnd().split('\n')).toEqual([
      expect.stringContaining('checkpointer/odrer is unknown'),
      expect.stringContaining('restartPolicy'),
      expect.stringContaining('needs Secret default/s'),
      expect.stringContaining('persistentVolumeClaim'),
    ]);
  });

  test.each<[string, string, RegExp]>([
    [
      'a secret variable without consent',
      `${pod('web')}---\nkind: Secret\napiVersion: v1\nmetadata: {name: s}\nstringData: {k: ${VALUE}}\n`.replace(
        'image: i',
        'image: i, env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]',
      ),
      /takes A from a Secret/,
    ],
    [
      'a service account token',
      mounting(pod('web', '', ', volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: token}}]}}]'), 't'),
      /remove the volume and its mounts/,
    ],
    ['a name of 253 characters', pod('n'.repeat(253)), /have more than 254 characters together/],
    ['no name', 'apiVersion: v1\nkind: Pod\nspec: {containers: [{name: c, image: i}]}\n', /metadata\.name/],
    ['no spec', 'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n', /spec is missing/],
    [
      'a manifest too large for the kubelet',
      pod('web').replace('image: i', `image: i, args: ["${'\u2028'.repeat(1_800_000)}"]`),
      /larger than the kubelet reads/,
    ],
    ['options that ask for no', pod('web', ', annotations: {checkpointer/enabled: "false"}'), /unknown value "false"/],
  ])('for %s is told', async (_what, text, expected) => {
    const { code, out, err } = await render(['-f', '/p'], { '/p': text });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(expected);
    expect(err).not.toContain(VALUE);
  });
});

describe('a pod that no API server would have had', () => {
  const wrong = pod(
    'web',
    ', labels: {a: x y}',
    ', dnsPolicy: clusterfirst, volumes: [{name: v, hostPath: {path: /../x}}, {name: v}]',
  ).replace(
    '{name: c, image: i}',
    '{name: c, image: i, ports: [{containerPort: 99999}], livenessProbe: {}, env: [{name: A, valueFrom: {}}], resources: {limits: {memory: abc}}}',
  );

  test('is refused for everything at once, a sentence a line', async () => {
    const { code, out, err } = await render(['-f', '/p'], { '/p': wrong });
    const places = err
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^pod-checkpointer render: /, '').split(' ')[0]);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(places.sort()).toEqual([
      'metadata.labels["a"]',
      'spec.containers[0].env[0].valueFrom',
      'spec.containers[0].livenessProbe',
      'spec.containers[0].ports[0].containerPort',
      'spec.containers[0].resources.limits.memory',
      'spec.dnsPolicy',
      'spec.volumes[0].hostPath.path',
      'spec.volumes[1].name',
    ]);
  });

  test('is refused as data, too, beside what else is wrong with it', async () => {
    const { code, out } = await render(['-f', '/p', '-o', 'json'], { '/p': wrong.replace('dnsPolicy', 'restartPolicy: Never, dnsPolicy') });
    const codes = JSON.parse(out).reasons.map((reason: { code: string }) => reason.code);
    expect({ code, kinds: [...new Set(codes)] }).toEqual({ code: 3, kinds: ['restart-policy', 'malformed'] });
  });

  test.each([
    [
      'a port',
      'image: i',
      'image: i, ports: [{containerPort: x}]',
      'spec.containers[0].ports[0].containerPort is no port; write a number from 1 to 65535',
    ],
    [
      'a probe',
      'image: i',
      'image: i, livenessProbe: []',
      'spec.containers[0].livenessProbe is no object; write its fields below it, one a line',
    ],
  ])('is told of %s once, where two would tell it', async (_what, from, to, sentence) => {
    const { err } = await render(['-f', '/p'], { '/p': pod().replace(from, to) });
    expect(err).toBe(`pod-checkpointer render: ${sentence}\n`);
  });
});

describe('a mistake', () => {
  test.each<[string, readonly string[], RegExp]>([
    ['no file', [], /no file is given; write -f FILE/],
    ['a namespace', ['-f', SHOP, '-n', 'A_B'], /--namespace "A_B" is no valid namespace/],
    ['a node name', ['-f', SHOP, '--node-name', 'A B'], /--node-name "A B" is no valid name/],
    ['a version', ['-f', SHOP, '--kubelet-version', '34'], /--kubelet-version "34" is no version/],
    ['an empty directory name', ['-f', SHOP, '--out='], /--out is empty/],
    ['a form', ['-f', SHOP, '-o', 'table'], /write json or yaml/],
  ])('in the command line is told: %s', async (_what, argv, expected) => {
    expect(await render(argv)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(expected) });
  });

  test.each(['1.34', 'v1.34.2', '1.35.0+k3s1'])('is not a version such as %s', async (version) => {
    expect(await render(['-f', SHOP, '--kubelet-version', version])).toMatchObject({ code: 0 });
  });

  test.each<[string, string, RegExp]>([
    ['broken YAML', `a: 1\nb: c: ${VALUE}\n`, /\/p: no valid YAML in line 2, column \d+: [a-z ]+; correct it/],
    ['a key twice', `data:\n  ${VALUE}: 1\n  ${VALUE}: 2\n`, /\/p: line 3, column 3 has a key that its object holds already; keep one of/],
    [
      'a key twice in JSON',
      `{"data": {\n  "${VALUE}": 1,\n  "${VALUE}": 2}}`,
      /\/p: line 3, column 3 has a key that its object holds already; keep one of/,
    ],
    ['an unknown alias', `a: *${VALUE}\n`, /line 1, column \d+: unidentified alias; correct it/],
    ['an unknown tag', `a: !${VALUE} x\n`, /line 1, column \d+: unknown [a-z ]+; correct it/],
    ['broken JSON', `{"a": ${VALUE}`, /no valid YAML in line \d+, column \d+/],
    ['nothing', '', /no document has any content/],
    ['empty documents', '# nothing\n---\n---\n', /no document has any content/],
    ['a DaemonSet', 'apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: x}\n', /\/p: a "DaemonSet" is no Pod; give one of its pods/],
    ['two pods', `${pod('a')}---\n${pod('b')}`, /2 pods are given \("a" in \/p, document 1; "b" in \/p, document 2\)/],
    ['more than 10 MiB', `# ${'x'.repeat(10 * 1024 * 1024)}`, /\/p: larger than 10 MiB/],
    ['bytes that are no text', 'a: \ufffd', /\/p: holds bytes that are no UTF-8 text/],
    [
      'aliases of aliases',
      `${Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'x' : `*a${i - 1}, *a${i - 1}`}]`).join('\n')}\n`,
      /aliases or levels make more of it/,
    ],
    ['an alias of itself', 'a: &a [*a]\n', /aliases or levels|unidentified alias/],
    ['a thousand levels', `{"a": ${'['.repeat(1000)}${']'.repeat(1000)}}`, /aliases or levels|more levels/],
    [
      'a secret of nonsense',
      `${pod()}---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: "${VALUE}!"}\n`,
      /document 2: Secret default\/s, data: the value of "k" is not base64/,
    ],
  ])('in a file is told: %s', async (_what, text, expected) => {
    const { code, out, err } = await render(['-f', '/p'], { '/p': text });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(expected);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).not.toContain(VALUE);
  });

  test.each<[string, RegExp]>([
    ['ENOENT', /\/p: there is no such file/],
    ['EACCES', /\/p: reading it is not permitted/],
    ['EISDIR', /\/p: it is a directory/],
    ['ERR_FS_FILE_TOO_LARGE', /\/p: it is far larger than 10 MiB/],
    ['EIO', /\/p: it cannot be read \(EIO\)/],
  ])('that keeps a file from being read (%s) is told with those in others', async (code, expected) => {
    const result = await render(['-f', '/p', '-f', '/q'], { '/p': { code }, '/q': 'a: b: c' });
    expect(result).toMatchObject({ code: 4, out: '', err: expect.stringMatching(expected) });
    expect(result.err).toContain('/q: no valid YAML');
    expect(result.err).not.toContain(VALUE);
  });

  test('on standard input is told by that name', async () => {
    expect(await render(['-f', '-'], { '/dev/stdin': 'x' })).toMatchObject({
      code: 2,
      err: expect.stringContaining('standard input holds no Kubernetes object'),
    });
  });
});

test.each(['true', 'yes', 'null', '1', '[a]'])('checkpointer/enabled: %s, without quotes, is refused in a sentence', async (value) => {
  const { code, out, err } = await render(['-f', 'a'], { a: pod('web', `, annotations: {checkpointer/enabled: ${value}}`) });

  expect({ code, out }).toEqual({ code: 3, out: '' });
  expect(err).toBe('pod-checkpointer render: metadata.annotations["checkpointer/enabled"] is no text; put it in quotes\n');
});
