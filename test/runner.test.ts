/** How scenarios run: step by step, together around one power cut, each failing by itself, and what a promise of time is. */
import { expect, test } from 'vitest';
import type { Node } from './e2e/node/node.ts';
import { keptPromise } from './e2e/report.ts';
import { runGroup, type Stage } from './e2e/runner.ts';
import { type AroundPowerCut, check, dependsOnKubelet, given, type Scenario, type Step, when } from './e2e/scenario.ts';

const SETTINGS = { rounds: 1, selfHostedRounds: 1, outageMs: 1, idleMs: 1, retireGraceMs: 1 };

/** What happens when the API server comes back. */
const BACK = 'apiStart, apiReady, controllersRestart';

/** A node that only writes down what happens to it. */
function stageOf(happened: string[], fails?: 'powerCut' | 'apiStart'): Stage {
  const deed = (name: string) => async () => {
    happened.push(name);
    if (name === fails) throw new Error(`no ${name}`);
    return 7;
  };
  const node = {
    components: { kubernetesVersion: '1.2.3', runtimeVersion: '4' },
    powerCut: deed('powerCut'),
    boot: deed('boot'),
    apiStart: deed('apiStart'),
    apiReady: deed('apiReady'),
    controllersRestart: deed('controllersRestart'),
  };
  return { node: node as unknown as Node, settings: SETTINGS, memory: { inside: {}, foreign: [] }, say: () => undefined };
}

function scenario(id: string, steps: readonly Step[] | AroundPowerCut): Scenario {
  return { id, title: id, needs: [], kubelet: dependsOnKubelet('a test'), steps: () => steps };
}

/** One step in each part, each of which says that it ran; one may fail. */
function sharing(id: string, happened: string[], failing?: 'before' | 'offline' | 'after'): Scenario {
  const step = (part: 'before' | 'offline' | 'after') => [
    when(part, async () => {
      happened.push(`${id} ${part}`);
      if (part === failing) throw new Error(`${id} fails`);
    }),
  ];
  const giveUp = async () => void happened.push(`${id} gives up`);
  return scenario(id, { before: step('before'), offline: step('offline'), after: step('after'), giveUp });
}

const outcomes = ({ results }: Awaited<ReturnType<typeof runGroup>>) => results.map(({ id, outcome }) => `${id} ${outcome}`);

test('a scenario ends at its first failure, which names the step', async () => {
  const happened: string[] = [];
  const steps = [
    given('one', async () => void happened.push('one')),
    check('two', () => Promise.reject(new Error('no', { cause: new Error('because') }))),
    check('three', async () => void happened.push('three')),
  ];

  const {
    results: [result],
  } = await runGroup([scenario('a', steps)], stageOf(happened));

  expect(happened).toEqual(['one']);
  expect(result).toMatchObject({ id: 'a', kubelet: '1.2.3', outcome: 'failed', problem: 'then two\nno\nbecause' });
});

test('neighbours share one power cut', async () => {
  const happened: string[] = [];
  const stage = stageOf(happened);

  const ended = await runGroup([sharing('a', happened), sharing('b', happened)], stage);

  expect(outcomes(ended)).toEqual(['a passed', 'b passed']);
  expect(happened.join(', ')).toBe(`a before, b before, powerCut, boot, a offline, b offline, ${BACK}, a after, b after`);
  expect(stage.memory).toMatchObject({ bootedAt: 7, apiStartedAt: 7 });
});

test('in the dark each that goes on changes what it wants to, and at last all wait together', async () => {
  const happened: string[] = [];
  const plus = (id: string, failing?: 'before'): Scenario => {
    const dark = async () => void happened.push(`${id} dark`);
    const atLast = [check('at last', async () => void happened.push(`${id} at last`))];
    return scenario(id, { ...(sharing(id, happened, failing).steps(SETTINGS) as AroundPowerCut), dark, atLast });
  };

  const ended = await runGroup([plus('a'), plus('b', 'before'), sharing('c', happened), plus('d')], stageOf(happened));

  expect(outcomes(ended)).toEqual(['a passed', 'b failed', 'c passed', 'd passed']);
  const told = happened.join(', ');
  expect(told).toContain('powerCut, a dark, d dark, boot, a offline');
  expect(told).toMatch(/a after, c after, d after, a at last, d at last$/);
});

test('one that fails gives up, and the others go on', async () => {
  const happened: string[] = [];

  const ended = await runGroup(
    [sharing('a', happened, 'offline'), sharing('b', happened, 'before'), sharing('c', happened), sharing('d', happened, 'after')],
    stageOf(happened),
  );

  expect(outcomes(ended)).toEqual(['a failed', 'b failed', 'c passed', 'd failed']);
  expect(happened.filter((line) => /^[ab]/.test(line) && !BACK.includes(line)).join(', ')).toBe(
    'a before, b before, b gives up, boot, a offline, a gives up',
  );
});

test('one that fails in the outage gives up when there is a server to tell, before the others go on, and again on the way back', async () => {
  const happened: string[] = [];

  const ended = await runGroup([sharing('a', happened, 'offline'), sharing('b', happened)], stageOf(happened));
  happened.push('way back');
  await ended.giveUp();

  expect(happened.join(', ')).toBe(
    `a before, b before, powerCut, boot, a offline, b offline, ${BACK}, a gives up, b after, way back, a gives up`,
  );
});

test('where the shared cut fails, all give up on the way back', async () => {
  const happened: string[] = [];
  const ended = await runGroup([sharing('a', happened), sharing('b', happened)], stageOf(happened, 'powerCut'));
  happened.length = 0;
  await ended.giveUp();
  expect(happened).toEqual(['a gives up', 'b gives up']);
});

test('what there is to see of a failure is looked at when it happens', async () => {
  const happened: string[] = [];
  const diagnose = async (id: string) => void happened.push(`look at ${id}`);
  await runGroup([sharing('a', happened, 'offline'), sharing('b', happened)], { ...stageOf(happened), diagnose });
  expect(happened.slice(4, 7)).toEqual(['a offline', 'look at a', 'b offline']);
});

test('without any that may go on the power is not cut', async () => {
  const happened: string[] = [];
  await runGroup([sharing('a', happened, 'before')], stageOf(happened));
  expect(happened).toEqual(['a before', 'a gives up']);
});

test.each(['powerCut', 'apiStart'] as const)('where %s fails, all have failed', async (deed) => {
  const happened: string[] = [];
  const ended = await runGroup([sharing('a', happened), sharing('b', happened)], stageOf(happened, deed));

  expect(outcomes(ended)).toEqual(['a failed', 'b failed']);
  expect(ended.results[1]?.problem).toContain(`no ${deed}`);
  expect(happened).not.toContain('b after');
});

test.each([
  [400, {}, 'passed', ' (promised: 500 ms)'],
  [4_999, {}, 'passed', ' (promised: 500 ms; NOT KEPT)'],
  [5_001, {}, 'failed', ' (promised: 500 ms; NOT KEPT)'],
  [Number.NaN, {}, 'failed', ' (promised: 500 ms; NOT KEPT)'],
  [5_500, { failsAt: 6_000 }, 'passed', ' (promised: 500 ms; NOT KEPT)'],
])('a promise of 500 ms and %f ms: %j %s', async (value, more, outcome, words) => {
  const steps = [check('a promise', async (world) => world.promise('gap', value, 500, more))];
  const {
    results: [result],
  } = await runGroup([scenario('a', steps)], stageOf([]));

  expect(result?.outcome).toBe(outcome);
  expect(result?.figures.map(keptPromise)).toEqual([words]);
});
