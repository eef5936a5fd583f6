/** A pod on the pod network writes to a directory of the node and takes a lock there, as databases do: never beside its copy. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type LockEntry, lockComplaint, lockEntriesIn } from '../lock-log.ts';
import type { Node } from '../node/node.ts';
import { done, notYet, until } from '../node/wait.ts';
import { firstOk, type Prober, startProber } from '../prober.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { apply, captured, copyAnswers, copyGone, nothingLeft, podsReady, remove, type Server, serverObject } from '../servers.ts';
import { type Parents, parentsReady, restartsAfter } from '../workload.ts';

const NAME = 'two-writers';
const PORT = 8080;
const GAP_PROMISED_MS = 1_000;

const directory = ({ paths }: Node) => join(paths.state, NAME);

function server(node: Node): Server {
  const hostPath = { path: directory(node), type: 'DirectoryOrCreate', mountPath: '/data', readOnly: false };
  return { kind: 'DaemonSet', name: NAME, port: PORT, enabled: true, args: ['--lock', '/data/lock'], hostPath };
}

function lockLog(node: Node): readonly LockEntry[] {
  const file = join(directory(node), 'lock.log');
  return existsSync(file) ? lockEntriesIn(readFileSync(file, 'utf8')) : [];
}

export const twoWriters: Scenario = {
  id: 'two-writers',
  title: 'A pod that locks a file in a directory of the node never runs beside its copy, and is away for less than a second',
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('the moment is the one of `hand-back`, which is read off on each'),
  steps: () => {
    let before: Parents | undefined;
    let checkpoint = '';
    let copyUrl = '';
    let prober: Prober | undefined;
    return {
      before: [
        given('a DaemonSet pod on the pod network that locks a file of the node is Ready and captured', async ({ node, memory }) => {
          before = await parentsReady(node, 180_000);
          memory.parents = before;
          rmSync(directory(node), { recursive: true, force: true });
          await apply(node, [serverObject(server(node))]);
          checkpoint = (await podsReady(node, [NAME], 120_000))[NAME].checkpoint;
          await captured(node, [checkpoint]);
        }),
      ],
      offline: [
        check('the copy serves, and holds the lock', async ({ node }) => {
          copyUrl = await copyAnswers(node, checkpoint, PORT, 60_000);
          prober = await startProber({ node, name: NAME, urls: [copyUrl] });
          const { who } = await until(
            'an answer from the copy',
            () => {
              const answer = firstOk(remembered(prober, 'the prober').answers());
              return answer === undefined ? notYet('none') : done(answer);
            },
            60_000,
          );
          const complaint = lockComplaint(lockLog(node), 2);
          expect(complaint === undefined, complaint ?? '');
          expect(lockLog(node).at(-1)?.who === who, 'another process than the copy holds the lock');
        }),
      ],
      after: [
        check('the pod takes over the lock, never refused, and is away for less than a second', async (world) => {
          const { node, memory } = world;
          const since = remembered(memory.apiStartedAt, 'the start of the API server');
          const taken = await until(
            'the lock taken over',
            () => {
              const entry = lockLog(node).find(({ at }) => at > since);
              return entry === undefined ? notYet('the copy holds it') : done(entry);
            },
            300_000,
            20,
          );
          const { address } = (await podsReady(node, [NAME], 300_000, { restarts: 1 }))[NAME];
          const { instance } = JSON.parse(await node.fetch(`http://${address}:${PORT}/`)) as { instance: string };
          const answers = (await remembered(prober, 'the prober').stop()).filter(({ ok, url }) => ok && url === copyUrl);
          const complaint = lockComplaint(lockLog(node), 3);
          expect(complaint === undefined, complaint ?? '');
          expect(instance === taken.who, 'another process than the pod holds the lock');
          const last = answers.at(-1)?.answeredAt ?? Number.NaN;
          expect(last <= taken.at, `the copy answered ${(last - taken.at).toFixed(0)} ms after the pod had taken the lock`);
          world.promise("the copy's last answer → the pod holds the lock", taken.at - last, GAP_PROMISED_MS);
        }),
        when('nothing of the copy is left, it is deleted for good', async ({ node }) => {
          await copyGone(node, checkpoint, 180_000);
          await remove(node, [server(node)]);
        }),
      ],
      atLast: [
        check('its checkpoint goes too, and all is as before', async (world) => {
          await nothingLeft(world, [checkpoint], restartsAfter(remembered(before, 'the parents'), 1));
          rmSync(directory(world.node), { recursive: true, force: true });
        }),
      ],
    };
  },
};
