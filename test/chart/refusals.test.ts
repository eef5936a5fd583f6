/** What a person can get wrong, and the sentence that says so. Nothing is rendered then. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { CHART } from '../../deploy/chart.ts';
import { freeConfigKeys, KEYS_SET_ELSEWHERE } from '../../deploy/chart-values.ts';
import { createHelm, type Values } from './helm.ts';

const helm = createHelm(inject('helm'));
afterAll(() => helm.close());

/** `a.b` = value, as nested values. */
function nested(path: string, value: unknown): Values {
  return path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Values;
}

/** What a person wrote, and what helm must say. */
const SENTENCES: readonly (readonly [Values, string])[] = [
  [{ stateDir: 'var/lib/x' }, 'stateDir: "var/lib/x" is not an absolute path of plain names'],
  [{ stateDir: '/' }, 'stateDir: "/" is not an absolute path'],
  [{ stateDir: '/data/x/' }, 'stateDir: "/data/x/" is not an absolute path'],
  [{ staticPodPath: '/etc/kubernetes manifests' }, 'staticPodPath: "/etc/kubernetes manifests" is not an absolute path'],
  [{ staticPodPath: '/data: {}' }, 'staticPodPath: "/data: {}" is not an absolute path'],
  [{ kubeletRootDir: '' }, 'kubeletRootDir: "" is not an absolute path'],
  [{ criSocket: 'unix:///run/containerd/containerd.sock' }, 'criSocket: "unix:///run/containerd/containerd.sock" is not an absolute path'],
  [{ stateDir: '/data/../run' }, 'stateDir: "/data/../run" has . or .. in it'],
  [{ stateDir: '/run/pod-checkpointer' }, 'stateDir: /run/pod-checkpointer lies in /run, which a reboot or a clean-up empties'],
  [{ stateDir: '/var/run/x' }, 'stateDir: /var/run/x lies in /var/run,'],
  [{ stateDir: '/tmp' }, 'stateDir: /tmp lies in /tmp,'],
  [{ stateDir: '/var/tmp/x' }, 'stateDir: /var/tmp/x lies in /var/tmp,'],
  [{ stateDir: '/dev/shm/x' }, 'stateDir: /dev/shm/x lies in /dev,'],
  [{ staticPodPath: '/run/kubernetes/manifests' }, 'staticPodPath: /run/kubernetes/manifests lies in /run,'],
  [{ stateDir: '/etc/kubernetes/manifests' }, 'and staticPodPath /etc/kubernetes/manifests: neither may lie in the other'],
  [
    { stateDir: '/etc/kubernetes/manifests/x' },
    'stateDir: /etc/kubernetes/manifests/x and staticPodPath /etc/kubernetes/manifests: neither',
  ],
  [{ staticPodPath: '/var/lib/pod-checkpointer/m' }, 'and staticPodPath /var/lib/pod-checkpointer/m: neither may lie in the other'],
  [{ stateDir: '/var/lib/kubelet/pods/x' }, 'and the volumes of pods, /var/lib/kubelet/pods: neither may lie in the other'],
  [{ kubeletRootDir: '/var/lib/pod-checkpointer/k' }, 'and the volumes of pods, /var/lib/pod-checkpointer/k/pods: neither'],
  [
    { staticPodPath: '/var/lib/kubelet/pods/x' },
    'staticPodPath: /var/lib/kubelet/pods/x and the volumes of pods, /var/lib/kubelet/pods: neither may lie in the other',
  ],
  [{ staticPodPath: '/run/containerd/m' }, 'and the directory of criSocket, /run/containerd: neither may lie in the other'],
  [
    { stateDir: '/data', criSocket: '/data/containerd/c.sock' },
    'stateDir: /data and the directory of criSocket, /data/containerd: neither',
  ],
  [
    { stateDir: '/var/lib/kubelet/image_manager' },
    "stateDir: /var/lib/kubelet/image_manager and the kubelet's own /var/lib/kubelet/image_manager: neither",
  ],
  [
    { staticPodPath: '/var/lib/kubelet/pods-api/m' },
    "staticPodPath: /var/lib/kubelet/pods-api/m and the kubelet's own /var/lib/kubelet/pods-api: neither",
  ],
  [
    { criSocket: '/var/lib/kubelet/pod-resources/c.sock' },
    "criSocket: /var/lib/kubelet/pod-resources and the kubelet's own /var/lib/kubelet/pod-resources: neither",
  ],
  [{ kubeletConfig: 'config.yaml' }, 'kubeletConfig: "config.yaml" is not an absolute path of plain names'],
  [{ kubeletConfig: '/etc/../x' }, 'kubeletConfig: "/etc/../x" has . or .. in it'],
  [{ kubeletConfig: '/dev/null' }, 'kubeletConfig: /dev/null lies in /dev, where no configuration is'],
  [{ kubeletConfig: '/etc/pod-checkpointer/k' }, "kubeletConfig: /etc/pod-checkpointer/k and the agent's own /etc/pod-checkpointer"],
  [
    { kubeletConfig: '/var/lib/pod-checkpointer/k' },
    'stateDir: /var/lib/pod-checkpointer and kubeletConfig /var/lib/pod-checkpointer/k: neither',
  ],
  [
    { kubeletConfig: '/etc/kubernetes/manifests' },
    'staticPodPath: /etc/kubernetes/manifests and kubeletConfig /etc/kubernetes/manifests: neither',
  ],
  [
    { kubeletConfig: '/var/lib/kubelet/pods/k' },
    'kubeletConfig: /var/lib/kubelet/pods/k and the volumes of pods, /var/lib/kubelet/pods: neither',
  ],
  [{ stateDir: '/usr/lib/pod-checkpointer' }, "stateDir: /usr/lib/pod-checkpointer and the agent's own /usr would lie in each other"],
  [{ stateDir: '/etc' }, "stateDir: /etc and the agent's own /etc/pod-checkpointer would lie in each other"],
  [{ stateDir: '/etc/pod-checkpointer' }, "stateDir: /etc/pod-checkpointer and the agent's own /etc/pod-checkpointer"],
  [{ criSocket: '/run/containerd.sock' }, 'criSocket: /run/containerd.sock lies directly in /run, so the agent would see everything'],
  [{ criSocket: '/var/run/cri-dockerd.sock' }, 'criSocket: /var/run/cri-dockerd.sock lies directly in /var/run,'],
  [{ criSocket: '/cri.sock' }, 'criSocket: /cri.sock lies directly in /, so'],
  [{ image: { repository: '' } }, 'image.repository: empty; name the image that you built'],
  [{ image: { repository: 'localhost/pod-checkpointer:0.1.0' } }, 'has a tag or a digest in it; put them into image.tag'],
  [{ image: { repository: 'a/b@sha256:00' } }, 'has a tag or a digest in it'],
  [{ image: { repository: 'registry.example.com/Team/x' } }, 'image.repository: "registry.example.com/Team/x" is no name of an image'],
  [{ image: { repository: 'a b' } }, 'image.repository: "a b" is no name of an image'],
  [{ image: { repository: 'https://registry.example.com/x' } }, 'is no name of an image'],
  [{ image: { digest: 'sha256:abc' } }, 'image.digest: "sha256:abc" is no digest'],
  [{ image: { digest: 'a'.repeat(64) } }, `image.digest: "${'a'.repeat(64)}" is no digest`],
  [{ image: { tag: 'a b' } }, 'image.tag: "a b" is no tag'],
  [{ image: { tag: 'latest' } }, 'image.tag: latest may be another image on every node'],
  [{ image: { pullPolicy: 'Always' } }, 'image.pullPolicy: "Always" is neither IfNotPresent nor Never'],
  [{ namespaces: [] }, 'namespaces: the list is empty'],
  [{ namespaces: ['*', 'kube-system'] }, 'namespaces: "*" already means all'],
  [{ namespaces: ['Kube_System'] }, 'namespaces: "Kube_System" is no name of a namespace'],
  [{ namespaces: ['kube-*'] }, 'namespaces: "kube-*" is no name of a namespace'],
  [{ metrics: { port: 80 } }, 'metrics.port: 80 is below 1024'],
  [{ metrics: { port: 10250 } }, 'metrics.port: 10250 is a port of Kubernetes itself'],
  [{ podMonitor: { enabled: true } }, 'podMonitor.enabled: Prometheus cannot reach 127.0.0.1 of the nodes; set metrics.enabled too'],
  [{ podMonitor: { labels: { a: 'b' } } }, 'podMonitor.labels: there is no PodMonitor to carry them'],
  [{ admissionPolicy: { denySecretEnvInline: true } }, 'admissionPolicy.denySecretEnvInline: there is no policy to deny it'],
  [{ admissionPolicy: { enabled: true }, namespaces: ['*'] }, 'admissionPolicy.enabled: with namespaces "*" there is nothing to refuse'],
  [{ apiEndpoints: ['10.0.0.1:6443'] }, 'apiEndpoints: "10.0.0.1:6443" is not the URL of an API server'],
  [{ apiEndpoints: ['http://10.0.0.1:6443'] }, 'apiEndpoints: "http://10.0.0.1:6443" is not the URL'],
  [{ apiEndpoints: ['https://10.0.0.1:6443/api'] }, 'apiEndpoints: "https://10.0.0.1:6443/api" is not the URL'],
  [{ apiEndpoints: ['https://10.0.0.1:65536'] }, 'apiEndpoints: "https://10.0.0.1:65536" is not the URL'],
  [{ apiEndpoints: ['https://10.0.0.1:0'] }, 'apiEndpoints: "https://10.0.0.1:0" is not the URL'],
  [{ config: { minReady: '2h' } }, 'config.minReady: 2h is out of range; write a duration such as 500ms, 10s or 2m, 1h at most.'],
  [{ config: { minReady: '59m61s' } }, 'config.minReady: 59m61s is out of range'],
  [{ config: { unreachable: { deadline: '49.9ms' } } }, 'config.unreachable.deadline: 49.9ms is out of range; write a duration such as'],
  [{ config: { handBackTimeout: 0 } }, 'config.handBackTimeout: 0 is out of range'],
  [{ config: { limits: { bytesPerPod: '4095' } } }, 'config.limits.bytesPerPod: 4095 is out of range; write a quantity of bytes such as'],
  [{ config: { limits: { bytesTotal: '1.1Ti' } } }, 'config.limits.bytesTotal: 1.1Ti is out of range'],
  [{ config: { limits: { bytesTotal: '9Mi' } } }, 'config.limits.bytesPerPod: larger than limits.bytesTotal'],
  [{ config: { limits: { bytesPerPod: '1Gi' } } }, 'config.limits.bytesPerPod: larger than limits.bytesTotal'],
  [{ resources: { requests: { memory: '1Gi' } } }, 'resources.requests.memory: 1Gi is more than the limit of 128Mi; raise'],
  [{ resources: { limits: { cpu: '0.05' } } }, 'resources.requests.cpu: 100m is more than the limit of 0.05; raise'],
  [{ podAnnotations: { 'checkpointer/enabled': 'false' } }, 'podAnnotations: checkpointer/enabled is set by the chart itself'],
  [{ podAnnotations: { 'checksum/config': 'x' } }, 'podAnnotations: checksum/config is set by the chart itself'],
];

describe('a mistake', () => {
  it.each(SENTENCES)('%j is told: %s', async (values, sentence) => {
    expect(await helm.refusal(values)).toContain(sentence);
  });

  it('of the cluster: admissionPolicy needs Kubernetes 1.30', async () => {
    const values = { admissionPolicy: { enabled: true } };
    expect(await helm.refusal(values, { kubeVersion: '1.29.14' })).toContain('admissionPolicy.enabled: Kubernetes v1.29.14 has no');
    expect(await helm.refusal({}, { kubeVersion: '1.28.0' })).toContain('chart requires kubeVersion: >=1.29.0-0');
    for (const kubeVersion of ['1.30.0', '1.34.4-gke.1', 'v1.37.1']) await helm.render(values, { kubeVersion });
    await helm.render({}, { kubeVersion: '1.29.0-eks-1' });
  });

  it.each(KEYS_SET_ELSEWHERE)('config.%s is told where it is set instead', async (key) => {
    expect(await helm.refusal(nested(`config.${key}`, 'x'))).toMatch(new RegExp(`^config\\.${key.replace('.', '\\.')}: .+[.]$`, 'm'));
  });

  it('does not hide another one: all are told at once, one a line', async () => {
    const said = await helm.refusal({ stateDir: '/tmp/x', image: { tag: 'latest' }, namespaces: [], metrics: { port: 80 } });
    for (const start of ['stateDir: /tmp/x ', 'image.tag: ', 'namespaces: ', 'metrics.port: ']) expect(said).toContain(`\n${start}`);
  });

  it('has a row here for every sentence of the preflight that needs no cluster', async () => {
    const sentences = ['_preflight.tpl', '_preflight_paths.tpl', '_preflight_amounts.tpl']
      .flatMap((name) => readFileSync(join(CHART, 'templates', name), 'utf8').split('\n'))
      .filter((line) => /^(\{\{[^}]+\}\}|[a-zA-Z]+)(\.(\w+|\{\{[^}]+\}\}))*: /.test(line));
    expect(sentences.length).toBeGreaterThan(30);
    const said = await Promise.all(SENTENCES.map(([values]) => helm.refusal(values)));
    said.push(await helm.refusal({ config: { stateDir: '/x', metrics: { address: ':1' } } }));
    said.push(await helm.refusal({ admissionPolicy: { enabled: true } }, { kubeVersion: '1.29.0' }));
    const unseen = sentences.filter((sentence) => {
      const pattern = sentence.split(/\{\{.*?\}\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      return !said.some((text) => new RegExp(`^${pattern.join('.*')}$`, 'm').test(text));
    });
    expect(unseen).toEqual([]);
  });
});

describe('the schema', () => {
  it.each([
    'foo',
    'image.name',
    'metrics.address',
    'config.minready',
    'config.unreachable.foo',
    'config.limits.foo',
    'config.log.format',
    'podMonitor.interval',
    'admissionPolicy.foo',
    'openshift.foo',
    'selinux.level',
    'resources.claims',
    'affinity.foo',
    'updateStrategy.rollingUpdate.maxSurge',
    'operator.enabled',
    'crds.enabled',
    'networkPolicy.enabled',
  ])('refuses %s, which nobody knows', async (path) => {
    const name = path.split('.').at(-1) ?? '';
    const parent = path === 'foo' || path.endsWith('.enabled') ? (path.split('.')[0] ?? '') : name;
    expect(await helm.refusal(nested(path, 'x'))).toContain(`additional properties '${parent}' not allowed`);
  });

  it.each<[Values, string]>([
    [{ namespaces: 'kube-system' }, "at '/namespaces': got string, want array"],
    [{ metrics: { port: 70_000 } }, "at '/metrics/port': maximum: got 70,000, want 65,535"],
    [{ metrics: { enabled: 'yes' } }, "at '/metrics/enabled': got string, want boolean"],
    [{ config: { minReady: '10' } }, "at '/config/minReady': '10' does not match pattern"],
    [{ config: { minReady: 10 } }, "at '/config/minReady': maximum: got 10, want 0"],
    [{ config: { limits: { active: 0 } } }, "at '/config/limits/active': minimum: got 0, want 1"],
    [{ config: { limits: { bytesPerPod: '10MB' } } }, "at '/config/limits/bytesPerPod': '10MB' does not match pattern"],
    [{ config: { log: { level: 'loud' } } }, "at '/config/log/level': value must be one of"],
    [{ config: { legacyAnnotation: 'a b' } }, "at '/config/legacyAnnotation'"],
    [{ config: { kubeletVersion: '1.3456' } }, "at '/config/kubeletVersion': '1.3456' does not match pattern"],
    [{ config: { kubeletVersion: '1.34-rc1' } }, "at '/config/kubeletVersion': '1.34-rc1' does not match pattern"],
    [{ resources: { limits: { memory: '128 MB' } } }, "at '/resources/limits/memory': '128 MB' does not match pattern"],
    [{ resources: { requests: { cpu: -1 } } }, "at '/resources/requests/cpu': minimum: got -1, want 0"],
    [
      { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } },
      "at '/updateStrategy/rollingUpdate/maxUnavailable': minimum: got 0, want 1",
    ],
    [{ updateStrategy: { rollingUpdate: { maxUnavailable: '0%' } } }, "'0%' does not match pattern"],
    [{ updateStrategy: { rollingUpdate: { maxUnavailable: 'all' } } }, "'all' does not match pattern"],
    [{ updateStrategy: { type: 'Recreate' } }, "at '/updateStrategy/type': value must be one of"],
    [{ tolerations: [{ operator: 'Every' }] }, "at '/tolerations/0/operator': value must be one of"],
    [{ image: null }, "missing property 'image'"],
    [{ metrics: { port: null } }, "missing property 'port'"],
  ])('refuses %j', async (values, words) => {
    expect(await helm.refusal(values)).toContain(words);
  });

  it('takes the default of every configuration key, as a person would write it', async () => {
    for (const { name, kind, default: text } of freeConfigKeys()) {
      const value = kind === 'count' ? Number(text) : kind === 'boolean' ? text === 'true' : text;
      await expect(helm.render(nested(`config.${name}`, value)), name).resolves.toContain('config.yaml');
    }
  });

  it.each<Values>([
    { config: { minReady: '1h', unreachable: { deadline: '50ms', window: '9m60s' }, handBackTimeout: '24h', maxAge: '8760h' } },
    { config: { limits: { bytesPerPod: '1Gi', bytesTotal: '1Ti' }, kubeletVersion: 'v1.35.2-rc.1+k3s1' } },
    { config: { limits: { bytesPerPod: 209_715_200, bytesTotal: '200Mi' } } },
    { resources: { requests: { cpu: 1, memory: '0.1Gi' }, limits: { cpu: '1000m', memory: '1e9' } } },
    { updateStrategy: { rollingUpdate: { maxUnavailable: '100%' } } },
    { apiEndpoints: ['https://10.0.0.1:65535', 'https://api.example.com'] },
    { image: { repository: 'Registry.example.com:5000/a__b/c.d-e' } },
    { image: { repository: 'pod-checkpointer' } },
  ])('takes %j, which is just within', async (values) => {
    await expect(helm.render(values)).resolves.toContain('DaemonSet');
  });

  it("takes another chart's `global`", async () => {
    await expect(helm.render({ global: { imageRegistry: 'x' } })).resolves.toContain('DaemonSet');
  });
});
