/**
 * What an upgrade can do to a node: an image that crashes, a configuration that the agent refuses, `helm rollback`, a second
 * rollout right after the first, and an account whose tokens the API server does not accept any more. The agent runs in its
 * own pod, as in the scenario `install`.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CHART } from '../../../deploy/chart.ts';
import {
  agentReady,
  helm,
  NAME,
  NAMESPACE,
  onlyTheImage,
  otherAgentIsBack,
  type Pod,
  READY_LIMIT_MS,
  RELEASE,
  valuesFile,
} from '../chart-release.ts';
import { apiBackToParents, cutPowerUntilCopiesServe, livingCopies } from '../copies.ts';
import { goneFromApi } from '../gone.ts';
import { TESTSERVER_IMAGE } from '../node/layout.ts';
import type { Node } from '../node/node.ts';
import { doneUnless, holds, messageOf, until } from '../node/wait.ts';
import { IN_CHARGE_LIMIT_MS, inStandby, newPod, series, settled, standbyInCharge, standbyLog, standbyOnDisk } from '../release-standby.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { ownManifests, storedComplaint } from '../status.ts';
import { BOTH, parentsReady } from '../workload.ts';

const CONFIG = ['--config', '/etc/pod-checkpointer/config.yaml'];

/** Short, so that "nothing is retired" need not be watched for long. */
const RETIRE_GRACE_MS = 6_000;

/** `helm install` or `helm upgrade` with the release's own values and others beside them. */
async function release(node: Node, verb: 'install' | 'upgrade', others: readonly string[] = []): Promise<void> {
  const set = [`config.retireGrace=${RETIRE_GRACE_MS}ms`, ...others].flatMap((one) => ['--set-string', one]);
  await helm(node, [verb, RELEASE, CHART, '--values', valuesFile(node, 'info'), ...set]);
}

export const upgrades: Scenario = {
  id: 'upgrades',
  title: 'Broken upgrades leave the old standby in charge, helm rollback mends them, and a refused token deletes and starts nothing',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('what goes wrong in a rollout is judged by what the runtime shows, held against each in `contracts`'),
  steps: () => {
    let pod: Pod | undefined;
    let broken: Pod | undefined;
    let before = '';
    return [
      given('the chart is installed, the agent is Ready, both parents are captured and the standby waits', async (world) => {
        const { node } = world;
        await onlyTheImage(world);
        await release(node, 'install');
        pod = await agentReady(node);
        await settled(world, pod);
        before = standbyOnDisk(node, pod);
      }),
      check('another stateDir is refused before anything is changed: its lock is what keeps agent and standby apart', async ({ node }) => {
        const refused = await release(node, 'upgrade', [`stateDir=${node.paths.agentState}-2`]).then(
          () => 'it was accepted',
          (error: unknown) => messageOf(error),
        );
        expect(refused.includes('its standbys would go on with that beside the new agents'), refused);
      }),
      when('an image that crashes is rolled out, the old standby is in charge', async (world) => {
        const { node } = world;
        const [repository, tag] = TESTSERVER_IMAGE.split(/:(?=[^:]*$)/);
        const from = Date.now();
        await release(node, 'upgrade', [`image.repository=${repository}`, `image.tag=${tag}`]);
        broken = await newPod(node, remembered(pod, "the agent's pod"));
        await standbyInCharge(node, 'the old standby in charge');
        world.figure('broken upgrade (image) → standby in charge', Date.now() - from, 'ms');
      }),
      check('it says so: in its log, its metrics and the status command', async ({ node }) => {
        const old = remembered(pod, "the agent's pod");
        const bad = remembered(broken, 'the broken pod');
        await until(
          'its words',
          async () => {
            const [log, text] = [await standbyLog(node, old), await series(node)];
            expect(!log.includes('makes way'), 'it should not make way for what crashes');
            const missing = [
              log.includes("The DaemonSet's pod does not take over; the standby stays in charge") && log.includes(bad.name) ? [] : ['log'],
              /^checkpointer_takeover_failing\{reason="ending"\} 1$/m.test(text) ? [] : ['metric'],
            ].flat();
            return doneUnless(missing.join(' '));
          },
          IN_CHARGE_LIMIT_MS,
          500,
        );
        const status = await inStandby(node, old, ['status', '--output=json', ...CONFIG]);
        expect(
          status.includes('takeover-ending') && status.includes(bad.name),
          `status should name the pod that does not take over: ${status}`,
        );
      }),
      check('its manifest and its revision are as they were', ({ node }) => {
        expect(standbyOnDisk(node, remembered(pod, "the agent's pod")) === before, 'they have changed');
        return Promise.resolve();
      }),
      when('the power is cut with the API server, the old standby alone brings both pods back', async (world) => {
        await cutPowerUntilCopiesServe(world, 'upgrades');
      }),
      when('the API server is back, both parents take over', async (world) => {
        const { node } = world;
        await apiBackToParents(world);
        expect(standbyOnDisk(node, remembered(pod, "the agent's pod")) === before, 'manifest and revision of the standby have changed');
      }),
      when('helm rollback: a new pod takes over, and its standby replaces the old one', async (world) => {
        const { node } = world;
        const from = Date.now();
        await helm(node, ['rollback', RELEASE]);
        pod = await agentReady(node, broken);
        world.figure('helm rollback → Ready', Date.now() - from, 'ms');
        await settled(world, pod);
        before = standbyOnDisk(node, pod);
      }),
      when(
        'a configuration that the agent refuses is rolled out, kubectl describe says why and the old standby is in charge',
        async (world) => {
          const { node } = world;
          const old = remembered(pod, "the agent's pod");
          const notASocket = join(dirname(node.paths.criSocket), 'notes.txt');
          writeFileSync(notASocket, 'no socket\n');
          const from = Date.now();
          await release(node, 'upgrade', [`criSocket=${notASocket}`]);
          broken = await newPod(node, old);
          const bad = broken;
          await until(
            'the end of the first try, with its reason',
            async () => {
              const { stdout } = await node.kubectl(['describe', 'pod', `--namespace=${NAMESPACE}`, bad.name]);
              const [code, message] = [/Exit Code:\s+(\d+)/.exec(stdout)?.[1], /^\s+Message:[\s\S]*?is not a socket/m.exec(stdout)?.[0]];
              return doneUnless(
                code === '2' && message !== undefined ? '' : stdout.slice(stdout.indexOf('State:'), stdout.indexOf('Ready:')),
              );
            },
            IN_CHARGE_LIMIT_MS,
            250,
          );
          await standbyInCharge(node, 'the old standby in charge again');
          world.figure('broken upgrade (configuration) → refused, standby in charge', Date.now() - from, 'ms');
          await until(
            'the word of the standby',
            async () => doneUnless((await standbyLog(node, old)).includes('lost it at once; the standby stays in charge') ? '' : 'nothing'),
            IN_CHARGE_LIMIT_MS,
            250,
          );
          expect(standbyOnDisk(node, old) === before, 'manifest and revision of the standby have changed');
        },
      ),
      when('helm rollback, and at once another rollout: every new pod takes over without delay', async (world) => {
        const { node } = world;
        const from = Date.now();
        await helm(node, ['rollback', RELEASE]);
        pod = await agentReady(node, broken);
        world.figure('second helm rollback → Ready', Date.now() - from, 'ms');
        await settled(world, pod);
        const again = Date.now();
        await node.kubectl(['rollout', 'restart', `--namespace=${NAMESPACE}`, `daemonset/${NAME}`]);
        pod = await agentReady(node, pod);
        world.figure('rollout right after a rollout → Ready', Date.now() - again, 'ms');
        await settled(world, pod);
      }),
      when("the account is deleted, the API server refuses the agent's token: the agent says so", async ({ node }) => {
        await node.kubectl(['delete', 'serviceaccount', `--namespace=${NAMESPACE}`, NAME]);
        // a watch that is open is not asked for its token again
        await node.apiStop();
        await node.apiStart();
        await node.apiReady();
        const sentence = 'the API server does not accept our token (HTTP 401)';
        await until(
          'its words',
          async () => {
            const text = await series(node);
            const log = await node.kubectl(['logs', `--namespace=${NAMESPACE}`, remembered(pod, "the agent's pod").name]);
            const missing = [
              /^checkpointer_api_reachability\{state="reachable"\} 1$/m.test(text) ? [] : ['reachable'],
              /^checkpointer_api_denied\{code="401"\} 1$/m.test(text) ? [] : ['401 in the metrics'],
              log.stdout.toLowerCase().includes(sentence.toLowerCase()) ? [] : ['log'],
            ].flat();
            return doneUnless(missing.join(', '));
          },
          IN_CHARGE_LIMIT_MS,
          250,
        );
      }),
      when('a parent is deleted meanwhile, for longer than the retire grace nothing is activated and nothing retired', async (world) => {
        const { node } = world;
        const old = remembered(world.memory.parents, 'the parents');
        await node.kubectl(['delete', 'pod', '--namespace=e2e', '--wait=false', old.pod.name]);
        await goneFromApi(node, [old.pod.checkpoint]);
        const manifests = ownManifests(node).join(' ');
        await holds(
          'nothing happens',
          async () => {
            const living = livingCopies(await node.cri.pods(), old);
            if (living.length > 0) return `a copy was started: ${living.map(({ name }) => name).join(' ')}`;
            if (ownManifests(node).join(' ') !== manifests) return `other manifests: ${ownManifests(node).join(' ')}`;
            return BOTH.map((which) => storedComplaint(node, old[which].checkpoint)).find((complaint) => complaint !== undefined);
          },
          RETIRE_GRACE_MS + 15_000,
          500,
        );
        world.memory.parents = await parentsReady(node, 120_000);
      }),
      when('the account is made again and the agent restarted, the fresh pod takes over from the standby at once', async (world) => {
        const { node } = world;
        const old = remembered(pod, "the agent's pod");
        await release(node, 'upgrade');
        const from = Date.now();
        await node.kubectl(['rollout', 'restart', `--namespace=${NAMESPACE}`, `daemonset/${NAME}`]);
        pod = await agentReady(node, old);
        world.figure('restart with a new account → Ready', Date.now() - from, 'ms');
        await settled(world, pod);
      }),
      when(
        'the nodes are cleaned by hand and the chart goes without its hooks, the agent of the other scenarios is as it was',
        async (world) => {
          const { node } = world;
          const patch = {
            spec: { template: { spec: { containers: [{ name: 'agent', args: ['cleanup', '--stay', '--purge', ...CONFIG] }] } } },
          };
          await node.kubectl([
            'patch',
            `--namespace=${NAMESPACE}`,
            `daemonset/${NAME}`,
            '--type=strategic',
            `--patch=${JSON.stringify(patch)}`,
          ]);
          await agentReady(node, remembered(pod, "the agent's pod"));
          await helm(node, ['uninstall', RELEASE, '--no-hooks']);
          await until(
            'no sandbox of ours',
            async () =>
              doneUnless((await node.cri.pods()).flatMap(({ ready, name }) => (ready && name.startsWith(NAME) ? [name] : [])).join(' ')),
            READY_LIMIT_MS,
            250,
          );
          expect(ownManifests(node).length === 0, `left in staticPodPath: ${ownManifests(node).join(' ')}`);
          rmSync(join(dirname(node.paths.criSocket), 'notes.txt'));
          await otherAgentIsBack(world);
        },
      ),
    ];
  },
};
