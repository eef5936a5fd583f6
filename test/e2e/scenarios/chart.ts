/**
 * The Helm chart, held against this node's API server: every object is one that it knows to the last field, the agent's
 * account may do what it needs and nothing else, and the admission policy refuses what it says and nothing else.
 * The kinds of the Prometheus operator and of OpenShift are not served here, so nobody judges those two objects.
 */
import { createHelm, type Helm, type KubernetesObject, objectsOf, only } from '../../chart/helm.ts';
import { everything, matrix } from '../../chart/values.ts';
import { prepareHelm } from '../components.ts';
import type { Node } from '../node/node.ts';
import { done, doneUnless, messageOf, notYet, until } from '../node/wait.ts';
import { check, expect, given, remembered, type Scenario } from '../scenario.ts';

const NOT_SERVED = ['PodMonitor', 'SecurityContextConstraints'];
const NAMESPACE = 'kube-system';
const FOREIGN = 'default';
/** Not the name of the agent's own account on this node. */
const RELEASE = 'chart-e2e';

type Object = Readonly<Record<string, unknown>>;
const list = (items: readonly Object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

/** An API server that does not know a field refuses it here, instead of dropping it without a word. */
async function takes(node: Node, objects: readonly Object[]): Promise<void> {
  await node.kubectl(['apply', '--dry-run=server', '--validate=strict', '--filename=-'], list(objects));
}

interface Right {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
}

const GRANTED: readonly Right[] = [
  { verb: 'list', resource: 'pods' },
  { verb: 'watch', resource: 'pods' },
  { verb: 'create', resource: 'events' },
  { verb: 'create', group: 'events.k8s.io', resource: 'events' },
];
const DENIED: readonly Right[] = [
  ...['get', 'create', 'update', 'patch', 'delete', 'deletecollection'].map((verb) => ({ verb, resource: 'pods' })),
  ...['get', 'list', 'watch'].flatMap((verb) => ['secrets', 'configmaps', 'nodes', 'services'].map((resource) => ({ verb, resource }))),
  ...['get', 'update', 'patch', 'delete'].map((verb) => ({ verb, resource: 'events' })),
  ...['get', 'create'].map((verb) => ({ verb, resource: 'nodes', subresource: 'proxy' })),
  { verb: 'create', resource: 'pods', subresource: 'exec' },
  { verb: 'create', resource: 'pods', subresource: 'binding' },
  { verb: 'patch', resource: 'pods', subresource: 'status' },
  { verb: 'create', resource: 'serviceaccounts', subresource: 'token' },
  { verb: 'list', group: 'apps', resource: 'daemonsets' },
  { verb: '*', group: '*', resource: '*' },
];

async function may(node: Node, account: string, { verb, group = '', resource, subresource }: Right): Promise<boolean> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${NAMESPACE}:${account}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${NAMESPACE}`, 'system:authenticated'],
      resourceAttributes: { verb, group, resource, ...(subresource === undefined ? {} : { subresource }) },
    },
  };
  const { stdout } = await node.kubectl(['create', '--output=jsonpath={.status.allowed}', '--filename=-'], JSON.stringify(review));
  return stdout === 'true';
}

async function accountMay(node: Node, objects: readonly KubernetesObject[]): Promise<void> {
  const account = objects.filter(({ kind }) => ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding'].includes(kind));
  const { name } = only(account, 'ServiceAccount').metadata;
  try {
    await node.kubectl(['apply', '--filename=-'], list(account));
    for (const right of GRANTED) {
      const granted = async () => ((await may(node, name, right)) ? done() : notYet('refused'));
      await until(JSON.stringify(right), granted, 10_000);
    }
    for (const right of DENIED) expect(!(await may(node, name, right)), `it may ${JSON.stringify(right)}`);
  } finally {
    await node.kubectl(['delete', '--ignore-not-found', '--filename=-'], list(account));
  }
}

// ---- what people write, for the admission policy ----------------------------------------------------------------------

const OPTED_IN = { 'checkpointer/enabled': 'true' };
const podSpec = { containers: [{ name: 'main', image: 'localhost/none:1' }] };

function workload(kind: 'DaemonSet' | 'Deployment', namespace: string, annotations: Object): Object {
  const labels = { app: 'policy-probe' };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'policy-probe', namespace },
    spec: {
      ...(kind === 'Deployment' ? { replicas: 0 } : {}),
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: podSpec },
    },
  };
}

function pod(namespace: string, annotations: Object, controlled: boolean): Object {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x', uid: '00000000-0000-4000-8000-000000000000', controller: true };
  const metadata = { name: 'policy-probe', namespace, annotations, ...(controlled ? { ownerReferences: [owner] } : {}) };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec };
}

/** What the API server says of it: undefined where it would take it. */
async function objection(node: Node, object: Object): Promise<string | undefined> {
  try {
    await node.kubectl(['create', '--dry-run=server', '--filename=-'], JSON.stringify(object));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** The policy is in force some time after it was stored; and its expressions must hold for every kind that it judges. */
async function inForce(node: Node, policy: string): Promise<void> {
  await until(
    'the policy checked by the controller manager',
    async () => {
      const { stdout } = await node.kubectl(['get', 'validatingadmissionpolicy', policy, '--output=json']);
      const { status, metadata } = JSON.parse(stdout) as {
        metadata: { generation: number };
        status?: { observedGeneration?: number; typeChecking?: { expressionWarnings?: readonly unknown[] } };
      };
      if (status?.observedGeneration !== metadata.generation) return notYet('not looked at yet');
      const warnings = status.typeChecking?.expressionWarnings ?? [];
      return warnings.length === 0 ? done() : notYet(JSON.stringify(warnings));
    },
    30_000,
  );
  await until(
    'the policy in force',
    async () => ((await objection(node, pod(FOREIGN, OPTED_IN, false))) === undefined ? notYet('an opted-in pod is taken') : done()),
    30_000,
  );
}

async function policyKeepsItsWord(node: Node, helm: Helm): Promise<void> {
  const values = { namespaces: [NAMESPACE], admissionPolicy: { enabled: true, denySecretEnvInline: true } };
  const objects = await helm.objects(values, { release: RELEASE, kubeVersion: node.components.kubernetesVersion });
  const policy = objects.filter(({ kind }) => kind.startsWith('ValidatingAdmissionPolicy'));
  const before = workload('Deployment', FOREIGN, OPTED_IN);
  const inline = { ...OPTED_IN, 'checkpointer/secret-env': 'inline' };
  try {
    await node.kubectl(['create', '--filename=-'], JSON.stringify(before));
    await node.kubectl(['apply', '--filename=-'], list(policy));
    await inForce(node, only(policy, 'ValidatingAdmissionPolicy').metadata.name);

    const refused: readonly (readonly [Object, string])[] = [
      [pod(FOREIGN, OPTED_IN, false), 'is not honoured in namespace default'],
      [workload('DaemonSet', FOREIGN, OPTED_IN), 'is not honoured in namespace default'],
      [pod(NAMESPACE, inline, false), 'checkpointer/secret-env: inline is not allowed'],
      [workload('DaemonSet', NAMESPACE, inline), 'checkpointer/secret-env: inline is not allowed'],
    ];
    for (const [object, words] of refused) {
      const said = (await objection(node, object)) ?? 'nothing: it was taken';
      expect(said.includes(words), `${JSON.stringify(object)}: ${said}`);
    }
    const taken: readonly Object[] = [
      pod(FOREIGN, {}, false),
      pod(FOREIGN, OPTED_IN, true),
      pod(NAMESPACE, OPTED_IN, false),
      pod(NAMESPACE, { ...OPTED_IN, 'checkpointer/secret-env': 'refuse' }, false),
      workload('DaemonSet', FOREIGN, {}),
      workload('DaemonSet', NAMESPACE, OPTED_IN),
      only(objects, 'DaemonSet'),
    ];
    for (const object of taken) {
      const said = await objection(node, object);
      expect(said === undefined, `${JSON.stringify(object)}: ${said}`);
    }
    // what was there before the policy may still be changed
    await node.kubectl(['label', 'deployment/policy-probe', `--namespace=${FOREIGN}`, 'changed=yes']);
  } finally {
    await node.kubectl(['delete', '--ignore-not-found', '--filename=-'], list([...policy, before]));
    // the API server drops a policy some time after its object, and the next scenario is not to meet it
    await until(
      'the policy out of force',
      async () =>
        doneUnless((await objection(node, pod(FOREIGN, OPTED_IN, false))) ?? (await objection(node, pod(NAMESPACE, inline, false)))),
      30_000,
      200,
    );
  }
}

export const chart: Scenario = {
  id: 'chart',
  title: 'The Helm chart is one that a real API server takes, with the rights and the policy that it promises',
  needs: [],
  steps: () => {
    let helm: Helm | undefined;
    const rendered = async (node: Node, values: Object): Promise<readonly KubernetesObject[]> => {
      const text = await remembered(helm, 'helm').render(values, { release: RELEASE, kubeVersion: node.components.kubernetesVersion });
      return objectsOf(text).filter(({ kind }) => !NOT_SERVED.includes(kind));
    };
    return [
      given('helm is there', async ({ say }) => {
        helm = createHelm(await prepareHelm(say));
      }),
      check('the API server takes every object, whatever is switched on, and knows every field', async ({ node, figure }) => {
        let count = 0;
        for (const values of Object.values(matrix)) {
          const objects = await rendered(node, values);
          await takes(node, objects);
          count += objects.length;
        }
        figure('chart: objects taken', count, 'count');
      }),
      check('an object with a field that it does not know is refused', async ({ node }) => {
        const [first] = await rendered(node, {});
        const said = await takes(node, [{ ...first, unheard: 1 }]).then(() => 'nothing', messageOf);
        expect(said.includes('unheard'), `it said ${said}`);
      }),
      check('the account may list and watch pods and create events, and nothing else', async ({ node, figure }) => {
        await accountMay(node, await rendered(node, everything));
        figure('chart: rights tried', GRANTED.length + DENIED.length, 'count');
      }),
      check('the admission policy refuses what it says, and nothing else', async ({ node }) => {
        await policyKeepsItsWord(node, remembered(helm, 'helm'));
        helm?.close();
      }),
    ];
  },
};
