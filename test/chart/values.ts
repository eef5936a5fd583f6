/** Sets of values that must work, each for one feature. The end-to-end scenario shows the same to real API servers. */
import type { Values } from './helm.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

/** Everything that can be switched on at once, and nothing left at its default. */
export const everything: Values = {
  image: { repository: 'registry.example.com:5000/team/pod-checkpointer', digest: DIGEST, pullPolicy: 'Never' },
  namespaces: ['kube-system', 'ingress'],
  staticPodPath: '/var/lib/rancher/rke2/agent/pod-manifests',
  stateDir: '/data/pod-checkpointer',
  kubeletRootDir: '/data/kubelet',
  criSocket: '/run/k3s/containerd/containerd.sock',
  apiEndpoints: ['https://10.0.0.1:6443', 'https://[fd00::1]:6443', 'https://api.example.com'],
  config: {
    minReady: '30s',
    maxAge: '720h',
    unreachable: { probes: 5, window: '20s', deadline: '1500ms' },
    bootFastPath: false,
    orphanGrace: '1m30s',
    stuckGrace: '2m',
    kubeletBlindGrace: '0',
    endedGrace: '15m',
    retireGrace: '10m',
    handBackTimeout: '20m',
    limits: { checkpoints: 20, active: 10, bytesPerPod: 5_242_880, bytesTotal: '1Gi' },
    log: { level: 'debug' },
    legacyAnnotation: 'checkpointer.alpha.coreos.com/checkpoint',
  },
  metrics: { enabled: true, port: 19642 },
  podMonitor: { enabled: true, labels: { release: 'prometheus' } },
  admissionPolicy: { enabled: true, denySecretEnvInline: true },
  openshift: { scc: true },
  selinux: { type: 'spc_t' },
  resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '192Mi', cpu: 1 } },
  priorityClassName: 'system-cluster-critical',
  tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
  nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['amd64', 'arm64'] }] }],
      },
    },
  },
  purgeOnUninstall: true,
  podAnnotations: { 'example.com/owner': 'platform' },
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
};

/** By what they are for. */
export const matrix: Readonly<Record<string, Values>> = {
  'the defaults': {},
  'everything at once': everything,
  'a tag': { image: { repository: 'registry.example.com/pod-checkpointer', tag: '0.1.0-rc.1' } },
  'all namespaces': { namespaces: ['*'] },
  'all namespaces, without inlined secrets': { namespaces: ['*'], admissionPolicy: { enabled: true, denySecretEnvInline: true } },
  'the admission policy': { namespaces: ['kube-system', 'ingress'], admissionPolicy: { enabled: true } },
  'metrics for everyone': { metrics: { enabled: true } },
  'another port': { metrics: { port: 29642 } },
  'CRI-O': { criSocket: '/run/crio/crio.sock', openshift: { scc: true }, selinux: { type: 'spc_t' } },
  'no priority, no tolerations, no selector': {
    priorityClassName: '',
    tolerations: [],
    nodeSelector: { 'kubernetes.io/os': null },
    resources: { requests: null, limits: null },
  },
  "the kubelet's own configuration file": { kubeletConfig: '/var/lib/kubelet/config.yaml' },
  'rollouts by hand': { updateStrategy: { type: 'OnDelete' } },
};
