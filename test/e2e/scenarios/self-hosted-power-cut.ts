/** The headline: the whole node loses its power, its own control plane with it, and comes back by itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { roundName } from '../copies.ts';
import type { Prober } from '../prober.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, type Step, when } from '../scenario.ts';
import { API, COMPONENTS } from '../self-hosted/objects.ts';
import { activations, type Members, restartsAfter, settled } from '../self-hosted/pods.ts';
import { apiAnswers, cutPower, RETURN_LIMIT_MS, reportFlip } from '../self-hosted/steps.ts';

interface Round {
  before?: Members;
  bootedAt: number;
  prober?: Prober;
}

function roundSteps(number: number): readonly Step[] {
  const name = roundName(number);
  const round: Round = { bootedAt: 0 };
  return [
    given(`${name}: the control plane is at rest`, async ({ node }) => {
      round.before = await settled(node, {}, 60_000);
    }),
    when(`${name}: the power is cut; the copy is started, and the API answers again`, async (world) => {
      const cut = await cutPower(world, `self-hosted-${number}`);
      round.bootedAt = cut.bootedAt;
      round.prober = cut.prober;
      await apiAnswers(world, cut.prober, cut.bootedAt, `${name}: boot → API answers`);
      expect(activations(world.node, cut.bootedAt, remembered(round.before, 'the pods')[API].checkpoint) === 1, 'no copy was placed');
    }),
    check(
      `${name}: every parent takes over again, restarted once, by the power cut (where the API server met its copy on the port: twice)`,
      async (world) => {
        const before = remembered(round.before, 'the pods');
        const after = await settled(world.node, { restarts: restartsAfter(before) }, RETURN_LIMIT_MS);
        world.figure(`${name}: boot → all parents at rest`, Date.now() - round.bootedAt, 'ms');
        await reportFlip(world, remembered(round.prober, 'the prober'), before[API].uid, round.bootedAt, `${name}: `);
        const met = after[API].restarts - before[API].restarts - 1;
        world.figure(`${name}: starts of the API server that met its copy on the port`, met, 'count');
        for (const component of COMPONENTS) {
          expect(after[component].uid === before[component].uid, `${component} is another pod now`);
          const started = activations(world.node, round.bootedAt, before[component].checkpoint);
          expect(started <= (component === API ? 1 + met : 1), `the copy of ${component} was started ${started} times`);
          const stored = join(world.node.paths.agentState, 'checkpoints', before[component].checkpoint.replace('/', '_'), 'current');
          expect(existsSync(stored), `the checkpoint of ${component} is gone`);
        }
        world.memory.members = after;
      },
    ),
  ];
}

export const selfHostedPowerCut: Scenario = {
  id: 'self-hosted/power-cut',
  title: 'A node that is its own control plane comes back by itself after a power cut, every time',
  needs: ['self-hosted'],
  kubelet: dependsOnKubelet('the headline, and every race in it is with this kubelet'),
  steps: ({ selfHostedRounds }) => Array.from({ length: selfHostedRounds }, (_, index) => roundSteps(index + 1)).flat(),
};
