/**
 * An image pulled with a pull secret. A kubelet of 1.35 and newer gives it to no pod without that secret, so not to a copy: the
 * agent must say so while all is well, and be right. An image that everyone may pull must not suffer from it.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { goneFromApi } from '../gone.ts';
import { ADDRESSES } from '../node/layout.ts';
import type { Node } from '../node/node.ts';
import type { Daemon } from '../node/process.ts';
import { done, doneUnless, holds, notYet, until } from '../node/wait.ts';
import { REGISTRY_LOGIN } from '../registry-login.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, when } from '../scenario.ts';
import { checkpointDir, checkpointStatus, ownManifests } from '../status.ts';
import { copiesOf, isLiving, NAMESPACE } from '../workload.ts';

const NODE = realpathSync(join(import.meta.dirname, '..', '..', '..', 'node_modules', '.bin', 'node'));
const WHICH = ['open', 'private'] as const;
type Which = (typeof WHICH)[number];

const nameOf = (which: Which) => `pull-${which}`;
const imageOf = (which: Which) => `${ADDRESSES.registry}/${which}/testserver`;

function objects(): readonly unknown[] {
  const { user: username, password } = REGISTRY_LOGIN;
  const login = JSON.stringify({ auths: { [ADDRESSES.registry]: { username, password } } });
  const metadata = { name: 'registry', namespace: NAMESPACE };
  const secret = { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': Buffer.from(login).toString('base64') } };
  return [{ apiVersion: 'v1', kind: 'Secret', metadata, ...secret }, ...WHICH.map(deployment)];
}

function deployment(which: Which): unknown {
  const container = {
    name: 'server',
    image: `${imageOf(which)}:1`,
    args: ['serve', '--listen', ':8080'],
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
  };
  const template = {
    metadata: { labels: { app: nameOf(which) }, annotations: { 'checkpointer/enabled': 'true', 'checkpointer/min-ready': '2s' } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [container],
      ...(which === 'private' ? { imagePullSecrets: [{ name: 'registry' }] } : {}),
    },
  };
  const spec = { selector: { matchLabels: { app: nameOf(which) } }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: nameOf(which), namespace: NAMESPACE }, spec };
}

/** namespace/name of the pod, once it is Ready and was restarted so often. */
async function readyPod(node: Node, which: Which, restarts: number): Promise<string | undefined> {
  const { stdout } = await node.kubectl(['get', 'pods', `--namespace=${NAMESPACE}`, `--selector=app=${nameOf(which)}`, '--output=json']);
  interface PodJson {
    readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
    readonly status?: { readonly containerStatuses?: readonly { readonly ready: boolean; readonly restartCount: number }[] };
  }
  const pod = (JSON.parse(stdout) as { items: PodJson[] }).items.find(
    (item) => item.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined,
  );
  const status = pod?.status?.containerStatuses?.[0];
  return status?.ready === true && status.restartCount === restarts ? `${NAMESPACE}/${pod?.metadata.name}` : undefined;
}

async function bothReady(node: Node, restarts: number, limitMs: number): Promise<Readonly<Record<Which, string>>> {
  return await until(
    'both pods Ready',
    async () => {
      const [open, own] = await Promise.all(WHICH.map((which) => readyPod(node, which, restarts)));
      return open !== undefined && own !== undefined ? done({ open, private: own }) : notYet(`open ${open}, private ${own}`);
    },
    limitMs,
    500,
  );
}

async function runs(node: Node, checkpoint: string): Promise<boolean> {
  const copies = copiesOf(await node.cri.pods(), checkpoint);
  return copies.some((copy) => copy.containers.some((container) => container.state === 'RUNNING'));
}

export const pullSecret: Scenario = {
  id: 'pull-secret',
  title: 'Where the kubelet would deny a copy an image pulled with a pull secret, the agent says so before the outage, and rightly',
  needs: ['capture'],
  kubelet: dependsOnKubelet('kubelets before 1.35 deny no image'),
  steps: () => {
    let registry: Daemon | undefined;
    let pods: Readonly<Record<Which, string>> | undefined;
    let logged = 0;
    const checks = (node: Node) => node.components.line !== '1.34';
    const kubeletLog = (node: Node) => readFileSync(join(node.paths.logs, 'kubelet.log'), 'utf8');
    const before = [
      given('a registry with an image for everyone and one behind a password', async ({ node }) => {
        registry = await node.machine.daemon('network', {
          name: 'registry',
          argv: [NODE, join(import.meta.dirname, '..', 'registry.ts'), ADDRESSES.registry, node.components.testserver],
        });
      }),
      given('a pod of each is Ready and captured; the kubelet pulled the images', async ({ node }) => {
        await node.kubectl(['apply', '--filename=-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects() }));
        pods = await bothReady(node, 0, 120_000);
        const { open, private: own } = pods;
        await until(
          'both captured',
          async () => {
            const list = await checkpointStatus(node);
            const there = [open, own].every((pod) => list.some((entry) => entry.checkpoint === pod && entry.state === 'inactive'));
            return there ? done() : notYet(JSON.stringify(list));
          },
          60_000,
          500,
        );
      }),
      check('the copies keep the spelling of the images, at their digests', async ({ node }) => {
        for (const which of WHICH) {
          const manifest = join(checkpointDir(node, remembered(pods, 'the pods')[which]), 'current', 'pod.json');
          const image = /"image":"([^"]+)"/.exec(readFileSync(manifest, 'utf8'))?.[1] ?? '';
          expect(new RegExp(`^${imageOf(which)}@sha256:[0-9a-f]{64}$`).test(image), `${which}: the copy has the image ${image}`);
        }
      }),
      check(
        'a kubelet that checks: the agent warns of the private image, and of no other; one that does not: of none',
        async ({ node }) => {
          const told = async () => {
            const list = (await checkpointStatus(node)).filter((entry) => entry.reason === 'image-denied').map((entry) => entry.checkpoint);
            const metrics = (await node.agent.metrics()).split('\n').filter((line) => /^checkpointer_image_denied\{.*\} 1$/.test(line));
            return { list, metrics };
          };
          const expected = checks(node) ? [remembered(pods, 'the pods').private] : [];
          await until(
            'the warning',
            async () => {
              const { list, metrics } = await told();
              return list.join() === expected.join() && metrics.length === expected.length
                ? done()
                : notYet(JSON.stringify({ list, metrics }));
            },
            60_000,
            250,
          );
          const log = readFileSync(node.paths.agentLog, 'utf8').split('\n');
          const lines = log.filter((line) => line.includes('would deny the copy an image'));
          expect(lines.length === expected.length, `the log says so ${lines.length} times`);
          expect(
            lines.every((line) => line.includes(imageOf('private')) && line.includes('pull secret')),
            'the log says why',
          );
          const leak = [REGISTRY_LOGIN.password, Buffer.from(REGISTRY_LOGIN.password).toString('base64')];
          expect(!log.some((line) => leak.some((word) => line.includes(word))), "the log holds the registry's password");
        },
      ),
      when('the registry ends', async ({ node }) => {
        await registry?.stop('SIGKILL');
        logged = kubeletLog(node).length;
      }),
    ];
    const offline = [
      check('the copy of the image for everyone runs', async ({ node }) => {
        await until('it runs', async () => doneUnless((await runs(node, remembered(pods, 'the pods').open)) ? '' : 'no'), 60_000);
      }),
      check('the other one runs only where the kubelet does not check; where it does, it tries to pull and cannot', async ({ node }) => {
        const { private: own } = remembered(pods, 'the pods');
        if (!checks(node)) {
          await until('it runs', async () => doneUnless((await runs(node, own)) ? '' : 'no'), 60_000);
          return;
        }
        const denial = () =>
          kubeletLog(node)
            .slice(logged)
            .split('\n')
            .find((line) => /ErrImagePull/.test(line) && line.includes(imageOf('private')));
        await until('the kubelet says so', () => doneUnless(denial() === undefined ? 'not yet' : ''), 60_000);
        await holds('it does not run', async () => ((await runs(node, own)) ? 'it runs' : undefined), 10_000, 500);
        const other = kubeletLog(node)
          .slice(logged)
          .split('\n')
          .find((line) => /ErrImagePull/.test(line) && line.includes(imageOf('open')));
        expect(other === undefined, `the kubelet wanted to pull the image for everyone: ${other}`);
      }),
    ];
    const after = [
      check('both pods are Ready again without the registry, and no copy is left', async ({ node }) => {
        const { open, private: own } = remembered(pods, 'the pods');
        await bothReady(node, 1, 240_000);
        await until(
          'copies gone',
          async () => {
            const all = await node.cri.pods();
            const living = [open, own].flatMap((pod) => copiesOf(all, pod)).filter(isLiving);
            return doneUnless([...living.map((pod) => pod.name), ...ownManifests(node)].join(' '));
          },
          240_000,
          500,
        );
      }),
      when('both are deleted for good', async ({ node }) => {
        await node.kubectl([
          'delete',
          `--namespace=${NAMESPACE}`,
          '--wait=false',
          ...WHICH.map((which) => `deployment/${nameOf(which)}`),
          'secret/registry',
        ]);
      }),
    ];
    const atLast = [
      check('their checkpoints go too', async ({ node, settings }) => {
        const checkpoints = Object.values(remembered(pods, 'the pods'));
        await goneFromApi(node, checkpoints);
        const left = () => checkpoints.filter((checkpoint) => existsSync(checkpointDir(node, checkpoint)));
        await until('checkpoints gone', () => doneUnless(left().join(' ')), settings.retireGraceMs + 60_000, 500);
      }),
    ];
    return { before, offline, after, atLast };
  },
};
