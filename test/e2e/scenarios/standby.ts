/**
 * The agent's own survival: its pod is captured, the copy of it alone brings the node back, hands back and makes way; a new
 * pod's standby takes the old one's place; the uninstall leaves nothing.
 *
 * Its pod is a placeholder here, and so is the copy: the agent runs beside them as a process that is told to be the one or
 * the other. What the kubelet does with the manifests, and what the runtime shows, is real.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bothListed, cutPowerUntilCopiesServe } from '../copies.ts';
import { LOOK_ALIKE } from '../foreign.ts';
import { TESTSERVER_IMAGE } from '../node/layout.ts';
import type { Node } from '../node/node.ts';
import { done, doneUnless, notYet, until } from '../node/wait.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, when } from '../scenario.ts';
import { checkpointDir, ownManifests } from '../status.ts';
import { copiesOf, isLiving, parentsReady, restartsAfter } from '../workload.ts';

const NAMESPACE = 'e2e-agent';
const LABELS = { 'app.kubernetes.io/name': 'pod-checkpointer', 'app.kubernetes.io/instance': 'e2e' };
const OBJECTS = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent', namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS, annotations: { 'checkpointer/enabled': 'true', 'checkpointer/min-ready': '2s' } },
        spec: {
          tolerations: [{ operator: 'Exists' }],
          containers: [{ name: 'agent', image: TESTSERVER_IMAGE, imagePullPolicy: 'IfNotPresent', args: ['serve', '--listen', ':8080'] }],
        },
      },
    },
  },
];

interface AgentPod {
  readonly name: string;
  readonly uid: string;
  readonly checkpoint: string;
}

/** The one pod of the agent that is Ready and not the one given. */
async function agentPod(node: Node, not?: AgentPod): Promise<AgentPod> {
  return await until(
    "the agent's pod",
    async () => {
      const { stdout } = await node.kubectl(['get', 'pods', '--namespace', NAMESPACE, '--output=json']);
      interface PodJson {
        metadata: { name: string; uid: string; deletionTimestamp?: string; annotations?: Record<string, string> };
        status?: { conditions?: { type: string; status: string }[] };
      }
      const found = (JSON.parse(stdout) as { items: PodJson[] }).items.find(
        ({ metadata, status }) =>
          metadata.annotations?.['kubernetes.io/config.mirror'] === undefined &&
          metadata.deletionTimestamp === undefined &&
          metadata.uid !== not?.uid &&
          status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true,
      );
      if (found === undefined) return notYet('no Ready pod');
      const { name, uid } = found.metadata;
      return done({ name, uid, checkpoint: `${NAMESPACE}/${name}` });
    },
    240_000,
    250,
  );
}

const identity = ({ name, uid }: AgentPod): Record<string, string> => ({ POD_NAMESPACE: NAMESPACE, POD_NAME: name, POD_UID: uid });

async function livingStandby(node: Node, pod: AgentPod) {
  return copiesOf(await node.cri.pods(), pod.checkpoint).find((copy) => copy.containers.some(({ state }) => state === 'RUNNING'));
}

async function standbyRuns(node: Node, pod: AgentPod): Promise<{ readonly uid: string; readonly revision: string }> {
  return await until(
    `the standby of ${pod.name}`,
    async () => {
      const copy = await livingStandby(node, pod);
      return copy === undefined ? notYet('not there') : done({ uid: copy.uid, revision: copy.annotations['checkpointer/revision'] ?? '' });
    },
    240_000,
    250,
  );
}

export const standby: Scenario = {
  id: 'standby',
  title: "The agent's own copy brings the node back alone, makes way for the agent's pod, and goes last",
  needs: ['capture'],
  kubelet: dependsOnKubelet('the kubelet starts the standby, and its pod takes over'),
  // `install`, `upgrades` and `uninstall` show the same with the agent in its own pod; here a person may debug the process
  onRequest: true,
  steps: () => {
    let pod: AgentPod | undefined;
    let copy: { readonly uid: string; readonly revision: string } | undefined;
    return [
      given('the agent runs in the pod of a DaemonSet, outside the namespaces that it honours', async ({ node }) => {
        await node.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: OBJECTS }));
        pod = await agentPod(node);
        await node.agent.stop();
        node.agent.actAs(identity(pod));
        await node.agent.start();
      }),
      when('it has captured itself, the kubelet runs the standby beside it', async (world) => {
        const started = Date.now();
        copy = await standbyRuns(world.node, remembered(pod, "the agent's pod"));
        world.figure('agent start → standby running', Date.now() - started, 'ms');
      }),
      check('no token of the agent lies on the disk', async ({ node }) => {
        const files = join(checkpointDir(node, remembered(pod, "the agent's pod").checkpoint), 'current', 'files');
        const names = readdirSync(files, { recursive: true, encoding: 'utf8' });
        expect(
          names.some((name) => name.endsWith('/ca.crt')),
          `the CA should be there: ${names.join(' ')}`,
        );
        expect(!names.some((name) => name.endsWith('/token')), `a token is there: ${names.join(' ')}`);
      }),
      when("the agent's pod changes, the kubelet runs the next revision and ends the one before", async ({ node }) => {
        const own = remembered(pod, "the agent's pod");
        const before = remembered(copy, 'the standby');
        await node.kubectl(['label', 'pod', own.name, '--namespace', NAMESPACE, 'changed=yes']);
        await until(
          'the next revision, alone',
          async () => {
            const living = copiesOf(await node.cri.pods(), own.checkpoint).filter(isLiving);
            const shown = living.map(({ annotations }) => annotations['checkpointer/revision']);
            return living.length === 1 && shown[0] !== before.revision ? done() : notYet(shown.join(' ') || 'none');
          },
          120_000,
          250,
        );
        copy = await standbyRuns(node, own);
      }),
      when('the power is cut and the API server stays away, the standby alone brings both copies back', async (world) => {
        const { node } = world;
        world.memory.parents = await parentsReady(node, 180_000);
        node.agent.actAs({
          ...identity(remembered(pod, "the agent's pod")),
          POD_UID: remembered(copy, 'the standby').uid,
          POD_CHECKPOINTER_ROLE: 'standby',
        });
        await cutPowerUntilCopiesServe(world, 'standby');
        expect((await standbyRuns(node, remembered(pod, "the agent's pod"))).uid === copy?.uid, 'the standby should have the uid it had');
      }),
      when('the API server is back, it hands back to both parents and makes way', async (world) => {
        const { node } = world;
        const before = remembered(world.memory.parents, 'the parents');
        const started = await node.apiStart();
        await node.apiReady();
        world.memory.parents = await parentsReady(node, 300_000, restartsAfter(before, 1));
        await until('the end of the standby', () => doneUnless(node.agent.alive() ? 'it runs' : undefined), 240_000);
        world.figure('API start → the standby has made way', Date.now() - started, 'ms');
        expect(ownManifests(node).length === 1, `only the standby's manifest should lie there: ${ownManifests(node).join(' ')}`);
        const log = readFileSync(node.paths.agentLog, 'utf8');
        expect(log.includes("The standby makes way for the DaemonSet's pod"), 'it should have said that it makes way');
      }),
      when('the DaemonSet makes a new pod, its standby takes the place of the old one', async ({ node }) => {
        const old = remembered(pod, "the agent's pod");
        await node.kubectl(['delete', 'pod', old.name, '--namespace', NAMESPACE, '--wait=false']);
        pod = await agentPod(node, old);
        node.agent.actAs(identity(pod));
        await node.agent.start();
        await standbyRuns(node, pod);
        await until(
          'the old standby gone, with its checkpoint',
          async () => {
            const living = copiesOf(await node.cri.pods(), old.checkpoint).filter(isLiving).length;
            const stored = existsSync(checkpointDir(node, old.checkpoint));
            return living === 0 && !stored ? done() : notYet(`${living} living, ${stored ? 'stored' : 'not stored'}`);
          },
          300_000,
          500,
        );
      }),
      check('cleanup does nothing while the agent runs; then it leaves nothing but what is not ours', async ({ node, memory }) => {
        const refused = await node.agent.command(['cleanup', '--purge']);
        expect(refused.code === 4, `cleanup should end with 4 while an agent runs, not ${refused.code}: ${refused.stderr}`);
        await node.agent.stop();
        const result = await node.agent.command(['cleanup', '--purge']);
        const said = `${result.stdout}${result.stderr}`;
        expect(result.code === 1 && said.includes(`${LOOK_ALIKE} has a name like ours`), `cleanup: ${result.code} ${said}`);
        expect(ownManifests(node).length === 0, `left in staticPodPath: ${ownManifests(node).join(' ')}`);
        const stored = readdirSync(join(node.paths.agentState, 'checkpoints'));
        expect(stored.length === 0, `still stored: ${stored.join(' ')}`);
        expect((await livingStandby(node, remembered(pod, "the agent's pod"))) === undefined, 'the standby still runs');
        expect(memory.foreign.length > 0, 'foreign files should lie there');
      }),
      check('everything is as it was before', async (world) => {
        const { node } = world;
        await node.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
        node.agent.actAs({});
        await node.agent.start();
        await bothListed(world, 180_000);
      }),
    ];
  },
};
