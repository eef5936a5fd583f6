/** What the chart renders, held against the exact list of what the agent may do and see. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CHART } from '../../deploy/chart.ts';
import { readConfig } from '../../src/core/config/config.ts';
import { field, fieldAt, objectsIn } from '../../src/core/model/json.ts';
import type { Json } from '../../src/core/model/model.ts';
import { createHelm, type KubernetesObject, only, type Values } from './helm.ts';
import { everything, matrix } from './values.ts';

const helm = createHelm(inject('helm'));
afterAll(() => helm.close());

const podOf = (objects: readonly KubernetesObject[]): Json => fieldAt(only(objects, 'DaemonSet'), 'spec', 'template') as Json;
const specOf = (objects: readonly KubernetesObject[]): Json => field(podOf(objects), 'spec') as Json;
const containerOf = (objects: readonly KubernetesObject[]): Json => objectsIn(specOf(objects), 'containers')[0] ?? {};
const configOf = (objects: readonly KubernetesObject[]): unknown =>
  load(fieldAt(only(objects, 'ConfigMap'), 'data', 'config.yaml') as string);
const checksumOf = async (values: Values): Promise<unknown> =>
  fieldAt(podOf(await helm.objects(values)), 'metadata', 'annotations', 'checksum/config');

describe.each(Object.entries(matrix))('with %s', (_, values) => {
  let objects: readonly KubernetesObject[];
  beforeAll(async () => {
    objects = await helm.objects(values);
  });

  it('helm has nothing to complain of', async () => {
    const { code, stdout, stderr } = await helm.lint(values);
    expect(stdout + stderr).not.toMatch(/\[(WARNING|ERROR)\]/);
    expect(code).toBe(0);
  });

  it('the account may list and watch pods, and nothing else', () => {
    expect(only(objects, 'ClusterRole')['rules']).toEqual([{ apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] }]);
    expect(objects.filter(({ kind }) => kind === 'Role' || kind === 'RoleBinding')).toEqual([]);
    const binding = only(objects, 'ClusterRoleBinding');
    const account = only(objects, 'ServiceAccount').metadata;
    expect(binding['subjects']).toEqual([{ kind: 'ServiceAccount', name: account.name, namespace: account.namespace }]);
    expect(fieldAt(binding, 'roleRef', 'name')).toBe(only(objects, 'ClusterRole').metadata.name);
    expect(specOf(objects)['serviceAccountName']).toBe(account.name);
  });

  it('the agent has two capabilities and nothing else beyond an ordinary root in a container', () => {
    expect(containerOf(objects)['securityContext']).toEqual({
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['CHOWN', 'DAC_READ_SEARCH'] },
    });
    const { seLinuxOptions, ...context } = specOf(objects)['securityContext'] as Json;
    expect(context).toEqual({ runAsUser: 0, runAsGroup: 0, seccompProfile: { type: 'RuntimeDefault' } });
    const type = fieldAt(values, 'selinux', 'type');
    expect(seLinuxOptions).toEqual(type === undefined ? undefined : { type });
    for (const shared of ['hostIPC', 'shareProcessNamespace']) expect(specOf(objects)).not.toHaveProperty(shared);
    expect(objectsIn(specOf(objects), 'containers')).toHaveLength(1);
    expect(specOf(objects)).not.toHaveProperty('initContainers');
  });

  it('the agent reads its configuration', () => {
    const file = configOf(objects);
    const result = readConfig({ file, fileName: 'config.yaml', env: { NODE_NAME: 'node1' }, required: ['nodeName'] });
    expect(result.ok ? [] : result.errors).toEqual([]);
  });

  it('no image is called latest, and all are the one that was named', () => {
    const image = containerOf(objects)['image'];
    expect(image).toMatch(/^[^:]+(:\d+\/[^:]+)?(:[\w.-]+|@sha256:[0-9a-f]{64})$/);
    expect(image).not.toMatch(/:latest$/);
    expect(['IfNotPresent', 'Never']).toContain(containerOf(objects)['imagePullPolicy']);
  });

  it('the probes ask where the agent listens, and a waiting agent is not killed', () => {
    const { address } = (configOf(objects) as { metrics: { address: string } }).metrics;
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    const probe = (path: string) => expect.objectContaining({ httpGet: { host: '127.0.0.1', path, port } });
    const container = containerOf(objects);
    expect(container['startupProbe']).toEqual(probe('/healthz'));
    expect(fieldAt(container, 'startupProbe', 'failureThreshold')).toBe(2 ** 31 - 1);
    expect(container['livenessProbe']).toEqual(probe('/healthz'));
    expect(container['readinessProbe']).toEqual(probe('/readyz'));
  });
});

describe('the defaults', () => {
  let objects: readonly KubernetesObject[];
  beforeAll(async () => {
    objects = await helm.objects();
  });

  it('are these objects', () => {
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`)).toEqual([
      'ServiceAccount kube-system/pod-checkpointer',
      'ConfigMap kube-system/pod-checkpointer',
      'ClusterRole /pod-checkpointer-kube-system',
      'ClusterRoleBinding /pod-checkpointer-kube-system',
      'DaemonSet kube-system/pod-checkpointer',
    ]);
  });

  it('mount leaves of the node only, each at its own path', () => {
    const spec = specOf(objects);
    const mounts = objectsIn(containerOf(objects), 'volumeMounts');
    const seen = objectsIn(spec, 'volumes').map((volume) => {
      const mount = mounts.filter(({ name }) => name === volume['name']);
      expect(mount, String(volume['name'])).toHaveLength(1);
      const { name: _, ...rest } = mount[0] ?? {};
      return { ...rest, hostPath: volume['hostPath'] };
    });
    expect(mounts).toHaveLength(seen.length);
    const host = (path: string, type: string) => ({ mountPath: path, hostPath: { path, type } });
    const readOnly = { readOnly: true };
    const live = { readOnly: true, mountPropagation: 'HostToContainer' };
    expect(seen).toEqual([
      { mountPath: '/etc/pod-checkpointer', ...readOnly, hostPath: undefined },
      { mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', ...readOnly, hostPath: undefined },
      host('/var/lib/pod-checkpointer', 'DirectoryOrCreate'),
      host('/etc/kubernetes/manifests', 'Directory'),
      { ...host('/var/lib/kubelet/pods', 'Directory'), ...live },
      { ...host('/var/lib/kubelet/pod-resources', 'Directory'), ...readOnly },
      { ...host('/var/lib/kubelet/pods-api', 'DirectoryOrCreate'), ...readOnly },
      { ...host('/var/lib/kubelet/image_manager', 'DirectoryOrCreate'), ...readOnly },
      { ...host('/run/containerd', 'Directory'), ...live },
      { ...host('/etc/machine-id', 'File'), ...readOnly },
    ]);
  });

  it('bring the token by a volume of their own, not by automount', () => {
    expect(only(objects, 'ServiceAccount')['automountServiceAccountToken']).toBe(false);
    expect(specOf(objects)['automountServiceAccountToken']).toBe(false);
    const sources = objectsIn(objectsIn(specOf(objects), 'volumes')[1]?.['projected'], 'sources');
    expect(sources.map((source) => Object.keys(source)[0])).toEqual(['serviceAccountToken', 'configMap', 'downwardAPI']);
  });

  it('run on every node, before others, with the network of the node and without cluster DNS', () => {
    expect(specOf(objects)).toMatchObject({
      hostNetwork: true,
      hostPID: true,
      dnsPolicy: 'Default',
      priorityClassName: 'system-node-critical',
      tolerations: [{ operator: 'Exists' }],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      terminationGracePeriodSeconds: 30,
    });
    expect(containerOf(objects)['resources']).toEqual({ requests: { cpu: '100m', memory: '48Mi' }, limits: { memory: '128Mi' } });
    expect(fieldAt(only(objects, 'DaemonSet'), 'spec', 'updateStrategy')).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 1 },
    });
  });

  it('tell the agent who it is, and make it keep itself', () => {
    expect(objectsIn(containerOf(objects), 'env')).toEqual([
      { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
      { name: 'POD_CHECKPOINTER_STATE_DIR', value: '/var/lib/pod-checkpointer' },
    ]);
    expect(containerOf(objects)['args']).toEqual(['agent', '--config', '/etc/pod-checkpointer/config.yaml']);
    expect(fieldAt(podOf(objects), 'metadata', 'annotations', 'checkpointer/enabled')).toBe('true');
  });

  it('open no port to others', () => {
    expect(configOf(objects)).toMatchObject({ metrics: { address: '127.0.0.1:9642' } });
    expect(containerOf(objects)).not.toHaveProperty('ports');
  });

  it('are what deploy/pod-checkpointer.yaml holds (npm run test:chart -- -u writes it)', async () => {
    await expect(await helm.render()).toMatchFileSnapshot('../../deploy/pod-checkpointer.yaml');
  });
});

describe('a value', () => {
  it('reaches the configuration file, where the top level and `config` are one', async () => {
    const objects = await helm.objects(everything);
    expect(configOf(objects)).toEqual({
      ...(everything['config'] as object),
      stateDir: '/data/pod-checkpointer',
      staticPodPath: '/var/lib/rancher/rke2/agent/pod-manifests',
      kubeletRootDir: '/data/kubelet',
      criSocket: '/run/k3s/containerd/containerd.sock',
      kubeletConfig: '/dev/null',
      agentImage: containerOf(objects)['image'],
      apiEndpoints: ['https://10.0.0.1:6443', 'https://[fd00::1]:6443', 'https://api.example.com'],
      namespaces: ['ingress', 'kube-system'],
      metrics: { address: ':19642' },
    });
    const paths = objectsIn(specOf(objects), 'volumes').flatMap(({ hostPath }) => fieldAt(hostPath, 'path') ?? []);
    expect(paths).toEqual([
      '/data/pod-checkpointer',
      '/var/lib/rancher/rke2/agent/pod-manifests',
      '/data/kubelet/pods',
      '/data/kubelet/pod-resources',
      '/data/kubelet/pods-api',
      '/data/kubelet/image_manager',
      '/run/k3s/containerd',
      '/etc/machine-id',
    ]);
    expect(objectsIn(containerOf(objects), 'volumeMounts').flatMap(({ mountPath }) => mountPath)).toEqual([
      '/etc/pod-checkpointer',
      '/var/run/secrets/kubernetes.io/serviceaccount',
      ...paths,
    ]);
    expect(objectsIn(containerOf(objects), 'env').at(-1)?.['value']).toBe('/data/pod-checkpointer');
  });

  it('kubeletConfig brings that one file of the node to the agent, read-only, and nothing else does', async () => {
    const path = '/etc/kubernetes/kubelet.yaml';
    const objects = await helm.objects({ kubeletConfig: path });
    const file = ({ name }: Json) => name === 'kubelet-config';
    expect(configOf(objects)).toMatchObject({ kubeletConfig: path });
    expect(objectsIn(specOf(objects), 'volumes').filter(file)).toEqual([{ name: 'kubelet-config', hostPath: { path, type: 'File' } }]);
    const mounts = objectsIn(containerOf(objects), 'volumeMounts').filter(file);
    expect(mounts).toEqual([{ name: 'kubelet-config', mountPath: path, readOnly: true }]);
    expect(objectsIn(specOf(await helm.objects()), 'volumes').filter(file)).toEqual([]);
  });

  it('that changes the configuration rolls the pods, and one that does not leaves them alone', async () => {
    const before = await checksumOf({});
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    const changes: readonly Values[] = [
      { config: { minReady: '11s' } },
      { namespaces: ['ingress'] },
      { stateDir: '/data/x' },
      { metrics: { enabled: true } },
    ];
    for (const values of changes) expect(await checksumOf(values), JSON.stringify(values)).not.toBe(before);
    const others: readonly Values[] = [{ podMonitor: { labels: {} } }, { openshift: { scc: true } }, { podAnnotations: { a: 'b' } }];
    for (const values of others) expect(await checksumOf(values), JSON.stringify(values)).toBe(before);
  });

  it.each<[Values, string]>([
    [{}, 'localhost/pod-checkpointer:0.1.0'],
    [{ repository: 'r.example.com:5000/a/b', tag: 'v1' }, 'r.example.com:5000/a/b:v1'],
    [{ tag: 'v1', digest: `sha256:${'a'.repeat(64)}` }, `localhost/pod-checkpointer@sha256:${'a'.repeat(64)}`],
  ])('image %j becomes %s', async (image, expected) => {
    expect(containerOf(await helm.objects({ image }))['image']).toBe(expected);
  });

  it('namespaces always has the release among them, or the agent could not keep itself', async () => {
    const objects = await helm.objects({ namespaces: ['ingress'] }, { namespace: 'checkpointer' });
    expect(configOf(objects)).toMatchObject({ namespaces: ['checkpointer', 'ingress'] });
    expect(configOf(await helm.objects({ namespaces: ['*'] }))).toMatchObject({ namespaces: ['*'] });
  });

  it('metrics.enabled opens the port to Prometheus, and a PodMonitor names it', async () => {
    const objects = await helm.objects({ metrics: { enabled: true }, podMonitor: { enabled: true, labels: { release: 'prometheus' } } });
    expect(configOf(objects)).toMatchObject({ metrics: { address: ':9642' } });
    expect(containerOf(objects)['ports']).toEqual([{ name: 'metrics', containerPort: 9642, protocol: 'TCP' }]);
    const monitor = only(objects, 'PodMonitor');
    expect(monitor.metadata.labels).toMatchObject({ release: 'prometheus', 'app.kubernetes.io/name': 'pod-checkpointer' });
    expect(fieldAt(monitor, 'spec', 'podMetricsEndpoints')).toEqual([{ port: 'metrics' }]);
    expect(fieldAt(monitor, 'spec', 'selector', 'matchLabels')).toEqual(
      fieldAt(only(objects, 'DaemonSet'), 'spec', 'selector', 'matchLabels'),
    );
  });

  it('openshift.scc allows what the pod uses, and no more', async () => {
    const objects = await helm.objects({ openshift: { scc: true } });
    const scc = only(objects, 'SecurityContextConstraints');
    const accounts = ['pod-checkpointer', 'pod-checkpointer-cleanup', 'pod-checkpointer-uninstall'];
    expect(scc['users']).toEqual(accounts.map((name) => `system:serviceaccount:kube-system:${name}`));
    expect(scc['allowedCapabilities']).toEqual(fieldAt(containerOf(objects), 'securityContext', 'capabilities', 'add'));
    expect(scc).toMatchObject({ allowPrivilegedContainer: false, allowHostPID: true, allowHostIPC: false, allowHostNetwork: true });
    const kinds = objectsIn(specOf(objects), 'volumes').map((volume) => Object.keys(volume).find((key) => key !== 'name'));
    expect([...new Set(kinds)].sort()).toEqual([...(scc['volumes'] as string[])].sort());
  });
});

describe('the notes', () => {
  it('have two commands that prove it works, say how to be rid of what never worked, and say where to opt in', async () => {
    const text = await helm.notes({ namespaces: ['ingress'] }, { release: 'edge', namespace: 'checkpointer' });
    expect(text).toContain('kubectl --namespace checkpointer rollout status daemonset/edge-pod-checkpointer\n');
    expect(text).toContain('kubectl --namespace checkpointer exec daemonset/edge-pod-checkpointer -- pod-checkpointer status --config ');
    expect(text).toContain('--selector app.kubernetes.io/name=pod-checkpointer,app.kubernetes.io/instance=edge\n');
    expect(text).toContain('helm uninstall edge --namespace checkpointer --no-hooks\n');
    expect(text).toContain('in checkpointer, ingress, on their template');
    expect(text).toContain('pod-security.kubernetes.io/enforce: privileged');
    expect(await helm.notes({ namespaces: ['*'] })).toContain('in any namespace');
    expect(await helm.notes()).not.toContain('pod-security');
  });
});

describe('the templates', () => {
  it('name no image, no secret and no path of their own but those known', () => {
    const text = readFileSync(join(CHART, 'templates/daemonset.yaml'), 'utf8');
    expect(text).not.toMatch(/secret(Name|KeyRef|Ref):|envFrom:|hostIPC|privileged: true/);
  });
});
