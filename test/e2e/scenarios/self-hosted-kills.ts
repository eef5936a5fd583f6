/** A power cut is bad enough; here the agent or the kubelet dies as well, at the worst moments of the way back. */
import { done, notYet, until } from '../node/wait.ts';
import type { Prober } from '../prober.ts';
import { check, given, remembered, type Scenario, type Step, sameOnEveryKubelet, type World, when } from '../scenario.ts';
import { API, COMPONENTS } from '../self-hosted/objects.ts';
import { type Members, settled } from '../self-hosted/pods.ts';
import { apiAnswers, cutPower, expectSame, RETURN_LIMIT_MS, reportFlip } from '../self-hosted/steps.ts';
import { ownManifests } from '../status.ts';

type Moment = 'copy placed' | 'manifest withdrawn';

interface Victim {
  readonly name: 'agent' | 'kubelet';
  kill(world: World): Promise<void>;
}
const AGENT: Victim = { name: 'agent', kill: async ({ node }) => await node.agent.crash() };
const KUBELET: Victim = {
  name: 'kubelet',
  kill: async ({ node }) => {
    await node.kubelet.stop('SIGKILL');
    await node.kubelet.start();
  },
};

/** The directory is looked at every millisecond: between the two moments lie a few dozen at best. */
async function waitFor(world: World, moment: Moment): Promise<void> {
  const there = () => ownManifests(world.node).some((file) => file.includes(API));
  await until('the manifest of the API server’s copy', () => (there() ? done() : notYet('not placed')), 60_000, 1);
  if (moment === 'copy placed') return;
  await until('that manifest withdrawn', () => (there() ? notYet('it lies there') : done()), RETURN_LIMIT_MS, 1);
}

function killSteps(victim: Victim, moment: Moment): readonly Step[] {
  const name = `${victim.name} killed, ${moment}`;
  let before: Members | undefined;
  let prober: Prober | undefined;
  let bootedAt = 0;
  return [
    given(`${name}: the control plane is at rest`, async ({ node }) => {
      before = await settled(node, {}, 120_000);
    }),
    when(`${name}: the power is cut, the node boots, and it happens`, async (world) => {
      const cut = await cutPower(world, `self-hosted-kill-${name.replaceAll(/[^a-z]+/g, '-')}`);
      prober = cut.prober;
      bootedAt = cut.bootedAt;
      await waitFor(world, moment);
      await victim.kill(world);
    }),
    check(`${name}: every parent takes over again all the same`, async (world) => {
      const old = remembered(before, 'the pods');
      await apiAnswers(world, remembered(prober, 'the prober'), bootedAt, `${name}: boot → API answers`);
      const after = await settled(world.node, {}, RETURN_LIMIT_MS);
      world.figure(`${name}: boot → all parents at rest`, Date.now() - bootedAt, 'ms');
      await reportFlip(world, remembered(prober, 'the prober'), old[API].uid, bootedAt, `${name}: `);
      expectSame(old, after, COMPONENTS);
      world.memory.members = after;
    }),
  ];
}

export const selfHostedKills: Scenario = {
  id: 'self-hosted/kills',
  title: 'After a power cut agent or kubelet is killed while the parent takes over, and the control plane comes back all the same',
  needs: ['self-hosted'],
  kubelet: sameOnEveryKubelet('what a kill leaves half done is on our disk; `token` restarts each kubelet, every power cut kills it'),
  steps: () => [...killSteps(AGENT, 'manifest withdrawn'), ...killSteps(KUBELET, 'manifest withdrawn')],
};

export const selfHostedEarlyKills: Scenario = {
  id: 'self-hosted/early-kills',
  title: 'After a power cut agent or kubelet is killed as the copy is placed, and the control plane comes back all the same',
  needs: ['self-hosted'],
  kubelet: sameOnEveryKubelet('as `self-hosted/kills`'),
  onRequest: true,
  steps: () => [...killSteps(AGENT, 'copy placed'), ...killSteps(KUBELET, 'copy placed')],
};
