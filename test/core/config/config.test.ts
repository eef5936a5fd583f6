/** Configuration: where a value comes from, what it may be, and that every mistake is named at once. */
import { describe, expect, test } from 'vitest';
import { type Config, type ConfigSources, readConfig } from '../../../src/core/config/config.ts';
import { allowedForm, configKeys, flagName } from '../../../src/core/config/config-keys.ts';

function good(sources: ConfigSources = {}): Config {
  const result = readConfig(sources);
  if (!result.ok) throw new Error(result.errors.join('\n'));
  return result.config;
}

function errors(sources: ConfigSources): readonly string[] {
  const result = readConfig({ fileName: 'agent.yaml', ...sources });
  return result.ok ? [] : result.errors;
}

describe('the defaults', () => {
  test('are complete and valid without any file, flag or environment', () => {
    expect(good()).toEqual({
      nodeName: '',
      stateDir: '/var/lib/pod-checkpointer',
      staticPodPath: '/etc/kubernetes/manifests',
      kubeletRootDir: '/var/lib/kubelet',
      kubeletConfig: '',
      kubeletVersion: '',
      criSocket: '',
      podResourcesSocket: '/var/lib/kubelet/pod-resources/kubelet.sock',
      kubeconfig: '',
      apiEndpoints: [],
      namespaces: ['kube-system'],
      minReadyMs: 10_000,
      maxAgeMs: 0,
      unreachable: { probes: 3, windowMs: 6000, deadlineMs: 2000 },
      bootFastPath: true,
      orphanGraceMs: 30_000,
      stuckGraceMs: 60_000,
      kubeletBlindGraceMs: 600_000,
      endedGraceMs: 300_000,
      retireGraceMs: 60_000,
      handBackTimeoutMs: 600_000,
      limits: { checkpoints: 500, active: 500, bytesPerPod: 10 * 2 ** 20, bytesTotal: 200 * 2 ** 20 },
      metrics: { address: { host: '127.0.0.1', port: 9642 } },
      log: { level: 'info' },
      legacyAnnotation: '',
      literalHostIp: false,
      agentImage: '',
      bootIdFile: '/proc/sys/kernel/random/boot_id',
      machineIdFile: '/etc/machine-id',
      allowTmpfs: false,
    });
  });

  test('are the same for an empty file, and for a section without content', () => {
    expect(good({ file: null })).toEqual(good());
    expect(good({ file: { unreachable: null, minReady: null } })).toEqual(good());
  });

  test('follow the kubelet root directory for the podresources socket, unless it is given', () => {
    expect(good({ file: { kubeletRootDir: '/data/kubelet/' } }).podResourcesSocket).toBe('/data/kubelet/pod-resources/kubelet.sock');
    expect(good({ file: { kubeletRootDir: '/data', podResourcesSocket: '/run/p.sock' } }).podResourcesSocket).toBe('/run/p.sock');
  });
});

/** For every key: another value than the default, as the file holds it and as a flag has it. */
const OTHER: Readonly<Record<string, readonly [file: unknown, flag: string]>> = {
  nodeName: ['worker-1', 'worker-1'],
  stateDir: ['/data/checkpoints', '/data/checkpoints'],
  staticPodPath: ['/data/manifests', '/data/manifests'],
  kubeletRootDir: ['/data/kubelet', '/data/kubelet'],
  kubeletVersion: ['v1.35.2', 'v1.35.2'],
  agentImage: ['registry.example/agent:1', 'registry.example/agent:1'],
  literalHostIp: [true, 'true'],
  criSocket: ['unix:///run/crio/crio.sock', '/run/crio/crio.sock'],
  podResourcesSocket: ['/run/p.sock', '/run/p.sock'],
  kubeconfig: ['/etc/kubernetes/admin.conf', '/etc/kubernetes/admin.conf'],
  apiEndpoints: [['https://10.0.0.1:6443', 'https://10.0.0.2:6443/'], 'https://10.0.0.1:6443,https://10.0.0.2:6443'],
  namespaces: [['a', 'b'], 'a,b'],
  minReady: ['1m', '60s'],
  kubeletConfig: ['/etc/kubelet.yaml', '/etc/kubelet.yaml'],
  maxAge: ['24h', '24h'],
  'unreachable.probes': [5, '5'],
  'unreachable.window': ['10s', '10s'],
  'unreachable.deadline': ['500ms', '500ms'],
  bootFastPath: [false, 'false'],
  orphanGrace: [0, '0'],
  stuckGrace: ['2m', '2m'],
  kubeletBlindGrace: [0, '0'],
  endedGrace: ['2m', '2m'],
  retireGrace: ['2m', '2m'],
  handBackTimeout: ['1h', '1h'],
  'limits.checkpoints': [7, '7'],
  'limits.active': [7, '7'],
  'limits.bytesPerPod': [1048576, '1Mi'],
  'limits.bytesTotal': ['1Gi', '1Gi'],
  'metrics.address': ['[::1]:9642', '[::1]:9642'],
  'log.level': ['debug', 'debug'],
  legacyAnnotation: ['example.com/checkpoint', 'example.com/checkpoint'],
  bootIdFile: ['/data/boot_id', '/data/boot_id'],
  machineIdFile: ['/data/machine-id', '/data/machine-id'],
  allowTmpfs: [true, 'true'],
};

function fileWith(key: string, value: unknown): unknown {
  const [section = '', inner] = key.split('.');
  return inner === undefined ? { [section]: value } : { [section]: { [inner]: value } };
}

describe('every key', () => {
  test.each(configKeys.map((key) => key.name))('%s can be given in the file and as a flag, with the same effect', (name) => {
    const [inFile, asFlag] = OTHER[name] ?? [undefined, ''];
    const byFile = good({ file: fileWith(name, inFile) });
    const byFlag = good({ flags: { [flagName(name)]: [asFlag] } });
    expect(byFile).not.toEqual(good());
    expect(byFlag).toEqual(byFile);
  });

  test.each(configKeys.map((key) => key.name))('%s refuses an object, and says what it takes', (name) => {
    const key = configKeys.find((candidate) => candidate.name === name);
    const found = errors({ file: fileWith(name, { nested: 1 }) });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`agent.yaml: ${name}: {"nested":1} is not allowed`);
    expect(found[0]).toContain(key === undefined ? 'no such key' : `write ${allowedForm(key)}`);
  });

  test('has a flag of its own in kebab case and one sentence of documentation', () => {
    expect(new Set(configKeys.map((key) => flagName(key.name))).size).toBe(configKeys.length);
    expect(flagName('limits.bytesPerPod')).toBe('limits-bytes-per-pod');
    for (const key of configKeys) expect(key.doc).toMatch(/^[A-Z].*\.$/);
  });
});

describe('precedence', () => {
  test('a flag beats the file, the file beats the environment', () => {
    const env = { NODE_NAME: 'from-env' };
    expect(good({ env }).nodeName).toBe('from-env');
    expect(good({ env, file: { nodeName: 'from-file' } }).nodeName).toBe('from-file');
    expect(good({ env, file: { nodeName: 'from-file' }, flags: { 'node-name': ['from-flag'] } }).nodeName).toBe('from-flag');
  });

  test('of a flag given twice the last one counts, but a list takes them all', () => {
    expect(good({ flags: { 'min-ready': ['1s', '2s'] } }).minReadyMs).toBe(2000);
    expect(good({ flags: { namespaces: ['a,b', 'c', 'a'] } }).namespaces).toEqual(['a', 'b', 'c']);
  });

  test('a bad value is an error although a better source hides nothing of it', () => {
    expect(errors({ file: { minReady: '10s' }, flags: { 'min-ready': ['soon'] } })).toEqual([
      '--min-ready: "soon" is not allowed; write a duration such as 500ms, 10s or 2m, 1h at most',
    ]);
  });
});

describe('mistakes', () => {
  test('are all listed at once, each with its place and the form allowed', () => {
    const found = errors({
      file: { minReadyy: '1s', unreachable: { probes: 'many', dedline: '1s', odd: 1 }, namespaces: 'kube-system', limits: [1] },
      flags: { 'boot-fast-path': ['perhaps'] },
      env: { NODE_NAME: 'Not_A_Node' },
    });
    expect(found).toEqual([
      'agent.yaml: minReadyy: no such key; did you mean minReady?',
      'agent.yaml: unreachable.dedline: no such key; did you mean unreachable.deadline?',
      'agent.yaml: unreachable.odd: no such key; the keys below unreachable are probes, window, deadline',
      'agent.yaml: limits: has keys of its own: checkpoints, active, bytesPerPod, bytesTotal',
      'environment variable NODE_NAME: "Not_A_Node" is not allowed; write the name of a node: lower-case letters, digits, - and .',
      'agent.yaml: namespaces: "kube-system" is not allowed (not a list); write a list of one or more namespaces',
      'agent.yaml: unreachable.probes: "many" is not allowed; write a whole number, from 1 to 100',
      '--boot-fast-path: "perhaps" is not allowed; write true or false',
    ]);
  });

  test.each([
    ['a file that is a list', ['a'], 'not a mapping of keys'],
    ['a file that is one word', 'hello', 'not a mapping of keys'],
    ['a dotted key', { 'log.level': 'debug' }, 'one more level of indentation'],
    ['an unknown key like no other', { somethingElse: 1 }, 'see the list of keys'],
    ['a relative path', { stateDir: 'var/lib' }, 'write an absolute path'],
    ['a path with dots', { stateDir: '/var/../etc' }, 'has . or .. in it'],
    ['the root directory', { stateDir: '//' }, 'the root directory'],
    ['a path with a line break', { stateDir: '/a\nb' }, 'control characters'],
    ['an empty path that is needed', { staticPodPath: '' }, 'write an absolute path'],
    ['a number for a path', { kubeconfig: 1 }, 'put it in quotes'],
    ['a number for a name', { nodeName: 7 }, 'put it in quotes'],
    ['a duration without a unit', { minReady: 10 }, 'a duration such as'],
    ['too long a duration', { minReady: '2h' }, 'too large'],
    ['too short a duration', { unreachable: { deadline: '1ms' } }, 'too small'],
    ['a count of zero', { limits: { active: 0 } }, 'too small'],
    ['a count with a fraction', { limits: { active: 1.5 } }, 'a whole number'],
    ['a negative count', { limits: { active: -1 } }, 'a whole number'],
    ['a quantity with a strange unit', { limits: { bytesPerPod: '10MB' } }, 'a quantity of bytes'],
    ['no namespace at all', { namespaces: [] }, 'one or more namespaces'],
    ['a namespace in capitals', { namespaces: ['Kube'] }, '"Kube" is no namespace'],
    ['a list with a number in it', { namespaces: [1] }, 'not text'],
    ['an endpoint over plain http', { apiEndpoints: ['http://10.0.0.1'] }, 'is no such URL'],
    ['an endpoint with a path', { apiEndpoints: ['https://a/b'] }, 'is no such URL'],
    ['an endpoint that is no URL', { apiEndpoints: ['10.0.0.1:6443'] }, 'is no such URL'],
    ['an address without a port', { metrics: { address: '127.0.0.1' } }, 'host:port'],
    ['an address that is a number', { metrics: { address: 9642 } }, 'host:port'],
    ['an unknown level', { log: { level: 'verbose' } }, 'debug, info, warn or error'],
    ['a legacy annotation with a blank', { legacyAnnotation: 'a b' }, 'an annotation key'],
  ])('%s is refused', (_, file, words) => {
    const found = errors({ file });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(words);
  });

  test('a key that the command needs is missing', () => {
    expect(errors({ required: ['nodeName'] })).toEqual([
      'nodeName: missing; give --node-name or nodeName in the configuration file, or the environment variable NODE_NAME',
    ]);
    expect(errors({ required: ['nodeName'], env: { NODE_NAME: 'a' } })).toEqual([]);
  });

  test('a password in a URL is not repeated, and a long value is cut', () => {
    expect(errors({ file: { apiEndpoints: ['https://me:hunter2@host'] } })[0]).not.toContain('hunter2');
    expect(errors({ file: { log: { level: 'x'.repeat(500) } } })[0]?.length).toBeLessThan(250);
  });
});

describe('contradictions between keys', () => {
  test.each([
    ['/etc/kubernetes/manifests', '/etc/kubernetes/manifests'],
    ['/etc/kubernetes/manifests/state', '/etc/kubernetes/manifests'],
    ['/etc/kubernetes', '/etc/kubernetes/manifests'],
  ])('stateDir %s and staticPodPath %s are refused', (stateDir, staticPodPath) => {
    expect(errors({ file: { stateDir, staticPodPath } })[0]).toContain('neither may lie in the other');
  });

  test('directories that merely begin alike are fine', () => {
    expect(good({ file: { stateDir: '/etc/kubernetes/manifests-state' } }).stateDir).toBe('/etc/kubernetes/manifests-state');
  });

  test('one pod may not have more bytes than all together', () => {
    expect(errors({ file: { limits: { bytesPerPod: '1Gi' } } })[0]).toContain('larger than limits.bytesTotal');
  });
});
