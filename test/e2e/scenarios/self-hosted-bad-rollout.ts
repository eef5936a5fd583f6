/**
 * A new revision of the only API server that cannot work: the last one known to be good brings the API back and keeps it,
 * until somebody undoes the rollout, through the very API that the copy serves.
 */
import { done, holds, notYet, until } from '../node/wait.ts';
import type { Prober } from '../prober.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, type Step, type World, when } from '../scenario.ts';
import { API, apiServerCommand } from '../self-hosted/objects.ts';
import { activations, lastWords, type Members, membersInApi, settled } from '../self-hosted/pods.ts';
import { apiAnswers, apiGone, changeApiServer, cutPower, probeApi, RETURN_LIMIT_MS, reportFlip, rollout } from '../self-hosted/steps.ts';

const STEADY_MS = 30_000;
/** For the deleted pod, and again each time after the bad one had got its place: it gets two chances, then a pause. */
const ACTIVATIONS = 3;

interface Run {
  before?: Members;
  prober?: Prober;
  from: number;
  badUid: string;
}

/** The pod of the new revision, seen through the API that the copy serves. */
async function badPod(world: World, good: Members): Promise<string> {
  return await until(
    'the pod of the new revision',
    async () => {
      const members = (await membersInApi(world.node)).filter((member) => member.component === API);
      const bad = members.find((member) => member.uid !== good[API].uid && !member.leaving);
      return bad === undefined ? notYet(`${members.length} pods; ${lastWords(world.node)}`) : done(bad.uid);
    },
    RETURN_LIMIT_MS,
    500,
  );
}

/** Every answer of the last two seconds counts: one of them must be good. */
function answersNow(prober: Prober): boolean {
  return prober.answers().some((answer) => answer.ok && answer.answeredAt >= Date.now() - 2_000);
}

/** The last failed hand-back is behind us, and from then on the API stays, whatever the bad pod tries. */
async function staysUp(world: World, run: Run, copies: number): Promise<void> {
  const prober = remembered(run.prober, 'the prober');
  const { checkpoint } = remembered(run.before, 'the pods')[API];
  const started = () => activations(world.node, run.from, checkpoint);
  await until(
    `the copy started ${copies} times, and answering`,
    () => (started() === copies && answersNow(prober) ? done() : notYet(`${started()} times; ${lastWords(world.node)}`)),
    RETURN_LIMIT_MS,
    250,
  );
  const complaint = () => {
    if (!answersNow(prober)) return `the API is away; ${lastWords(world.node)}`;
    return started() === copies ? undefined : `the copy was started ${started()} times`;
  };
  await holds('the API stays', complaint, STEADY_MS, 250);
}

function undoSteps(run: Run, name: string): readonly Step[] {
  return [
    when(`${name}: kubectl rollout undo`, async (world) => {
      await rollout(world, 'undo', API);
    }),
    check(`${name}: the API ends on a new good parent`, async (world) => {
      const from = Date.now();
      const old = remembered(run.before, 'the pods');
      const after = await settled(world.node, { not: [old[API].uid, run.badUid] }, RETURN_LIMIT_MS);
      world.figure(`${name}: undo → all at rest`, Date.now() - from, 'ms');
      world.figure(`${name}: activations of the API server's copy`, activations(world.node, run.from, old[API].checkpoint), 'count');
      await reportFlip(world, remembered(run.prober, 'the prober'), after[API].uid, from, `${name}: undo: `);
      world.memory.members = after;
    }),
  ];
}

function crashing(name: string, command: readonly string[]): readonly Step[] {
  const run: Run = { from: 0, badUid: '' };
  return [
    given(`${name}: the control plane is at rest`, async ({ node }) => {
      run.before = await settled(node, {}, 120_000);
    }),
    when(`${name}: it is rolled out; the API is gone, and answers again from the copy`, async (world) => {
      run.prober = await probeApi(world, `self-hosted-bad-${name.replaceAll(/[^a-z]+/g, '-')}`);
      run.from = await changeApiServer(world, 'command', command);
      const gone = await apiGone(run.prober, run.from, 60_000);
      await apiAnswers(world, run.prober, gone, `${name}: API gone → answers from the copy`);
      run.badUid = await badPod(world, remembered(run.before, 'the pods'));
    }),
    check(`${name}: the bad pod gets two chances; then the copy keeps the API for ${STEADY_MS / 1000} s and more`, async (world) => {
      await staysUp(world, run, ACTIVATIONS);
    }),
    ...undoSteps(run, name),
  ];
}

export const selfHostedBadRollout: Scenario = {
  id: 'self-hosted/bad-rollout',
  title: 'An API server that cannot work is rolled out: the last good one keeps the API until the rollout is undone',
  needs: ['self-hosted'],
  kubelet: dependsOnKubelet("the kubelet's back-offs"),
  onRequest: true,
  steps: () => crashing('a flag that does not exist', [...apiServerCommand(), '--no-such-flag']),
};

export const selfHostedDeadEtcd: Scenario = {
  id: 'self-hosted/dead-etcd',
  title: 'An API server that holds the port and never answers is rolled out: the last good one keeps the API all the same',
  needs: ['self-hosted'],
  kubelet: dependsOnKubelet("the kubelet's back-offs"),
  onRequest: true,
  steps: () =>
    crashing(
      'etcd at a dead port',
      apiServerCommand().map((arg) => (arg.startsWith('--etcd-servers=') ? '--etcd-servers=http://127.0.0.1:2399' : arg)),
    ),
};

export const selfHostedNoImage: Scenario = {
  id: 'self-hosted/no-image',
  title: 'An API server whose image is nowhere is rolled out, and the power goes: the last good one comes back',
  needs: ['self-hosted'],
  kubelet: dependsOnKubelet("the kubelet's back-offs"),
  onRequest: true,
  steps: () => {
    const run: Run = { from: 0, badUid: '' };
    return [
      given('the control plane is at rest', async ({ node }) => {
        run.before = await settled(node, {}, 120_000);
      }),
      when('an image that is not there is rolled out; the copy serves beside a pod that cannot start', async (world) => {
        run.prober = await probeApi(world, 'self-hosted-no-image');
        run.from = await changeApiServer(world, 'image', 'localhost/kubernetes:2');
        const gone = await apiGone(run.prober, run.from, 60_000);
        await apiAnswers(world, run.prober, gone, 'API gone → answers from the copy');
        run.badUid = await badPod(world, remembered(run.before, 'the pods'));
      }),
      when('the power is cut; the API answers again', async (world) => {
        await remembered(run.prober, 'the prober').stop();
        const cut = await cutPower(world, 'self-hosted-no-image-boot');
        run.prober = cut.prober;
        await apiAnswers(world, cut.prober, cut.bootedAt, 'boot → API answers');
        const running = activations(world.node, cut.bootedAt, remembered(run.before, 'the pods')[API].checkpoint);
        expect(running <= 1, `the copy was placed ${running} times after the boot`);
      }),
      ...undoSteps(run, 'no image'),
    ];
  },
};
