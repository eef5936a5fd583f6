/**
 * A service account's token is replaced while its pod runs: what is stored for the copy follows. A kubelet keeps its tokens in
 * memory only (pkg/kubelet/token), so one that was restarted asks for new ones at once instead of after 80 % of their time.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backToNormal } from '../copies.ts';
import type { Node } from '../node/node.ts';
import { done, doneUnless, notYet, until } from '../node/wait.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, when } from '../scenario.ts';
import { leakedSecrets } from '../secrets.ts';
import { checkpointDir } from '../status.ts';
import { BOTH, HOST_URL, lookInside, type Parents, POD_PORT, parentsReady, restartsAfter, type Which } from '../workload.ts';

const KUBELET_LIMIT_MS = 600_000;
/** The agent looks at the files of a volume about once a minute. */
const AGENT_LIMIT_MS = 600_000;

async function tokenInside(node: Node, parents: Parents, which: Which): Promise<string> {
  const url = which === 'host' ? HOST_URL : `http://${parents.pod.address}:${POD_PORT}`;
  const file = (await lookInside(node, url)).files.find(({ path }) => path.endsWith('/serviceaccount/token'));
  return Buffer.from(file?.content ?? '', 'base64').toString();
}

/** The token of the current revision: what a copy would see. */
function tokenStored(node: Node, checkpoint: string): string {
  const files = join(checkpointDir(node, checkpoint), 'current', 'files');
  const volume = readdirSync(files).find((name) => name.startsWith('kube-api-access-')) ?? '';
  return readFileSync(join(files, volume, 'token'), 'utf8');
}

/** `exp` of a token, in seconds since 1970. */
function expiryOf(token: string): number {
  return Number((JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }).exp);
}

async function expiryMetric(node: Node, checkpoint: string): Promise<number> {
  const pod = checkpoint.split('/')[1] ?? '';
  const lines = (await node.agent.metrics()).split('\n');
  const line = lines.find((each) => each.startsWith('checkpointer_token_expiry_timestamp_seconds{') && each.includes(`pod="${pod}"`));
  return Number(line?.split(' ')[1]);
}

export const token: Scenario = {
  id: 'token',
  title: "When the kubelet replaces a pod's token, the stored one follows, and the metric of its expiry with it",
  needs: ['capture'],
  kubelet: dependsOnKubelet('the kubelet asks for tokens and writes them into running pods'),
  steps: () => {
    let parents: Parents | undefined;
    let rotatedAt = 0;
    const before = new Map<Which, string>();
    const after = new Map<Which, string>();
    return [
      given('both parents are Ready, and the stored tokens are theirs', async ({ node, memory }) => {
        parents = await parentsReady(node, 180_000);
        memory.parents = parents;
        for (const which of BOTH) {
          const { checkpoint } = parents[which];
          const inside = await tokenInside(node, parents, which);
          expect(inside.split('.').length === 3, `the ${which} parent sees no token`);
          await until(
            'the same token stored',
            () => doneUnless(tokenStored(node, checkpoint) === inside ? '' : 'another one'),
            AGENT_LIMIT_MS,
            500,
          );
          await until(
            'its expiry in the metric',
            async () => {
              const metric = await expiryMetric(node, checkpoint);
              return doneUnless(metric === expiryOf(inside) ? '' : `the metric says ${metric}, the token ${expiryOf(inside)}`);
            },
            AGENT_LIMIT_MS,
            500,
          );
          before.set(which, inside);
        }
      }),
      when('the kubelet is restarted, and has written new tokens into the running pods', async (world) => {
        const { node } = world;
        const started = Date.now();
        await node.kubeletRestart();
        for (const which of BOTH) {
          const fresh = await until(
            'a new token',
            async () => {
              const inside = await tokenInside(node, remembered(parents, 'the parents'), which);
              return inside !== '' && inside !== before.get(which) ? done(inside) : notYet('the old one');
            },
            KUBELET_LIMIT_MS,
            250,
          );
          after.set(which, fresh);
        }
        rotatedAt = Date.now();
        world.figure('kubelet restarted → new tokens', rotatedAt - started, 'ms');
      }),
      check('the next revisions hold them', async (world) => {
        for (const which of BOTH) {
          const { checkpoint } = remembered(parents, 'the parents')[which];
          const look = () => doneUnless(tokenStored(world.node, checkpoint) === after.get(which) ? '' : 'the old one');
          await until(`the new token of ${which} stored`, look, AGENT_LIMIT_MS, 250);
        }
        world.figure('new tokens → stored', Date.now() - rotatedAt, 'ms');
      }),
      check('the metric tells the new expiry, which is a later one', async ({ node }) => {
        for (const which of BOTH) {
          const { checkpoint } = remembered(parents, 'the parents')[which];
          const [old, fresh] = [expiryOf(before.get(which) ?? ''), expiryOf(after.get(which) ?? '')];
          expect(fresh > old, `${which}: the new token expires at ${fresh}, the old one at ${old}`);
          await until('the metric', async () => doneUnless((await expiryMetric(node, checkpoint)) === fresh ? '' : 'old'), 60_000, 250);
        }
      }),
      check('nobody was restarted, no copy was placed, and no token is anywhere but in its file', async (world) => {
        const { node, memory } = world;
        await backToNormal(world, restartsAfter(remembered(parents, 'the parents'), 0), 60_000);
        memory.inside.host = await lookInside(node, HOST_URL);
        const leaked = await leakedSecrets(node, memory);
        expect(leaked === '', leaked);
      }),
    ];
  },
};
