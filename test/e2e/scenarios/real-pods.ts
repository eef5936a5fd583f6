/** Nine pods as critical workloads look in practice: each copy is compared with its parent from inside. */

import type { Node } from '../node/node.ts';
import { done, doneUnless, notYet, until } from '../node/wait.ts';
import { compare, unusedReasons } from '../real-pods/differences.ts';
import { missingFeatures } from '../real-pods/features.ts';
import { type Facts, lookInside, unreadable } from '../real-pods/inside.ts';
import {
  applyRealPods,
  copyOf,
  REAL_NAMESPACE,
  REAL_PODS,
  type RealCopy,
  type RealParents,
  type RealPod,
  realParentsReady,
  restartsInVain,
} from '../real-pods/pods.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, type World, when } from '../scenario.ts';
import { checkpointStatus, ownManifests } from '../status.ts';
import { copiesOf, isLiving } from '../workload.ts';

interface Run {
  parents?: RealParents;
  readonly seen: Map<RealPod, Facts>;
  readonly copies: Map<RealPod, RealCopy>;
}

/** All nine checkpoints in one state, none refused, none missing. */
async function allInState({ node }: World, state: string, limitMs: number): Promise<void> {
  await until(
    `nine checkpoints ${state}`,
    async () => {
      const list = (await checkpointStatus(node)).filter((entry) => entry.checkpoint.startsWith(`${REAL_NAMESPACE}/`));
      const good = list.length === REAL_PODS.length && list.every((entry) => entry.state === state);
      return good ? done() : notYet(JSON.stringify(list));
    },
    limitMs,
    500,
  );
}

async function waitForCopies(world: World, run: Run, bootedAt: number): Promise<void> {
  const { node } = world;
  const parents = [...remembered(run.parents, 'the parents').values()];
  await until(
    'nine copies with an address',
    async () => {
      const pods = await node.cri.pods();
      for (const parent of parents) {
        const copy = await copyOf(node, pods, parent);
        if (copy !== undefined) run.copies.set(parent.which, copy);
      }
      const missing = parents.filter((parent) => !run.copies.has(parent.which)).map((parent) => parent.which);
      return doneUnless(missing.join(' '));
    },
    90_000,
    100,
  );
  for (const parent of parents) {
    await lookInside(node, parent.pod, remembered(run.copies.get(parent.which), 'the copy').address, 60_000);
  }
  world.figure('boot → nine copies serving', Date.now() - bootedAt, 'ms');
}

async function complaintOf(node: Node, run: Run): Promise<string> {
  const lines: string[] = [];
  const used = new Set<string>();
  for (const parent of remembered(run.parents, 'the parents').values()) {
    const copy = remembered(run.copies.get(parent.which), 'the copy');
    const before = remembered(run.seen.get(parent.which), 'what the parent saw');
    const result = compare(parent.which, before, await lookInside(node, parent.pod, copy.address, 10_000), parent, copy);
    lines.push(...result.faults);
    for (const because of result.used) used.add(because);
  }
  lines.push(...unusedReasons(used).map((because) => `no difference needed this line of the list: ${because}`));
  return lines.join('\n');
}

async function allGone({ node }: World, run: Run): Promise<void> {
  const parents = [...remembered(run.parents, 'the parents').values()];
  await until(
    'copies gone',
    async () => {
      const pods = await node.cri.pods();
      const living = parents.flatMap((parent) => copiesOf(pods, parent.checkpoint)).filter(isLiving);
      return doneUnless([...living.map((pod) => pod.name), ...ownManifests(node)].join(' '));
    },
    120_000,
    500,
  );
}

export const realPods: Scenario = {
  id: 'real-pods',
  title: 'Copies of nine real-looking pods are, from inside, what their parents were, but for a list of reasons',
  needs: ['capture'],
  kubelet: dependsOnKubelet('every field of nine pods goes through this kubelet twice'),
  steps: () => {
    const run: Run = { seen: new Map(), copies: new Map() };
    return [
      given('nine pods as critical workloads look in practice are Ready', async (world) => {
        await applyRealPods(world.node);
        run.parents = await realParentsReady(world.node, 0, 120_000);
      }),
      check('between them they use every field that the list of features names', async () => {
        const missing = missingFeatures([...remembered(run.parents, 'the parents').values()].map((parent) => parent.pod));
        expect(missing.length === 0, `no pod has: ${missing.join(', ')}`);
      }),
      check('all nine are captured, none is refused', async (world) => {
        await allInState(world, 'inactive', 60_000);
      }),
      given('what each of their programs sees is on record', async ({ node }) => {
        for (const parent of remembered(run.parents, 'the parents').values()) {
          const facts = await lookInside(node, parent.pod, parent.address, 10_000);
          expect(unreadable(facts).length === 0, `${parent.name} cannot read its own files: ${unreadable(facts).join('; ')}`);
          run.seen.set(parent.which, facts);
        }
      }),
      when('the power is cut, the API server stays away, the node boots and nine copies serve', async (world) => {
        await world.node.powerCut({ api: 'down' });
        await waitForCopies(world, run, await world.node.boot());
      }),
      check('every program sees in the copy what it saw in the parent, but for the list of allowed differences', async (world) => {
        // hooks after start may still be at work when the server beside them answers
        await until('no unexplained difference', async () => doneUnless(await complaintOf(world.node, run)), 60_000, 1_000);
        const facts = [...run.seen.values()].reduce((total, one) => total + one.size, 0);
        world.figure('facts compared', facts, 'count');
      }),
      when('the API server comes back', async ({ node }) => {
        await node.apiStart();
        await node.apiReady();
      }),
      check('all parents are Ready again, those with an address of their own restarted exactly once', async ({ node, figure }) => {
        const started = Date.now();
        const parents = await realParentsReady(node, 1, 240_000);
        figure('API ready → nine parents Ready', Date.now() - started, 'ms');
        figure('starts on the host network that met the copy on their port', restartsInVain(parents, 1), 'count');
      }),
      check('all copies are gone, all checkpoints are kept', async (world) => {
        await allGone(world, run);
        await allInState(world, 'inactive', 60_000);
      }),
    ];
  },
};
