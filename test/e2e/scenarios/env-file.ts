/** Secret values in environments, handed over by file: the copy's processes have them, nobody reads them in a manifest. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { backToNormal } from '../copies.ts';
import { goneFromApi } from '../gone.ts';
import { AGENT_IMAGE, TESTSERVER_IMAGE } from '../node/layout.ts';
import type { Node } from '../node/node.ts';
import { done, doneUnless, notYet, until } from '../node/wait.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, type World, when } from '../scenario.ts';
import { checkpointDir, checkpointStatus, ownManifests } from '../status.ts';
import { copiesOf, isLiving, NAMESPACE, type Parents, parentsReady, restartsAfter } from '../workload.ts';

const NAME = 'env-file';
/** What shows a value in any text, however it is quoted there. */
const MARK = 'fa2c71-only-in-the-secret';
/** Values over which such a file could stumble. */
const SECRET = {
  PASSWORD: `${MARK}$(HOME)$$\\n # "x" = é\n  second=#`,
  LINES: `\n# ${MARK}\n\nPASSWORD="other"\n`,
  EMPTY: '',
} as const;
/** A condition that only this scenario sets: without it the parent is not Ready, and the hand-back waits. */
const GATE = 'e2e/gate';

function objects(): readonly unknown[] {
  const env = [
    { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: NAME, key: 'PASSWORD' } } },
    { name: 'URL', value: 'db://user:$(PASSWORD)@db' },
    { name: 'EMPTY', valueFrom: { secretKeyRef: { name: NAME, key: 'EMPTY' } } },
  ];
  const init = {
    name: 'first',
    image: AGENT_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['/bin/sh', '-c', `test "$URL" = "db://user:$PASSWORD@db" && test -n "$PASSWORD"`],
    env,
  };
  const server = {
    name: 'server',
    image: TESTSERVER_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    args: ['serve', '--listen', ':8080'],
    envFrom: [{ prefix: 'ALL_', secretRef: { name: NAME } }],
    env,
    resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { cpu: '1', memory: '64Mi' } },
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
    securityContext: { runAsNonRoot: true, runAsUser: 1000, allowPrivilegeEscalation: false },
  };
  const annotations = { 'checkpointer/enabled': 'true', 'checkpointer/min-ready': '1s', 'checkpointer/secret-env': 'env-file' };
  const template = {
    metadata: { labels: { app: NAME }, annotations },
    spec: {
      securityContext: { runAsUser: 1000, fsGroup: 2000 },
      readinessGates: [{ conditionType: GATE }],
      initContainers: [init],
      containers: [server],
    },
  };
  const metadata = { name: NAME, namespace: NAMESPACE };
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData: SECRET },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector: { matchLabels: { app: NAME } }, template } },
  ];
}

interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly address: string;
  readonly started: boolean;
  readonly mirror: boolean;
  readonly text: string;
}

async function podsInApi(node: Node): Promise<readonly Pod[]> {
  const { stdout } = await node.kubectl(['get', 'pods', `--namespace=${NAMESPACE}`, `--selector=app=${NAME}`, '--output=json']);
  type Item = {
    metadata: { name: string; uid: string; annotations?: Record<string, string> };
    status: { podIP?: string; containerStatuses?: { ready: boolean }[] };
  };
  return (JSON.parse(stdout) as { items: Item[] }).items.map((item) => ({
    name: item.metadata.name,
    uid: item.metadata.uid,
    address: item.status.podIP ?? '',
    started: item.status.containerStatuses?.every((container) => container.ready) ?? false,
    mirror: item.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined,
    text: JSON.stringify(item),
  }));
}

async function openGate(node: Node, pod: string, open: boolean): Promise<void> {
  const patch = JSON.stringify({ status: { conditions: [{ type: GATE, status: open ? 'True' : 'False' }] } });
  await node.kubectl(['patch', `pod/${pod}`, `--namespace=${NAMESPACE}`, '--subresource=status', '--type=strategic', `--patch=${patch}`]);
}

async function environment(node: Node, address: string): Promise<readonly string[]> {
  return (JSON.parse(await node.fetch(`http://${address}:8080/env`)) as string[]).sort();
}

/** Every file below a directory that holds the mark, relative to it; links are not followed. */
function filesWithMark(root: string, below = ''): readonly string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    if (entry.isDirectory()) return filesWithMark(root, path);
    return entry.isFile() && readFileSync(join(root, path)).includes(MARK) ? [path] : [];
  });
}

export const envFile: Scenario = {
  id: 'env-file',
  title: 'With secret-env: env-file a copy has its secret variables, and no manifest shows them; kubelet 1.34 is refused that',
  needs: ['capture'],
  kubelet: dependsOnKubelet('1.34 must be refused, what newer ones read must be right'),
  steps: () => {
    let parents: Parents | undefined;
    let parent: Pod | undefined;
    let parentSees: readonly string[] = [];
    let copyAddress = '';
    const checkpoint = () => `${NAMESPACE}/${remembered(parent, 'the parent').name}`;
    const supported = ({ node }: World) => !node.components.line.startsWith('1.34');

    async function copyServes(world: World): Promise<void> {
      const { node } = world;
      copyAddress = await until(
        'address of the copy',
        async () => {
          const copy = copiesOf(await node.cri.pods(), checkpoint()).find((pod) => pod.ready);
          const address = copy === undefined ? '' : await node.cri.addressOf(copy.sandboxId);
          return address === '' ? notYet('no sandbox, or none with an address') : done(address);
        },
        90_000,
      );
      await until('the copy answering', async () => done(await environment(node, copyAddress)), 60_000);
    }

    const before = [
      given('a pod with secret variables runs, also in an init container', async ({ node, memory }) => {
        parents = await parentsReady(node, 180_000);
        memory.parents = parents;
        await node.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects() }));
        parent = await until(
          'the pod started',
          async () => {
            const [pod] = await podsInApi(node);
            return pod?.started === true ? done(pod) : notYet(pod?.text.slice(0, 300) ?? 'no pod');
          },
          180_000,
          250,
        );
        parentSees = await environment(node, parent.address);
        const marked = parentSees.filter((entry) => entry.includes(MARK)).map((entry) => entry.split('=', 1)[0]);
        expect(marked.join(' ') === 'ALL_LINES ALL_PASSWORD PASSWORD URL', `the parent has the Secret in ${marked.join(' ')}`);
        await openGate(node, parent.name, true);
      }),
      check('it is captured, or on kubelet 1.34 refused with a sentence that says why', async (world) => {
        const { node } = world;
        await until(
          'a verdict on the pod',
          async () => {
            const log = readFileSync(node.paths.agentLog, 'utf8').split('\n');
            const refusal = log.find((line) => line.includes(checkpoint()) && line.includes('needs-newer-kubelet'));
            const list = await checkpointStatus(node);
            const captured = list.some((entry) => entry.checkpoint === checkpoint() && entry.state === 'inactive');
            if (supported(world)) return captured ? done() : notYet(JSON.stringify([list, refusal]));
            expect(!captured, 'kubelet 1.34 would start the copy with empty values, and a checkpoint was made');
            return refusal?.includes('needs kubelet 1.35 or newer (the version of this one is not known)')
              ? done()
              : notYet(JSON.stringify(list));
          },
          180_000,
          250,
        );
      }),
      check('the values stand in no manifest, no record and no log; if it is captured, in one stored file of mode 0600', async (world) => {
        const { node } = world;
        const logged = filesWithMark(node.paths.logs);
        expect(logged.length === 0, `the value stands in ${logged.join(', ')}`);
        const home = checkpointDir(node, checkpoint());
        if (!supported(world)) return expect(!existsSync(home), 'a checkpoint was stored');
        const holders = filesWithMark(home);
        expect(holders.length === 1 && /\/files\/podckpt-env\/.*env$/.test(holders[0] ?? ''), `the value stands in ${holders.join(', ')}`);
        const { mode } = statSync(join(home, holders[0] ?? ''));
        expect((mode & 0o777) === 0o600, `the file has mode ${(mode & 0o777).toString(8)}`);
      }),
      given('a captured parent is not to be Ready again before we say so', async (world) => {
        if (supported(world)) await openGate(world.node, remembered(parent, 'the parent').name, false);
      }),
    ];
    const offline = [
      check('if it is captured, the copy serves', async (world) => {
        if (supported(world)) await copyServes(world);
      }),
      check("a copy's process has exactly the parent's environment", async (world) => {
        if (!supported(world)) return;
        const copySees = await environment(world.node, copyAddress);
        const differing = [
          ...parentSees.filter((entry) => !copySees.includes(entry)),
          ...copySees.filter((entry) => !parentSees.includes(entry)),
        ];
        expect(differing.length === 0, `these differ: ${differing.map((entry) => JSON.stringify(entry)).join(' ')}`);
      }),
      check('the manifest of a copy does not show a value', async (world) => {
        if (!supported(world)) return;
        const shown = filesWithMark(world.node.paths.manifests);
        expect(
          ownManifests(world.node).some((name) => name.includes(NAME)),
          'no manifest of the copy is there',
        );
        expect(shown.length === 0, `the value stands in ${shown.join(', ')}`);
      }),
    ];
    const after = [
      check('the mirror pod of a copy does not show a value', async (world) => {
        if (!supported(world)) return;
        const mirror = await until(
          'the mirror pod',
          async () => {
            const pods = await podsInApi(world.node);
            const found = pods.find((pod) => pod.mirror);
            return found === undefined ? notYet(pods.map((pod) => pod.name).join(' ')) : done(found);
          },
          150_000,
          250,
        );
        expect(mirror.text.includes('fileKeyRef'), 'the mirror pod has no fileKeyRef');
        expect(!mirror.text.includes(MARK), 'the mirror pod shows the value');
        const logged = filesWithMark(world.node.paths.logs);
        expect(logged.length === 0, `the value stands in ${logged.join(', ')}`);
      }),
      check('a parent takes over from its copy once it is Ready, and everything is as before', async (world) => {
        const { node } = world;
        if (!supported(world)) return;
        await openGate(node, remembered(parent, 'the parent').name, true);
        await until(
          'copy gone',
          async () => {
            const living = copiesOf(await node.cri.pods(), checkpoint()).filter(isLiving);
            return doneUnless(living.map((pod) => pod.name).join(' '));
          },
          180_000,
          500,
        );
        await backToNormal(world, restartsAfter(remembered(parents, 'the parents'), 1), 240_000);
      }),
      when('the pod is deleted for good', async ({ node }) => {
        await node.kubectl(['delete', `--namespace=${NAMESPACE}`, '--wait=false', `deployment/${NAME}`, `secret/${NAME}`]);
      }),
    ];
    const atLast = [
      check('no checkpoint of it and none of the values are left', async ({ node, settings }) => {
        await goneFromApi(node, [checkpoint()]);
        const gone = () => (existsSync(checkpointDir(node, checkpoint())) ? notYet('it is there') : done());
        await until('checkpoint gone', gone, settings.retireGraceMs + 60_000, 500);
        const left = filesWithMark(node.paths.agentState);
        expect(left.length === 0, `the value stands in ${left.join(', ')}`);
      }),
    ];
    return {
      before,
      offline,
      after,
      atLast,
      giveUp: async ({ node }) => {
        if (parent !== undefined) await openGate(node, parent.name, true);
      },
    };
  },
};
