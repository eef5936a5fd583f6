/** What `helm uninstall` runs: in which order, with which rights, and on which nodes. */
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { fieldAt, objectsIn } from '../../src/core/model/json.ts';
import type { Json } from '../../src/core/model/model.ts';
import { createHelm, type Install, type KubernetesObject, only, type Values } from './helm.ts';
import { withCluster } from './installed.ts';
import { everything, matrix } from './values.ts';

const helm = createHelm(inject('helm'));
afterAll(() => helm.close());

const named = (objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject =>
  only(
    objects.filter(({ metadata }) => metadata.name === name),
    kind,
  );
const templateOf = (object: KubernetesObject): Json => fieldAt(object, 'spec', 'template') as Json;
const specOf = (object: KubernetesObject): Json => fieldAt(templateOf(object), 'spec') as Json;
/** Of both Jobs. */
const tolerationsOf = async (values: Values, install?: Install): Promise<readonly (readonly Json[])[]> =>
  (await helm.hooks(values, install)).filter(({ kind }) => kind === 'Job').map((job) => objectsIn(specOf(job), 'tolerations'));
/** As the scheduler judges it. */
const tolerated = (tolerations: readonly Json[], taint: Json): boolean =>
  tolerations.some(
    ({ key = '', operator = 'Equal', value = '', effect = '' }) =>
      (effect === '' || effect === taint['effect']) &&
      (key === '' || key === taint['key']) &&
      (operator === 'Exists' || value === (taint['value'] ?? '')),
  );
const containerOf = (object: KubernetesObject): Json => objectsIn(specOf(object), 'containers')[0] ?? {};

describe.each(Object.entries(matrix))('with %s', (_, values) => {
  let installed: readonly KubernetesObject[];
  let hooks: readonly KubernetesObject[];
  beforeAll(async () => {
    installed = await helm.objects(values);
    hooks = await helm.hooks(values);
  });

  it('the agents go, then the pods that clean come, and then helm waits', () => {
    const steps = hooks.map(({ kind, metadata }) => `${metadata.annotations?.['helm.sh/hook-weight']} ${kind} ${metadata.name}`);
    expect(steps.filter((step) => !step.startsWith('-20 '))).toEqual([
      '-10 Job pod-checkpointer-uninstall-agents',
      '0 DaemonSet pod-checkpointer-cleanup',
      '10 Job pod-checkpointer-uninstall-nodes',
    ]);
    for (const { metadata } of hooks) expect(metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-delete' });
  });

  it('what outlives the release is what a pod on a node that was down needs', () => {
    const policy = ({ metadata }: KubernetesObject) => metadata.annotations?.['helm.sh/hook-delete-policy'];
    const stays = hooks.filter((object) => policy(object) === 'before-hook-creation');
    expect(stays.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual(
      ['ConfigMap', 'DaemonSet', 'Role', 'RoleBinding', 'ServiceAccount'].map((kind) => `${kind} pod-checkpointer-cleanup`),
    );
    for (const object of hooks.filter((one) => !stays.includes(one))) expect(policy(object)).toBe('before-hook-creation,hook-succeeded');
  });

  it('the pods that clean may read two DaemonSets and delete their own, and nothing else', () => {
    expect(named(hooks, 'Role', 'pod-checkpointer-cleanup')['rules']).toEqual([
      { apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['pod-checkpointer'], verbs: ['get'] },
      { apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['pod-checkpointer-cleanup'], verbs: ['get', 'delete'] },
    ]);
    expect(hooks.filter(({ kind }) => kind === 'ClusterRole').map(({ metadata }) => metadata.name)).toEqual([
      'pod-checkpointer-kube-system-uninstall',
    ]);
  });

  it('the Jobs may delete the two DaemonSets and what belongs to the second, and list pods and nodes', () => {
    const own = ['pod-checkpointer-cleanup'];
    expect(named(hooks, 'Role', 'pod-checkpointer-uninstall')['rules']).toEqual([
      { apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['pod-checkpointer', ...own], verbs: ['get', 'delete'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
      { apiGroups: [''], resources: ['configmaps', 'serviceaccounts'], resourceNames: own, verbs: ['patch', 'delete'] },
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], resourceNames: own, verbs: ['patch', 'delete'] },
    ]);
    expect(only(hooks, 'ClusterRole')['rules']).toEqual([{ apiGroups: [''], resources: ['nodes'], verbs: ['list'] }]);
  });

  it('every binding is for its own account, and every pod uses the right one', () => {
    for (const name of ['pod-checkpointer-cleanup', 'pod-checkpointer-uninstall']) {
      const subject = { kind: 'ServiceAccount', name, namespace: 'kube-system' };
      expect(named(hooks, 'ServiceAccount', name)['automountServiceAccountToken']).toBe(false);
      expect(named(hooks, 'RoleBinding', name)).toMatchObject({ roleRef: { kind: 'Role', name }, subjects: [subject] });
    }
    expect(only(hooks, 'ClusterRoleBinding')['subjects']).toEqual([
      { kind: 'ServiceAccount', name: 'pod-checkpointer-uninstall', namespace: 'kube-system' },
    ]);
    expect(specOf(only(hooks, 'DaemonSet'))['serviceAccountName']).toBe('pod-checkpointer-cleanup');
    for (const job of hooks.filter(({ kind }) => kind === 'Job'))
      expect(specOf(job)['serviceAccountName']).toBe('pod-checkpointer-uninstall');
  });

  it('the pods that clean run where the agents ran, and may do and see what those did', () => {
    const [agent, cleaner] = [only(installed, 'DaemonSet'), only(hooks, 'DaemonSet')];
    const { containers: _a, serviceAccountName: _b, volumes, ...place } = specOf(agent);
    expect(specOf(cleaner)).toMatchObject(place);
    // a kubelet's file that is missing, or says something else, must not keep its node from being cleaned
    const shared = (items: readonly Json[]) => items.filter(({ name }) => name !== 'kubelet-config');
    const configNamed = (name: string) =>
      shared(objectsIn({ volumes }, 'volumes')).map((one) => (one['name'] === 'config' ? { ...one, configMap: { name } } : one));
    expect(specOf(cleaner)['volumes']).toEqual(configNamed('pod-checkpointer-cleanup'));
    expect(containerOf(cleaner)['volumeMounts']).toEqual(shared(objectsIn(containerOf(agent), 'volumeMounts')));
    for (const key of ['image', 'imagePullPolicy', 'resources', 'securityContext'])
      expect(containerOf(cleaner)[key], key).toEqual(containerOf(agent)[key]);
  });

  it('the pods that clean are told of the node what the agent is told, and nothing that the agent could refuse', () => {
    const fileOf = (object: KubernetesObject) => load(fieldAt(object, 'data', 'config.yaml') as string) as Json;
    const file = fileOf(named(hooks, 'ConfigMap', 'pod-checkpointer-cleanup'));
    const keys = ['apiEndpoints', 'criSocket', 'kubeletConfig', 'kubeletRootDir', 'metrics', 'stateDir', 'staticPodPath'];
    expect(Object.keys(file).sort()).toEqual(keys);
    expect(fileOf(only(installed, 'ConfigMap'))).toMatchObject({ ...file, kubeletConfig: expect.any(String) });
    expect(file['kubeletConfig']).toBe('/dev/null');
  });

  it('the standby makes way for them, no DaemonSet takes the other one’s pods, and none of them is checkpointed', () => {
    const family = fieldAt(only(installed, 'DaemonSet'), 'spec', 'selector', 'matchLabels') as Json;
    const cleaner = only(hooks, 'DaemonSet');
    expect(fieldAt(templateOf(cleaner), 'metadata', 'labels')).toMatchObject(family);
    expect(fieldAt(cleaner, 'spec', 'selector', 'matchLabels')).toEqual({ ...family, 'app.kubernetes.io/component': 'cleanup' });
    for (const job of hooks.filter(({ kind }) => kind === 'Job')) {
      const labels = fieldAt(templateOf(job), 'metadata', 'labels') as Json;
      expect(Object.entries(family).every(([key, value]) => labels[key] === value)).toBe(false);
    }
    for (const object of hooks) expect(JSON.stringify(object)).not.toContain('checkpointer/enabled');
  });

  it('the Jobs are ordinary users without any right on their node, and are given up before helm is', () => {
    for (const job of hooks.filter(({ kind }) => kind === 'Job')) {
      expect(specOf(job)['securityContext']).toMatchObject({ runAsNonRoot: true, runAsUser: 65_532 });
      expect(containerOf(job)['securityContext']).toEqual({
        privileged: false,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(objectsIn(specOf(job), 'volumes').map(({ name }) => name)).toEqual(['api-access']);
      expect(fieldAt(job, 'spec', 'activeDeadlineSeconds')).toBeLessThan(300);
    }
  });
});

describe('the uninstall', () => {
  it('purges only when it is told to', async () => {
    const argsOf = async (values: object) => containerOf(only(await helm.hooks({ ...values }), 'DaemonSet'))['args'];
    const rest = ['--namespace=kube-system', '--agents=pod-checkpointer', '--cleaners=pod-checkpointer-cleanup'];
    const config = '--config=/etc/pod-checkpointer/config.yaml';
    expect(await argsOf({})).toEqual(['cleanup', '--stay', ...rest, config]);
    expect(await argsOf({ purgeOnUninstall: true })).toEqual(['cleanup', '--stay', '--purge', ...rest, config]);
  });

  it('gives the Jobs no configuration but the API servers, so that none can be refused', async () => {
    const jobs = async (values: Values) => (await helm.hooks(values)).filter(({ kind }) => kind === 'Job');
    const names = ['--namespace=kube-system', '--agents=pod-checkpointer', '--cleaners=pod-checkpointer-cleanup'];
    const [agents, nodes] = await jobs({ config: { limits: { active: 3 }, log: { level: 'debug' } } });
    expect(containerOf(agents ?? only([], 'Job'))['args']).toEqual(['uninstall', '--step=agents', ...names]);
    expect(containerOf(nodes ?? only([], 'Job'))['args']).toEqual(['uninstall', '--step=nodes', ...names]);
    for (const job of await jobs({ apiEndpoints: ['https://10.0.0.1:6443', 'https://10.0.0.2:6443'] })) {
      expect(containerOf(job)['args']).toContain('--api-endpoints=https://10.0.0.1:6443,https://10.0.0.2:6443');
    }
  });

  it('never sends a Job to a node that is down, even where the node controller leaves it nothing but NoSchedule', async () => {
    for (const values of [{}, everything, { tolerations: [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists' }] }]) {
      for (const tolerations of await tolerationsOf(values)) {
        for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable', 'node.cloudprovider.kubernetes.io/shutdown']) {
          for (const effect of ['NoSchedule', 'NoExecute']) expect(tolerated(tolerations, { key, effect })).toBe(false);
        }
      }
    }
  });

  it('names both taints of a node that is down, so that admission does not tolerate them for five minutes', async () => {
    for (const tolerations of await tolerationsOf({})) {
      for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])
        expect(tolerations.filter((one) => one.key === key && one.effect === 'NoExecute')).toHaveLength(1);
    }
  });

  it('knows the taints that the values name', async () => {
    const own = { key: 'dedicated', operator: 'Equal', value: 'storage', effect: 'NoExecute' };
    for (const tolerations of await tolerationsOf({ tolerations: [{ operator: 'Exists' }, own] })) expect(tolerations).toContainEqual(own);
  });

  it('knows the taints of the nodes, where all have one of their own', async () => {
    const taints = [
      { key: 'dedicated', value: 'x', effect: 'NoSchedule' },
      { key: 'CriticalAddonsOnly', value: 'true', effect: 'NoExecute' },
      { key: 'soft', effect: 'PreferNoSchedule' },
      { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
    ];
    const nodes = ['a', 'b'].map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: { taints } }));
    const found = await withCluster({ nodes: [...nodes, { ...nodes[0], spec: {} }] }, (cluster) => tolerationsOf({}, { cluster }));
    expect(found).toHaveLength(2);
    for (const tolerations of found) {
      expect(taints.map((taint) => tolerated(tolerations, taint))).toEqual([true, true, false, false]);
      expect(tolerations.filter(({ key }) => key === 'dedicated')).toHaveLength(1);
    }
  });

  it('is no part of what is applied without helm', () => {
    expect(readFileSync(new URL('../../deploy/pod-checkpointer.yaml', import.meta.url), 'utf8')).not.toContain('helm.sh/hook');
  });

  it('changes nothing of what is installed, so that it rolls no pod', async () => {
    expect(await helm.render({ purgeOnUninstall: true })).toBe(await helm.render());
  });
});
