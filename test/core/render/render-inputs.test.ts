/** What the kubelet would put into volumes and environments, computed from the objects. */
import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/core/model/model.ts';
import { renderInputs } from '../../../src/core/render/render-inputs.ts';
import { OPTIONS, TARGET } from '../pods.ts';
import { configMap, podWith, secret, sorted } from './render-objects.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

function inputsOf(pod: Json, others: readonly Json[], options = OPTIONS, target = TARGET) {
  const result = sorted(pod, ...others);
  if (!result.ok) throw new Error(result.problems.join('; '));
  return renderInputs(result.objects, options, target);
}

const mountingV = { name: 'c', volumeMounts: [{ name: 'v', mountPath: '/v' }] };

/** Path, mode, owner and text of each file. */
function filesOf(volume: Json, others: readonly Json[], spec: Json = {}) {
  const { inputs, reasons } = inputsOf(podWith({ containers: [mountingV], volumes: [{ name: 'v', ...volume }], ...spec }), others);
  const files = (inputs.volumes['v'] ?? []).map(
    ({ path, mode, uid, gid, content }) => `${path} ${mode.toString(8)} ${uid}:${gid} ${Buffer.from(content)}`,
  );
  return { files, reasons: reasons.map(({ code, message }) => `${code}: ${message}`) };
}

function envOf(container: Json, others: readonly Json[], more: { pod?: Json; options?: typeof OPTIONS; target?: typeof TARGET } = {}) {
  const pod = { ...podWith({ containers: [{ name: 'c', ...container }] }), ...more.pod };
  const { inputs, reasons } = inputsOf(pod, others, more.options, more.target);
  const env = Object.fromEntries((inputs.containers['c']?.env ?? []).map(({ name, value }) => [name, value]));
  return { env, reasons: reasons.map(({ code, message }) => `${code}: ${message}`) };
}

describe('a volume', () => {
  const db = secret('db', { data: { user: base64('root') }, stringData: { password: 'pw', user: 'shop' } });
  const conf = configMap('conf', { data: { 'a.yaml': 'a' }, binaryData: { blob: base64('b') } });

  test('of a Secret holds its data, texts going before', () => {
    expect(filesOf({ secret: { secretName: 'db' } }, [db]).files).toEqual(['user 644 0:0 shop', 'password 644 0:0 pw']);
  });

  test('of a ConfigMap holds data and binary data', () => {
    expect(filesOf({ configMap: { name: 'conf' } }, [conf]).files).toEqual(['a.yaml 644 0:0 a', 'blob 644 0:0 b']);
  });

  test('holds the chosen keys only, under their paths and modes', () => {
    const items = [
      { key: 'user', path: './in//side', mode: 0o440 },
      { key: 'password', path: 'pw' },
    ];
    expect(filesOf({ secret: { secretName: 'db', defaultMode: 0o400, items } }, [db]).files).toEqual([
      'in/side 440 0:0 shop',
      'pw 400 0:0 pw',
    ]);
  });

  test('lets the group of the pod read', () => {
    const { files } = filesOf({ secret: { secretName: 'db', defaultMode: 0o400 } }, [db], { securityContext: { fsGroup: 2000 } });
    expect(files).toEqual(['user 440 0:2000 shop', 'password 440 0:2000 pw']);
  });

  test('that is projected merges its sources in order', () => {
    const sources = [
      { secret: { name: 'db', items: [{ key: 'user', path: 'a.yaml' }] } },
      { configMap: { name: 'conf', items: [{ key: 'a.yaml', path: 'a.yaml', mode: 0o600 }] } },
      { configMap: { name: 'gone', optional: true } },
      { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    ];
    expect(filesOf({ projected: { defaultMode: 0o444, sources } }, [db, conf])).toEqual({
      files: ['a.yaml 600 0:0 a', 'labels 444 0:0 a="x\\"y"\nb="2"'],
      reasons: [],
    });
  });

  test('that is optional may lack its object or a key', () => {
    expect(filesOf({ secret: { secretName: 'gone', optional: true } }, [])).toEqual({ files: [], reasons: [] });
    const items = [{ key: 'gone', path: 'x' }];
    expect(filesOf({ configMap: { name: 'conf', optional: true, items } }, [conf])).toEqual({ files: [], reasons: [] });
  });

  test.each<[string, Json, RegExp]>([
    [
      'an object that is not given',
      { secret: { secretName: 'gone' } },
      /^volume-not-captured: spec\.volumes\[0\] "v"\.secret needs Secret apps\/gone,.*add it with -f/,
    ],
    [
      'a key that is not there',
      { configMap: { name: 'conf', items: [{ key: 'k', path: 'p' }] } },
      /^volume-not-captured: .*items\[0\] needs the key "k" of ConfigMap apps\/conf/,
    ],
    [
      'a path that leads out',
      { secret: { secretName: 'db', items: [{ key: 'user', path: 'a/../../b' }] } },
      /^malformed: .*\.path "a\/\.\.\/\.\.\/b" is no relative path/,
    ],
    ['an absolute path', { secret: { secretName: 'db', items: [{ key: 'user', path: '/etc/x' }] } }, /^malformed: .*no relative path/],
    ['no path', { secret: { secretName: 'db', items: [{ key: 'user' }] } }, /^malformed: .*no relative path/],
    [
      'a path with a long name',
      { secret: { secretName: 'db', items: [{ key: 'user', path: 'x'.repeat(256) }] } },
      /^malformed: .*no relative path/,
    ],
    ['a mode beyond 0777', { secret: { secretName: 'db', defaultMode: 0o1777 } }, /^malformed: .*defaultMode is no file mode/],
    [
      'a mode that is text',
      { secret: { secretName: 'db', items: [{ key: 'user', path: 'u', mode: '0400' }] } },
      /^malformed: .*items\[0\]\.mode is no file mode/,
    ],
    [
      'a file below a file',
      {
        secret: {
          secretName: 'db',
          items: [
            { key: 'user', path: 'a' },
            { key: 'password', path: 'a/b' },
          ],
        },
      },
      /^malformed: .*puts "a\/b" below the file "a"/,
    ],
    [
      'a token',
      { projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }, { serviceAccountToken: { path: 'token' } }] } },
      /^volume-not-captured: .*service account token, which only an API server gives; remove the volume/,
    ],
    [
      'a trust bundle',
      { projected: { sources: [{ clusterTrustBundle: { path: 'ca' } }] } },
      /cluster trust bundle, which only an API server gives/,
    ],
    [
      'an address in a file',
      {
        projected: {
          sources: [{ secret: { name: 'db' } }, { downwardAPI: { items: [{ path: 'ip', fieldRef: { fieldPath: 'status.podIP' } }] } }],
        },
      },
      /^field-reference: .*status\.podIP, which only a running pod has/,
    ],
    [
      'an amount that is not set',
      {
        projected: {
          sources: [
            { secret: { name: 'db' } },
            { downwardAPI: { items: [{ path: 'cpu', resourceFieldRef: { containerName: 'c', resource: 'limits.cpu' } }] } },
          ],
        },
      },
      /^field-reference: .*set that limit/,
    ],
  ])('with %s is one reason', (_what, volume, expected) => {
    const { reasons } = filesOf(volume, [db, conf]);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toMatch(expected);
  });
});

describe('an environment', () => {
  const db = secret('db', { data: { user: base64('shop'), 'pass.word': base64('$(user)') } });
  const conf = configMap('conf', { data: { user: 'first', level: 'debug' }, binaryData: { blob: base64('b') } });
  const reference = (name: string, key: string, more: Json = {}) => ({ secretKeyRef: { name, key, ...more } });

  test('begins with envFrom, later sources winning, without binary data', () => {
    const envFrom = [{ configMapRef: { name: 'conf' } }, { secretRef: { name: 'db' } }, { prefix: 'X_', configMapRef: { name: 'conf' } }];
    expect(envOf({ envFrom }, [db, conf]).env).toEqual({
      user: 'shop',
      level: 'debug',
      'pass.word': '$(user)',
      X_user: 'first',
      X_level: 'debug',
    });
  });

  test('expands literals in order and takes references as they are', () => {
    const env = [
      { name: 'EARLY', value: '$(PW) $$(user) $(user)' },
      { name: 'PW', valueFrom: reference('db', 'pass.word') },
      { name: 'LATE', value: '$(PW)' },
      { name: 'EMPTY' },
    ];
    expect(envOf({ env, envFrom: [{ configMapRef: { name: 'conf' } }] }, [db, conf]).env).toMatchObject({
      EARLY: '$(PW) $(user) first',
      PW: '$(user)',
      LATE: '$(user)',
      EMPTY: '',
    });
  });

  test('does without what is optional, and keeps what envFrom gave', () => {
    const env = [{ name: 'user', valueFrom: reference('db', 'gone', { optional: true }) }];
    const envFrom = [{ configMapRef: { name: 'conf' } }, { secretRef: { name: 'gone', optional: true } }];
    expect(envOf({ env, envFrom }, [db, conf])).toEqual({ env: { user: 'first', level: 'debug' }, reasons: [] });
  });

  test('leaves to the kubelet what only a running pod has', () => {
    const env = [
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
      { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'LISTEN', value: '$(IP):80' },
    ];
    expect(envOf({ env }, [])).toEqual({ env: { NAME: 'web', LISTEN: ':80' }, reasons: [] });
  });

  test.each<[string, Json, RegExp]>([
    [
      'an object that is not given',
      { env: [{ name: 'A', valueFrom: reference('gone', 'k') }] },
      /^env-not-captured: spec\.containers\[0\] "c"\.env\[0\] A needs Secret apps\/gone/,
    ],
    [
      'a key that is not there',
      { env: [{ name: 'A', valueFrom: reference('db', 'k') }] },
      /^env-not-captured: .*A needs the key "k" of Secret apps\/db/,
    ],
    [
      'binary data',
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'blob' } } }] },
      /needs the key "blob" of ConfigMap apps\/conf/,
    ],
    [
      'a source that is not given',
      { envFrom: [{ configMapRef: { name: 'gone' } }] },
      /^env-not-captured: .*envFrom\[0\] needs ConfigMap apps\/gone/,
    ],
    [
      'a name set twice, once later',
      {
        env: [
          { name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'A', value: 'x' },
        ],
      },
      /^field-reference: .*set more than once/,
    ],
  ])('with %s is one reason', (_what, container, expected) => {
    const { reasons } = envOf(container, [db, conf]);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toMatch(expected);
  });

  test('asks for the node addresses where the kubelet is too old to answer, and takes them from the status', () => {
    const container = { env: [{ name: 'IPS', valueFrom: { fieldRef: { fieldPath: 'status.hostIPs' } } }] };
    const target = { nodeName: 'n', kubeletMinor: 31 };
    expect(envOf(container, [], { target }).reasons[0]).toMatch(/^field-reference: .*status\.hostIPs.*--kubelet-version 1\.32/);
    const pod = { status: { hostIPs: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }] } };
    expect(envOf(container, [], { target, pod })).toEqual({ env: { IPS: '192.0.2.1,2001:db8::1' }, reasons: [] });
  });
});
