/**
 * Runs scenarios on a node, step by step. Neighbours may share one power cut: first what each of them does before it, then the
 * cut, then what each sees without the API server, then what each sees when it is back, and last what all can wait for together.
 */
import type { Node } from './node/node.ts';
import { messageOf } from './node/wait.ts';
import { keptPromise, type ScenarioResult, say, shownFigure } from './report.ts';
import { type AroundPowerCut, expect, type Figure, type Scenario, type Step, TIMES_PROMISED, type World } from './scenario.ts';

export interface Stage extends Omit<World, 'figure' | 'promise'> {
  /** Looks around at the moment of a failure, before anybody's way back changes what there is to see. */
  diagnose?(scenario: string): Promise<void>;
}

export interface Ended {
  readonly results: readonly ScenarioResult[];
  /** Opens what failed scenarios left closed or waiting; for the way back, once an API server answers. */
  giveUp(): Promise<void>;
}

/** One scenario under way. */
interface Attempt {
  readonly scenario: Scenario;
  readonly plan: readonly Step[] | AroundPowerCut;
  readonly figures: Figure[];
  seconds: number;
  problem?: string;
}

/** An error with its causes, one a line. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n${explain(error.cause)}`;
}

/** What runs together: a scenario by itself, or neighbours that share a power cut. */
export function groupsOf(scenarios: readonly Scenario[], settings: World['settings']): readonly (readonly Scenario[])[] {
  const groups: Scenario[][] = [];
  let sharing = false;
  for (const scenario of scenarios) {
    const shares = 'offline' in scenario.steps(settings);
    if (shares && sharing) groups.at(-1)?.push(scenario);
    else groups.push([scenario]);
    sharing = shares;
  }
  return groups;
}

/** Runs one group; a scenario that fails does not end the others. */
export async function runGroup(scenarios: readonly Scenario[], stage: Stage): Promise<Ended> {
  const attempts = scenarios.map((scenario): Attempt => ({ scenario, plan: scenario.steps(stage.settings), figures: [], seconds: 0 }));
  for (const attempt of attempts) {
    say(`── ${attempt.scenario.id}: ${attempt.scenario.title}`);
    await runSteps(attempt, 'offline' in attempt.plan ? attempt.plan.before : attempt.plan, stage);
    await giveUpIfFailed(attempt, stage);
  }
  if (attempts.some(({ plan, problem }) => 'offline' in plan && problem === undefined)) await runPowerCut(attempts, stage);
  return {
    results: attempts.map((attempt) => resultOf(attempt, stage.node)),
    async giveUp() {
      for (const attempt of attempts) await giveUpIfFailed(attempt, stage);
    },
  };
}

async function runPowerCut(attempts: readonly Attempt[], stage: Stage): Promise<void> {
  const { node, memory } = stage;
  const gaveUp = new Set(attempts.filter(({ problem }) => problem !== undefined));
  const cut = { part: 'when', say: 'the power is cut, the API server stays away, the node boots' } as const;
  await together(attempts, stage, {
    ...cut,
    run: async () => {
      await node.powerCut({ api: 'down' });
      for (const { plan, problem } of attempts) if ('offline' in plan && problem === undefined) await plan.dark?.(stage);
      memory.bootedAt = await node.boot();
    },
  });
  await each(attempts, stage, 'without the API server', ({ offline }) => offline);
  await together(attempts, stage, {
    part: 'when',
    say: 'the API server comes back',
    run: async () => {
      memory.apiStartedAt = await node.apiStart();
      await node.apiReady();
      await node.controllersRestart();
    },
  });
  // who fails in the outage leaves things as they are until there is a server to tell
  for (const attempt of attempts) if (!gaveUp.has(attempt)) await giveUpIfFailed(attempt, stage);
  const ready = attempts.filter(({ problem }) => problem === undefined);
  await each(ready, stage, 'with the API server again', ({ after }) => after);
  await each(ready, stage, 'at last', ({ atLast = [] }) => atLast);
  for (const attempt of ready) await giveUpIfFailed(attempt, stage);
}

/** A step of all that have not failed: where it fails, they all have. */
async function together(attempts: readonly Attempt[], stage: Stage, step: Step): Promise<void> {
  const [first, ...others] = attempts.filter(({ problem }) => problem === undefined);
  if (first === undefined) return;
  say(`── ${[first, ...others].map(({ scenario }) => scenario.id).join(', ')}`);
  await runSteps(first, [step], stage);
  for (const other of others) if (first.problem !== undefined) other.problem = first.problem;
}

async function each(
  attempts: readonly Attempt[],
  stage: Stage,
  when: string,
  stepsOf: (plan: AroundPowerCut) => readonly Step[],
): Promise<void> {
  for (const attempt of attempts) {
    if (attempt.problem !== undefined || !('offline' in attempt.plan)) continue;
    const steps = stepsOf(attempt.plan);
    if (steps.length === 0) continue;
    say(`── ${attempt.scenario.id}, ${when}`);
    await runSteps(attempt, steps, stage);
  }
}

/** What a scenario that failed left closed or waiting is opened; where that fails too it is said. Harmless twice. */
async function giveUpIfFailed({ scenario, plan, problem }: Attempt, stage: Stage): Promise<void> {
  if (problem === undefined || !('offline' in plan)) return;
  await plan.giveUp?.(stage).catch((error: unknown) => say(`giving up ${scenario.id}: ${messageOf(error)}`));
}

async function runSteps(attempt: Attempt, steps: readonly Step[], stage: Stage): Promise<void> {
  const { figures } = attempt;
  const world: World = {
    ...stage,
    figure: (name, value, unit) => void figures.push({ name, value, unit }),
    promise: (name, value, promised, { failsAt = TIMES_PROMISED * promised, because = '' } = {}) => {
      figures.push({ name, value, unit: 'ms', promised });
      const words = `${name}: ${value.toFixed(0)} ms, promised ${promised} ms, at most ${failsAt.toFixed(0)} ms`;
      // a figure that is missing fails too
      expect(value <= failsAt, [words, because].filter(Boolean).join('; '));
    },
  };
  for (const step of steps) {
    const started = performance.now();
    const before = figures.length;
    try {
      await step.run(world);
    } catch (error) {
      attempt.problem = `${step.part} ${step.say}\n${explain(error)}`;
    }
    const seconds = (performance.now() - started) / 1000;
    attempt.seconds += seconds;
    say(`${attempt.problem === undefined ? 'ok' : 'NO'}  ${step.part.padEnd(5)} ${step.say}  (${seconds.toFixed(1)} s)`);
    for (const figure of figures.slice(before)) say(`            ${shownFigure(figure)}${keptPromise(figure)}`);
    if (attempt.problem === undefined) continue;
    say(attempt.problem.replaceAll('\n', '\n          '));
    await stage.diagnose?.(attempt.scenario.id);
    return;
  }
}

function resultOf({ scenario, figures, seconds, problem }: Attempt, { components }: Node): ScenarioResult {
  return {
    kubelet: components.kubernetesVersion,
    runtime: `containerd ${components.runtimeVersion}`,
    id: scenario.id,
    title: scenario.title,
    outcome: problem === undefined ? 'passed' : 'failed',
    seconds,
    figures,
    ...(problem === undefined ? {} : { problem }),
  };
}
