/** A parent's files change while it runs: the next revision has the new ones and nothing of the old. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { goneFromApi } from '../gone.ts';
import { TESTSERVER_IMAGE } from '../node/layout.ts';
import type { Node } from '../node/node.ts';
import { done, doneUnless, notYet, until } from '../node/wait.ts';
import { check, expect, given, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { checkpointDir, checkpointStatus, storedComplaint } from '../status.ts';
import { NAMESPACE } from '../workload.ts';

const NAME = 'refresh';
/** The kubelet looks at a pod's volumes about once a minute, the agent too. */
const KUBELET_LIMIT_MS = 600_000;
const AGENT_LIMIT_MS = 600_000;

/** Values before the change and after it; a key without a second value is removed. */
const SECRET = { password: ['first', 'second'], outdated: ['only in the first revision'], added: [undefined, 'new'] } as const;
const CONFIG = { level: ['info', 'debug'], 'old.conf': ['only in the first revision'] } as const;

type Values = Readonly<Record<string, readonly (string | undefined)[]>>;

function valuesOf(values: Values, version: 0 | 1): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).flatMap(([key, all]) => (all[version] === undefined ? [] : [[key, all[version]]])));
}

function objects(version: 0 | 1): readonly unknown[] {
  const metadata = { name: NAME, namespace: NAMESPACE };
  const encoded = Object.entries(valuesOf(SECRET, version)).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata, data: Object.fromEntries(encoded) },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: valuesOf(CONFIG, version) },
  ];
}

function deployment(): unknown {
  const container = {
    name: 'server',
    image: TESTSERVER_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    args: ['serve', '--listen', ':8080'],
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
    volumeMounts: [
      { name: 'secret', mountPath: '/secret' },
      { name: 'config', mountPath: '/config' },
    ],
  };
  const volumes = [
    { name: 'secret', secret: { secretName: NAME, defaultMode: 0o440 } },
    { name: 'config', projected: { sources: [{ configMap: { name: NAME } }] } },
  ];
  const annotations = { 'checkpointer/enabled': 'true', 'checkpointer/min-ready': '2s' };
  const template = { metadata: { labels: { app: NAME }, annotations }, spec: { containers: [container], volumes } };
  const spec = { selector: { matchLabels: { app: NAME } }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: NAME, namespace: NAMESPACE }, spec };
}

async function apply(node: Node, items: readonly unknown[]): Promise<void> {
  await node.kubectl(['apply', '--filename=-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

/** `path: digest` of everything the pod is to have in this version. */
function expectedFiles(version: 0 | 1): readonly string[] {
  const lines = (dir: string, values: Values) =>
    Object.entries(valuesOf(values, version)).map(([key, value]) => `${dir}/${key}: ${sha256(value)}`);
  return [...lines('secret', SECRET), ...lines('config', CONFIG)].sort();
}

function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function seenByParent(node: Node, address: string): Promise<readonly string[]> {
  const answers = await Promise.all(['secret', 'config'].map((dir) => node.fetch(`http://${address}:8080/tree?path=/${dir}`)));
  const files = answers.flatMap((answer) => JSON.parse(answer) as { path: string; content: string }[]);
  return files.map((file) => `${file.path.slice(1)}: ${sha256(Buffer.from(file.content, 'base64'))}`).sort();
}

/** The same of the current revision's files on the disk. */
function storedFiles(node: Node, checkpoint: string): readonly string[] {
  const files = join(checkpointDir(node, checkpoint), 'current', 'files');
  return ['secret', 'config']
    .flatMap((dir) =>
      readdirSync(join(files, dir))
        .filter((name) => !name.startsWith('..'))
        .map((name) => `${dir}/${name}: ${sha256(readFileSync(join(files, dir, name)))}`),
    )
    .sort();
}

function same(expected: readonly string[], found: readonly string[]): string | undefined {
  return expected.join('\n') === found.join('\n') ? undefined : `expected:\n${expected.join('\n')}\nfound:\n${found.join('\n')}`;
}

export const refresh: Scenario = {
  id: 'refresh',
  title: "When a parent's Secret and ConfigMap change, the next revision has the new files and the old revision goes",
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('a volume that the kubelet writes anew is what `token` shows on each'),
  steps: () => {
    let checkpoint = '';
    let address = '';
    let oldRevision = '';
    let changedAt = 0;
    return [
      given('a pod with a Secret and a ConfigMap is Ready and captured', async ({ node }) => {
        await apply(node, [...objects(0), deployment()]);
        const query = ['get', 'pods', `--namespace=${NAMESPACE}`, `--selector=app=${NAME}`];
        [checkpoint, address] = await until(
          'the pod captured',
          async () => {
            const { stdout } = await node.kubectl([...query, '--output=jsonpath={.items[*].metadata.name} {.items[*].status.podIP}']);
            const [name = '', podAddress = ''] = stdout.split(' ');
            const list = await checkpointStatus(node);
            const there = list.some((entry) => entry.checkpoint === `${NAMESPACE}/${name}` && entry.state === 'inactive');
            return there ? done<[string, string]>([`${NAMESPACE}/${name}`, podAddress]) : notYet(`${stdout} ${JSON.stringify(list)}`);
          },
          60_000,
          250,
        );
        const complaint = storedComplaint(node, checkpoint) ?? same(expectedFiles(0), storedFiles(node, checkpoint));
        expect(complaint === undefined, complaint ?? '');
        oldRevision = readlinkSync(join(checkpointDir(node, checkpoint), 'current'));
      }),
      when('in both a value changes and a key goes, and the kubelet has refreshed the volumes', async (world) => {
        await apply(world.node, objects(1));
        const before = Date.now();
        const look = async () => doneUnless(same(expectedFiles(1), await seenByParent(world.node, address)));
        await until('the parent sees the change', look, KUBELET_LIMIT_MS, 500);
        changedAt = Date.now();
        world.figure('objects changed → parent sees it', changedAt - before, 'ms');
      }),
      check('the next revision holds the new bytes; the removed keys are gone', async (world) => {
        const { node } = world;
        await until('a new revision', () => doneUnless(same(expectedFiles(1), storedFiles(node, checkpoint))), AGENT_LIMIT_MS, 250);
        world.figure('parent sees it → next revision', Date.now() - changedAt, 'ms');
        const complaint = storedComplaint(node, checkpoint);
        expect(complaint === undefined, complaint ?? '');
        expect(readlinkSync(join(checkpointDir(node, checkpoint), 'current')) !== oldRevision, 'the old revision itself was changed');
      }),
      check('no old revision is left on the disk', async ({ node }) => {
        const home = checkpointDir(node, checkpoint);
        const revisions = () => {
          const left = readdirSync(join(home, 'revisions'));
          return left.length === 1 && !existsSync(join(home, oldRevision)) ? done() : notYet(left.join(' '));
        };
        await until('one revision', revisions, 60_000);
      }),
      when('the pod is deleted for good', async ({ node }) => {
        await node.kubectl(['delete', `--namespace=${NAMESPACE}`, `deployment/${NAME}`, `secret/${NAME}`, `configmap/${NAME}`]);
      }),
      check('its checkpoint goes too', async ({ node, settings }) => {
        await goneFromApi(node, [checkpoint]);
        const gone = () => (existsSync(checkpointDir(node, checkpoint)) ? notYet('it is there') : done());
        await until('checkpoint gone', gone, settings.retireGraceMs + 60_000, 500);
      }),
    ];
  },
};
