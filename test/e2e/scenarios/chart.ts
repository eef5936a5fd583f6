/**
 * The Helm chart, held against this node's API server: every object is one that it knows to the last field, the agent's
 * account may do what it needs and nothing else, and the admission policy refuses what it says and nothing else.
 * The kinds of the Prometheus operator and of OpenShift are not served here, so nobody judges those two objects.
 */
import { createHelm, type Helm, type KubernetesObject, only } from '../../chart/helm.ts';
import { everything, matrix } from '../../chart/values.ts';
import { prepareHelm } from '../components.ts';
import type { Node } from '../node/node.ts';
import { done, doneUnless, messageOf, notYet, until } from '../node/wait.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario } from '../scenario.ts';

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
  /** Nothing: in all of them. */
  readonly namespace?: string;
  /** Of one object. */
  readonly name?: string;
}

const GRANTED: readonly Right[] = [
  { verb: 'list', resource: 'pods' },
  { verb: 'watch', resource: 'pods' },
];
const DENIED: readonly Right[] = [
  ...['get', 'create', 'update', 'patch', 'delete', 'deletecollection'].map((verb) => ({ verb, resource: 'pods' })),
  ...['get', 'list', 'watch'].flatMap((verb) => ['secrets', 'configmaps', 'nodes', 'services'].map((resource) => ({ verb, resource }))),
  ...['get', 'create', 'update', 'patch', 'delete'].map((verb) => ({ verb, resource: 'events' })),
  { verb: 'create', group: 'events.k8s.io', resource: 'events' },
  ...['get', 'create'].map((verb) => ({ verb, resource: 'nodes', subresource: 'proxy' })),
  { verb: 'create', resource: 'pods', subresource: 'exec' },
  { verb: 'create', resource: 'pods', subresource: 'binding' },
  { verb: 'patch', resource: 'pods', subresource: 'status' },
  { verb: 'create', resource: 'serviceaccounts', subresource: 'token' },
  { verb: 'list', group: 'apps', resource: 'daemonsets' },
  { verb: '*', group: '*', resource: '*' },
];

/** In the order of the rights, and in one call: there are more than a hundred. */
async function may(node: Node, account: string, rights: readonly Right[]): Promise<readonly boolean[]> {
  const reviews = rights.map(({ verb, group = '', resource, subresource, ...where }) => ({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${NAMESPACE}:${account}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${NAMESPACE}`, 'system:authenticated'],
      resourceAttributes: { verb, group, resource, ...(subresource === undefined ? {} : { subresource }), ...where },
    },
  }));
  const { stdout } = await node.kubectl(['create', '--output=jsonpath={.status.allowed}{"\\n"}', '--filename=-'], list(reviews));
  const said = stdout.trim().split('\n');
  const understood = said.length === rights.length && said.every((each) => each === 'true' || each === 'false');
  expect(understood, `asked for ${rights.length} rights the API server said ${stdout}`);
  return said.map((each) => each === 'true');
}

const ACCOUNT_KINDS = ['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'];

interface Rights {
  readonly granted: readonly Right[];
  readonly denied: readonly Right[];
}

/** What may be done to one object only: with its name, and not with another one's. */
function oneObject(verb: string, group: string, resource: string, name: string): Rights {
  const right = { verb, group, resource, namespace: NAMESPACE };
  return { granted: [{ ...right, name }], denied: [right, { ...right, name: `${name}x` }, { ...right, name, namespace: FOREIGN }] };
}

/** The accounts of the uninstall. What the agent is denied is denied to them too, but for the few rights that are their own. */
function uninstallRights(agents: string, cleanup: string): Readonly<Record<'cleanup' | 'uninstall', Rights>> {
  const rbac = 'rbac.authorization.k8s.io';
  const tied = [['', 'configmaps'] as const, ['', 'serviceaccounts'] as const, [rbac, 'roles'] as const, [rbac, 'rolebindings'] as const];
  const join = (all: readonly Rights[]): Rights => ({
    granted: all.flatMap(({ granted }) => granted),
    denied: all.flatMap(({ denied }) => denied),
  });
  const daemonSet = (verb: string, name: string): Rights => oneObject(verb, 'apps', 'daemonsets', name);
  const never = (verb: string, name: string): Rights => ({ granted: [], denied: daemonSet(verb, name).granted });
  const own = [daemonSet('get', cleanup), daemonSet('delete', cleanup), ...['patch', 'update'].map((verb) => never(verb, cleanup))];
  const lists: Rights = {
    granted: [
      { verb: 'list', resource: 'pods', namespace: NAMESPACE },
      { verb: 'list', resource: 'nodes' },
    ],
    denied: [{ verb: 'list', resource: 'pods' }],
  };
  return {
    cleanup: join([...own, daemonSet('get', agents), never('delete', agents), never('patch', agents)]),
    uninstall: join([
      ...own,
      ...['get', 'delete'].map((verb) => daemonSet(verb, agents)),
      ...tied.flatMap(([group, resource]) => ['patch', 'delete'].map((verb) => oneObject(verb, group, resource, cleanup))),
      lists,
    ]),
  };
}

const same = (a: Right, b: Right): boolean => JSON.stringify(a) === JSON.stringify(b);

async function accountsMay(node: Node, objects: readonly KubernetesObject[], rights: ReadonlyMap<string, Rights>): Promise<number> {
  const account = objects.filter(({ kind }) => ACCOUNT_KINDS.includes(kind));
  let tried = 0;
  try {
    await node.kubectl(['apply', '--filename=-'], list(account));
    for (const [name, { granted, denied }] of rights) {
      await until(
        `what ${name} is for`,
        async () => {
          const allowed = await may(node, name, granted);
          const missing = granted.filter((_, index) => allowed[index] !== true);
          return doneUnless(missing.length === 0 ? '' : `refused: ${JSON.stringify(missing)}`);
        },
        60_000,
      );
      // what it may not do in its own namespace it may do in none
      const others = DENIED.filter((right) => !granted.some((one) => same(one, right))).map((right) => ({
        ...right,
        namespace: NAMESPACE,
      }));
      const refused = [...denied, ...others];
      const allowed = await may(node, name, refused);
      const tooMuch = refused.filter((_, index) => allowed[index] !== false);
      expect(tooMuch.length === 0, `${name} may ${JSON.stringify(tooMuch)}`);
      tried += granted.length + refused.length;
    }
    return tried;
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
  kubelet: dependsOnKubelet('the API server of the same version judges every object and every right'),
  steps: () => {
    let helm: Helm | undefined;
    const rendered = async (node: Node, values: Object): Promise<readonly KubernetesObject[]> => {
      const install = { release: RELEASE, kubeVersion: node.components.kubernetesVersion };
      const { objects, hooks } = remembered(helm, 'helm');
      return [...(await objects(values, install)), ...(await hooks(values, install))].filter(({ kind }) => !NOT_SERVED.includes(kind));
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
      check('the accounts of the agent and of the uninstall may do what they are for, and nothing else', async ({ node, figure }) => {
        const agents = `${RELEASE}-pod-checkpointer`;
        const { cleanup, uninstall } = uninstallRights(agents, `${agents}-cleanup`);
        const rights = new Map([
          [agents, { granted: GRANTED, denied: [] }],
          [`${agents}-cleanup`, cleanup],
          [`${agents}-uninstall`, uninstall],
        ]);
        figure('chart: rights tried', await accountsMay(node, await rendered(node, everything), rights), 'count');
      }),
      check('the admission policy refuses what it says, and nothing else', async ({ node }) => {
        await policyKeepsItsWord(node, remembered(helm, 'helm'));
        helm?.close();
      }),
    ];
  },
};
