/** Steps that the self-hosted scenarios share: the power cut, the API's absence and return, and the take-over. */
import { newContainerOf } from '../copies.ts';
import { ADDRESSES } from '../node/layout.ts';
import { done, notYet, until } from '../node/wait.ts';
import { firstOk, longestGap, type Prober, startProber } from '../prober.ts';
import { expect, type World } from '../scenario.ts';
import { API, type Component, kindOf, NAMESPACE } from './objects.ts';
import { lastWords, type Members } from './pods.ts';

/** Answered as soon as requests are served at all; a copy may make way for its parent before all of it is ready. */
export const API_URL = `${ADDRESSES.api}/version`;
/** Until every parent runs again: the kubelet's and the controllers' back-offs are most of it. Ten times what is seen. */
export const RETURN_LIMIT_MS = 600_000;

export async function probeApi(world: World, name: string): Promise<Prober> {
  return await startProber({ node: world.node, name, urls: [API_URL], asAdmin: true });
}

/** Cuts the power and boots; the prober asks the API server from the moment of the cut. */
export async function cutPower(world: World, name: string): Promise<{ readonly bootedAt: number; readonly prober: Prober }> {
  const { node } = world;
  await node.powerCut({ api: 'down' });
  const prober = await probeApi(world, name);
  return { bootedAt: await node.boot(), prober };
}

/** Waits until the API server answers; says after how long. */
export async function apiAnswers(world: World, prober: Prober, since: number, what: string, limitMs = 300_000): Promise<number> {
  const first = await until(
    'the API server answering',
    () => {
      const answer = firstOk(prober.answers(), since);
      return answer === undefined ? notYet(`no answer; ${lastWords(world.node)}`) : done(answer);
    },
    limitMs,
  );
  world.figure(what, first.answeredAt - since, 'ms');
  return first.answeredAt;
}

/** Waits for the parent's own container; says after how long, and for how long the API was away while it took over. */
export async function reportFlip(world: World, prober: Prober, uid: string, since: number, prefix: string): Promise<void> {
  const created = newContainerOf(await world.node.cri.pods(), uid, since)?.createdAt;
  const answers = (await prober.stop()).filter((answer) => answer.answeredAt >= since);
  const first = firstOk(answers, since)?.answeredAt;
  const gap = longestGap(answers);
  if (created !== undefined && first !== undefined) world.figure(`${prefix}API answers → parent's container`, created - first, 'ms');
  world.figure(`${prefix}API away while the parent took over`, gap?.ms ?? Number.NaN, 'ms');
}

/** Waits for the moment at which the API answers no more. */
export async function apiGone(prober: Prober, since: number, limitMs: number): Promise<number> {
  const failed = await until(
    'the API server gone',
    () => {
      const answer = prober.answers().find((one) => !one.ok && one.answeredAt >= since);
      return answer === undefined ? notYet('it answers') : done(answer);
    },
    limitMs,
  );
  return failed.answeredAt;
}

export async function rollout(world: World, verb: 'restart' | 'undo', component: Component): Promise<number> {
  const at = Date.now();
  await world.node.kubectl(['rollout', verb, `--namespace=${NAMESPACE}`, `${kindOf(component)}/${component}`]);
  return at;
}

/** Changes one field of the API server's container, which rolls it out. */
export async function changeApiServer(world: World, field: 'command' | 'image', value: unknown): Promise<number> {
  const at = Date.now();
  const patch = [{ op: 'replace', path: `/spec/template/spec/containers/0/${field}`, value }];
  await world.node.kubectl(['patch', `--namespace=${NAMESPACE}`, 'daemonset', API, '--type=json', `--patch=${JSON.stringify(patch)}`]);
  return at;
}

export function expectSame(before: Members, after: Members, components: readonly Component[]): void {
  for (const component of components)
    expect(after[component].uid === before[component].uid, `${component} is another pod now, though nothing was done to it`);
}
