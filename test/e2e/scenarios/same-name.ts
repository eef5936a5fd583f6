/** A StatefulSet makes its pod anew, under the same name: what runs is the parent, whatever its uid. */
import { existsSync } from 'node:fs';
import { backToNormal, newContainerOf } from '../copies.ts';
import { judgesAnew, reconfigured, startedSince } from '../evidence.ts';
import { goneFromApi } from '../gone.ts';
import { TESTSERVER_IMAGE } from '../node/layout.ts';
import type { Node } from '../node/node.ts';
import { done, doneUnless, holds, notYet, until } from '../node/wait.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { checkpointDir, checkpointStatus, storedUid } from '../status.ts';
import { NAMESPACE, type Parents, parentsReady, restartsAfter } from '../workload.ts';

const NAME = 'same-name';
const POD = `${NAME}-0`;
const CHECKPOINT = `${NAMESPACE}/${POD}`;
/** Short for the test: who takes the pod for one that the kubelet cannot start has started a copy by then. */
const STUCK_GRACE_MS = 10_000;
const WATCHED_MS = STUCK_GRACE_MS + 10_000;

/** With another `minReady` the StatefulSet makes its pod anew. */
function statefulSet(minReady: string): unknown {
  const annotations = { 'checkpointer/enabled': 'true', 'checkpointer/allow-duplicate': 'true', 'checkpointer/min-ready': minReady };
  const container = {
    name: 'server',
    image: TESTSERVER_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    args: ['serve', '--listen', ':8080'],
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
  };
  const template = {
    metadata: { labels: { app: NAME }, annotations },
    spec: { terminationGracePeriodSeconds: 1, containers: [container] },
  };
  const spec = { serviceName: NAME, replicas: 1, selector: { matchLabels: { app: NAME } }, template };
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: NAME, namespace: NAMESPACE }, spec };
}

/** Applies it and waits for its Ready pod, which is not the one given. Gives the uid. */
async function podOf(node: Node, minReady: string, not: string): Promise<string> {
  await node.kubectl(['apply', '--filename=-'], JSON.stringify(statefulSet(minReady)));
  const path = '{.metadata.uid} {.status.conditions[?(@.type=="Ready")].status}';
  return await until(
    'its Ready pod',
    async () => {
      const { stdout } = await node.kubectl(['get', 'pod', POD, '--namespace', NAMESPACE, '--output', `jsonpath=${path}`]);
      const [uid = '', ready] = stdout.split(' ');
      return uid !== not && ready === 'True' ? done(uid) : notYet(stdout);
    },
    120_000,
  );
}

export const sameName: Scenario = {
  id: 'same-name',
  title: 'A StatefulSet has made its pod anew, and the API server goes away before it is captured: no copy beside it',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('what counts as the parent is judged by what the runtime shows, held against each in `contracts`'),
  steps: () => {
    let before: Parents | undefined;
    let [first, second] = ['', ''];
    let stoppedAt = 0;
    return [
      given("a StatefulSet's pod is captured, beside both parents", async ({ node, memory }) => {
        before = await parentsReady(node, 180_000);
        memory.parents = before;
        await reconfigured(node, { stuckGrace: `${STUCK_GRACE_MS / 1000}s` });
        first = await podOf(node, '1s', '');
        await until(
          'its checkpoint',
          async () => {
            const listed = await checkpointStatus(node);
            const own = listed.find(({ checkpoint }) => checkpoint === CHECKPOINT);
            return own?.state === 'inactive' ? done() : notYet(JSON.stringify(listed));
          },
          60_000,
        );
      }),
      when(
        'it is made anew under its name, with another uid, and the API server goes away before that one is captured',
        async ({ node }) => {
          second = await podOf(node, '1h', first);
          stoppedAt = Date.now();
          await node.apiStop();
          await judgesAnew(node, stoppedAt, 60_000, 'unreachable');
          expect(storedUid(node, CHECKPOINT) === first, 'what is stored should be of the pod before');
        },
      ),
      check(`for ${WATCHED_MS / 1000} s it runs, and no copy is started beside it or beside the parents`, async ({ node }) => {
        const complaint = async () => {
          const container = newContainerOf(await node.cri.pods(), second, 0);
          if (container?.state !== 'RUNNING') return `the container of ${POD} is ${container?.state ?? 'not there'}`;
          return startedSince(node, stoppedAt);
        };
        await holds('nothing starts', complaint, WATCHED_MS);
      }),
      when('the API server is back, and the StatefulSet is deleted with its pod', async ({ node }) => {
        await node.apiStart();
        await node.apiReady();
        await node.controllersRestart();
        // the pod by the garbage collector: a controller whose view of the StatefulSet is still an old one could make a pod
        // once more, which nobody would ever delete if it had been orphaned
        await node.kubectl(['delete', 'statefulset', NAME, '--namespace', NAMESPACE, '--wait=false']);
        // its next look at the API server comes at once, not when its pause has passed
        await node.kubeletRestart();
        await goneFromApi(node, [CHECKPOINT]);
      }),
      check('its checkpoint is retired, no copy was ever started, and the parents are as before', async (world) => {
        const { node, settings } = world;
        const left = () => doneUnless(existsSync(checkpointDir(node, CHECKPOINT)) ? 'it is stored' : '');
        await until('its checkpoint gone', left, settings.retireGraceMs + 120_000, 250);
        const started = startedSince(node, stoppedAt);
        expect(started === undefined, started ?? '');
        await reconfigured(node, {});
        await backToNormal(world, restartsAfter(remembered(before, 'the parents'), 0), 120_000);
      }),
    ];
  },
};
