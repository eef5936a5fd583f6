/** A directory of a pod is not there after a power cut, as on a disk that is mounted late: its copy waits as the kubelet has it wait. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findInLog, readAgentLog } from '../agent-log.ts';
import type { Node } from '../node/node.ts';
import { done, holds, notYet, until } from '../node/wait.ts';
import { check, expect, given, remembered, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { apply, captured, copyAnswers, copyGone, nothingLeft, placedOf, podsReady, remove, type Server, serverObject } from '../servers.ts';
import { checkpointStatus } from '../status.ts';
import { copiesOf, type Parents, parentsReady, restartsAfter } from '../workload.ts';

const NAME = 'late-directory';
const PORT = 8083;
/** After the boot. The kubelet looks again 0.5, 1, 2 … 32 s after each failure: once more at 64 s or so, then at 128. */
const LATE_MS = 60_000;
const SERVES_PROMISED_MS = 25_000;
/** What the kubelet itself may wait by then. */
const BACK_OFF_MS = 66_000;
/** What the status says of a copy that the kubelet has admitted, and that does not run yet. */
const STARTING = 'copy-starting';
const TEXT = 'on a disk that comes late';

const directory = ({ paths }: Node) => join(paths.state, NAME);
const elsewhere = (node: Node) => `${directory(node)}.unmounted`;

function server(node: Node): Server {
  const hostPath = { path: directory(node), type: 'Directory', mountPath: '/late', readOnly: true };
  return { kind: 'DaemonSet', name: NAME, port: PORT, hostNetwork: true, enabled: true, hostPath };
}

function bringDirectory(node: Node): void {
  if (existsSync(elsewhere(node))) renameSync(elsewhere(node), directory(node));
}

export const lateDirectory: Scenario = {
  id: 'late-directory',
  title: `After a power cut a directory of a pod comes ${LATE_MS / 1000} s late: its copy waits, and serves once it is there`,
  needs: ['capture'],
  kubelet: sameOnEveryKubelet('that a kubelet lists a pod that waits for a directory was seen on each'),
  steps: () => {
    let before: Parents | undefined;
    let checkpoint = '';
    let cameAt = 0;
    return {
      before: [
        given('a DaemonSet pod with a hostPath of type Directory is Ready and captured', async ({ node, memory }) => {
          before = await parentsReady(node, 180_000);
          memory.parents = before;
          mkdirSync(directory(node), { recursive: true });
          writeFileSync(join(directory(node), 'text'), TEXT);
          await apply(node, [serverObject(server(node))]);
          checkpoint = (await podsReady(node, [NAME], 120_000))[NAME].checkpoint;
          await captured(node, [checkpoint]);
        }),
      ],
      dark: async ({ node }) => renameSync(directory(node), elsewhere(node)),
      offline: [
        check('the copy is placed, and the status says that it is starting', async ({ node }) => {
          await until(
            `the reason ${STARTING}`,
            async () => {
              const list = await checkpointStatus(node);
              const own = list.find((one) => one.checkpoint === checkpoint);
              return own?.reason === STARTING ? done() : notYet(JSON.stringify(own ?? list));
            },
            LATE_MS - 15_000,
            500,
          );
        }),
        check(`until ${LATE_MS / 1000} s after the boot it waits, and is not placed again`, async ({ node, memory }) => {
          const bootedAt = remembered(memory.bootedAt, 'the time of the boot');
          const complaint = async () => {
            const attempt = placedOf(node, checkpoint)?.attempt ?? 'no manifest';
            if (attempt !== '1') return `attempt ${attempt}`;
            const running = copiesOf(await node.cri.pods(), checkpoint).some(({ containers }) => containers.length > 0);
            return running ? 'it runs without its directory' : undefined;
          };
          await holds('it waits', complaint, bootedAt + LATE_MS - Date.now());
        }),
        when('the directory is there', async ({ node }) => {
          bringDirectory(node);
          cameAt = Date.now();
        }),
        check(`the copy serves within ${SERVES_PROMISED_MS / 1000} s, in its first attempt, and sees the directory`, async (world) => {
          const { node, memory } = world;
          const url = await copyAnswers(node, checkpoint, PORT, 150_000);
          world.promise('the directory is there → the copy serves', Date.now() - cameAt, SERVES_PROMISED_MS, { failsAt: BACK_OFF_MS });
          const placed = findInLog(readAgentLog(node.paths.agentLog), { event: 'placed', checkpoint, since: memory.bootedAt ?? 0 });
          expect(placed.length === 1, `it was placed ${placed.length} times`);
          expect(placedOf(node, checkpoint)?.attempt === '1', 'it is not in its first attempt');
          const seen = JSON.parse(await node.fetch(`${url}file?path=/late/text`)) as { content: string };
          expect(Buffer.from(seen.content, 'base64').toString() === TEXT, 'it sees another file there');
        }),
      ],
      after: [
        check('the pod takes over, restarted once, by the power cut; nothing of the copy is left', async ({ node }) => {
          await podsReady(node, [NAME], 300_000, { restarts: 1 });
          await copyGone(node, checkpoint, 180_000);
        }),
        when('it is deleted for good', async ({ node }) => {
          await remove(node, [server(node)]);
        }),
      ],
      atLast: [
        check('its checkpoint goes too, and all is as before', async (world) => {
          await nothingLeft(world, [checkpoint], restartsAfter(remembered(before, 'the parents'), 1));
        }),
      ],
      giveUp: async ({ node }) => bringDirectory(node),
    };
  },
};
