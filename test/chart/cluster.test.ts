/** What the chart refuses beside that which a cluster already has: each sentence in full, and what must pass. */
import { afterAll, describe, expect, inject, it } from 'vitest';
import type { Json } from '../../src/core/model/model.ts';
import { createHelm, type Install, only, type Values } from './helm.ts';
import { withCluster } from './installed.ts';
import { matrix } from './values.ts';

const helm = createHelm(inject('helm'));
afterAll(() => helm.close());

/** The DaemonSet of a release, as an API server would store it: without empty lists. */
async function daemonSetOf(values: Values, install?: Install): Promise<Json> {
  const stored = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(stored);
    if (typeof value !== 'object' || value === null) return value;
    const kept = Object.entries(value).filter(([, one]) => one !== null && !(Array.isArray(one) && one.length === 0));
    return Object.fromEntries(kept.map(([key, one]) => [key, stored(one)]));
  };
  return stored(only(await helm.objects(values, install), 'DaemonSet')) as Json;
}

async function upgrade(before: Values, after: Values): Promise<string> {
  const daemonSets = [await daemonSetOf(before)];
  return withCluster({ daemonSets }, (cluster) => said(after, { cluster, upgrade: true }));
}

/** The sentences of a refusal, or 'rendered'. */
async function said(values: Values, install: Install): Promise<string> {
  return helm.render(values, install).then(
    () => 'rendered',
    (error: unknown) => /\n\n(\w.*?)\n*(?:\nUse --debug.*)?$/s.exec(String(error))?.[1] ?? String(error),
  );
}

const LOST =
  'so a node may lose its agent, and its standby would go on there for good; run helm uninstall, which cleans every node that has an agent, and install with the new placement.';
const exists = (key: string, effect?: string) => ({ key, operator: 'Exists', ...(effect === undefined ? {} : { effect }) });
const term = (key: string) => ({ matchExpressions: [{ key, operator: 'Exists' }] });
const onNodes = (...terms: object[]) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
});
const besidePods = (app: string) => ({
  affinity: {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } }],
    },
  },
});

describe('an upgrade by which a node may lose its agent, or its standby', () => {
  it.each<[string, Values, Values, string]>([
    [
      'another stateDir',
      { stateDir: '/data/old' },
      { stateDir: '/data/new' },
      'stateDir: the release that is installed has /data/old, and its standbys would go on with that beside the new agents; keep it, or run helm uninstall, which cleans the nodes, and install with /data/new.',
    ],
    [
      'another staticPodPath',
      {},
      { staticPodPath: '/data/manifests' },
      'staticPodPath: the release that is installed has /etc/kubernetes/manifests, and its standbys would stay there beside the new agents; keep it, or run helm uninstall, which cleans the nodes, and install with /data/manifests.',
    ],
    [
      'a further label',
      {},
      { nodeSelector: { pool: 'a' } },
      `nodeSelector: the release that is installed does not ask for pool=a, ${LOST}`,
    ],
    [
      'an empty label that was not asked for',
      {},
      { nodeSelector: { 'node-role.kubernetes.io/control-plane': '' } },
      `nodeSelector: the release that is installed does not ask for node-role.kubernetes.io/control-plane=, ${LOST}`,
    ],
    [
      'another value of a label',
      { nodeSelector: { pool: 'a' } },
      { nodeSelector: { pool: 'b' } },
      `nodeSelector: the release that is installed does not ask for pool=b, ${LOST}`,
    ],
    [
      'a first affinity',
      {},
      onNodes(term('a')),
      `affinity.nodeAffinity: it is not certain to choose every node that the installed one chooses, ${LOST}`,
    ],
    [
      'one alternative less',
      onNodes(term('a'), term('b')),
      onNodes(term('a')),
      `affinity.nodeAffinity: it is not certain to choose every node that the installed one chooses, ${LOST}`,
    ],
    [
      'other pods to be beside',
      besidePods('a'),
      besidePods('b'),
      `affinity.podAffinity: it is not certain to choose every node that the installed one chooses, ${LOST}`,
    ],
    [
      'no toleration of all any more',
      {},
      { tolerations: [exists('a')] },
      `tolerations: {"operator":"Exists"}, which the release that is installed has, is not among the new ones, ${LOST}`,
    ],
    [
      'one toleration for less',
      { tolerations: [exists('a')] },
      { tolerations: [exists('a', 'NoSchedule')] },
      `tolerations: {"key":"a","operator":"Exists"}, which the release that is installed has, is not among the new ones, ${LOST}`,
    ],
    [
      'one for less long',
      { tolerations: [exists('a', 'NoExecute')] },
      { tolerations: [{ ...exists('a', 'NoExecute'), tolerationSeconds: 60 }] },
      `tolerations: {"effect":"NoExecute","key":"a","operator":"Exists"}, which the release that is installed has, is not among the new ones, ${LOST}`,
    ],
  ])('is refused: %s', async (_, before, after, sentence) => {
    expect(await upgrade(before, after)).toBe(sentence);
  });

  it('is told with all that is wrong', async () => {
    const problems = await upgrade({}, { nodeSelector: { a: '1', b: '2' }, tolerations: [], ...onNodes(term('a')) });
    expect(problems.split('\n').map((line) => line.split(':')[0])).toEqual([
      'nodeSelector',
      'nodeSelector',
      'affinity.nodeAffinity',
      'tolerations',
    ]);
  });
});

describe('an upgrade by which no node loses its agent', () => {
  it.each(Object.entries(matrix))('passes: nothing is changed, with %s', async (name, values) => {
    // a PodMonitor, a policy or OpenShift's constraints are kinds that the server of these tests does not know
    const { podMonitor: _, admissionPolicy: _2, openshift: _3, ...known } = values;
    expect(await upgrade(values, known), name).toBe('rendered');
  });

  it.each<[string, Values, Values]>([
    ['a label less', { nodeSelector: { pool: 'a' } }, {}],
    ['no affinity any more', onNodes(term('a')), {}],
    ['one alternative more', onNodes(term('a')), onNodes(term('b'), term('a'))],
    [
      'the same rule with something empty in it',
      onNodes(term('a')),
      onNodes({ matchFields: [], matchExpressions: [{ key: 'a', operator: 'Exists', values: [] }] }),
    ],
    ['a toleration of all', { tolerations: [{ key: 'a', operator: 'Equal', value: 'x', effect: 'NoSchedule' }] }, {}],
    ['a toleration of every value', { tolerations: [{ key: 'a', value: 'x' }] }, { tolerations: [exists('a')] }],
    ['a default spelled out', { tolerations: [{ key: 'a', value: 'x' }] }, { tolerations: [{ key: 'a', operator: 'Equal', value: 'x' }] }],
    ['what a DaemonSet tolerates anyway', { tolerations: [exists('node.kubernetes.io/unschedulable', 'NoSchedule')] }, { tolerations: [] }],
    ['what keeps no pod away', { tolerations: [exists('a', 'PreferNoSchedule')] }, { tolerations: [] }],
  ])('passes: %s', async (_, before, after) => {
    expect(await upgrade(before, after)).toBe('rendered');
  });

  it('passes where nothing is installed, and where no cluster is asked', async () => {
    const narrow = { stateDir: '/data/new', staticPodPath: '/data/m', nodeSelector: { pool: 'a' }, tolerations: [] };
    expect(await withCluster({}, (cluster) => said(narrow, { cluster, upgrade: true }))).toBe('rendered');
    expect(await said(narrow, { upgrade: true })).toBe('rendered');
  });
});

describe('an install beside another release', () => {
  const beside = async (other: Json, values: Values = {}, install: Install = {}): Promise<string> =>
    withCluster({ daemonSets: [other] }, (cluster) => said(values, { cluster, ...install }));
  const sentence = (where: string, release: string) =>
    `stateDir: DaemonSet ${where} of the release ${release} has /var/lib/pod-checkpointer too, and on a node with pods of both each would wait for the other's lock; upgrade that release or uninstall it first, or, if no node is to have both, choose another stateDir.`;
  const cleanupOf = async (install: Install): Promise<Json> => only(await helm.hooks({}, install), 'DaemonSet');

  it('is refused where both have one stateDir', async () => {
    const edge = await daemonSetOf({}, { release: 'edge', namespace: 'tools' });
    expect(await beside(edge)).toBe(sentence('tools/edge-pod-checkpointer', 'edge'));
    const same = await daemonSetOf({}, { namespace: 'tools' });
    expect(await beside(same)).toBe(sentence('tools/pod-checkpointer', 'pod-checkpointer'));
  });

  it('is refused while the other one is still being cleaned up', async () => {
    const leaving = await cleanupOf({ release: 'edge', namespace: 'tools' });
    expect(await beside(leaving)).toBe(sentence('tools/edge-pod-checkpointer-cleanup', 'edge'));
  });

  it('passes where they do not meet: another stateDir, other nodes, or no release of this chart', async () => {
    const install = { release: 'edge', namespace: 'tools' };
    const edge = await daemonSetOf({ nodeSelector: { pool: 'a' } }, install);
    expect(await beside(edge, { stateDir: '/data/x' })).toBe('rendered');
    expect(await beside(edge, { nodeSelector: { pool: 'b' } })).toBe('rendered');
    expect(await beside({ ...edge, metadata: { name: 'x', namespace: 'tools' } })).toBe('rendered');
  });

  it('passes with the cleanup of the same release, for which the agents have the right of way, and in an upgrade', async () => {
    expect(await beside(await cleanupOf({}))).toBe('rendered');
    const edge = await daemonSetOf({}, { release: 'edge', namespace: 'tools' });
    expect(await beside(edge, {}, { upgrade: true })).toBe('rendered');
  });
});
