/**
 * The whole story, told with a real agent process against the embedded servers: capture, power cut, no API server,
 * verdict, activation, serving, API server back, hand-back. Each chapter waits for what it tells; nothing is staged.
 */
import type { Clock } from '../ports.ts';
import { type AgentLine, createDemoNode, type DemoNode, GIVEN, storedFiles } from './node.ts';
import { NODE, QUEUE, WEB } from './parents.ts';
import type { Outage } from './picture/outage.ts';
import { createRecorder, type Recorder } from './picture/recorder.ts';
import { type Prober, startProber } from './prober.ts';
import type { DemoContainer } from './runtime/runtime-types.ts';
import type { Timeline } from './timeline.ts';

export interface StoryOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly execPath: string;
  readonly bundle: string;
  /** Shorter pauses and a quicker kubelet, for tests. */
  readonly fast: boolean;
  readonly keep: boolean;
  /** A picture will be drawn: it shows a while of what comes after, too. */
  readonly picture: boolean;
  readonly timeline: Timeline;
  readonly signal: AbortSignal;
}

const WEB_NAME = `${WEB.namespace}/${WEB.name}`;
const QUEUE_NAME = `${QUEUE.namespace}/${QUEUE.name}`;
const WEB_KEY = `${WEB.namespace}_${WEB.name}`;
const COPY = `${WEB.name}-ckpt-${NODE}`;
/** A hand-back on the host network: the port is free and bound again within this. */
const GAP_PROMISED_MS = 500;
/** Verdict on the boot fast path within 3 s, and a second each for the manifest and the start. */
const SERVING_PROMISED_MS = 5_000;
/** A computer that is busy with other things makes every time longer. What takes ten times as long is broken. */
const TIMES_PROMISED = 10;
const STEP_LIMIT_MS = 60_000;

interface Scene extends StoryOptions {
  readonly node: DemoNode;
  readonly prober: Prober;
  readonly recorder: Recorder;
}

/** What was seen, broken promises included. Cleans up whatever happens; throws when the story comes to a halt. */
export async function tellStory(options: StoryOptions): Promise<Outage> {
  const { clock, timeline } = options;
  const recorder = createRecorder(clock);
  recorder.life('node', true);
  recorder.act('All is well', recorder.now());
  const scale = options.fast ? 0.02 : 0.1;
  const node = await createDemoNode({ ...options, scale, onLife: recorder.life });
  const prober = startProber(node.url, clock);
  const scene: Scene = { ...options, node, prober, recorder };
  let outage: Outage;
  try {
    await capture(scene);
    await loseEverything(scene);
    await comeBack(scene);
    await handBack(scene);
    if (options.picture) await pause(scene, 1_500);
    const { answers } = prober;
    const broken = [...timeline.broken(), ...timeline.lateSoFar()];
    outage = recorder.outage({ answers, names: { parent: WEB.name, copy: COPY }, kubeletScale: scale, broken });
  } finally {
    await prober.stop();
    await node.dispose(options.keep);
  }
  if (options.keep) {
    tell(scene, 'demo', `everything is kept in ${node.dir}`);
    tell(scene, 'demo', `npm run --silent pod-checkpointer -- status --config ${node.dir}/agent.yaml lists the checkpoints in it`);
  }
  return outage;
}

async function capture(scene: Scene): Promise<void> {
  const { node, timeline } = scene;
  timeline.chapter('1. All is well: the agent keeps a checkpoint of every annotated pod');
  tell(scene, 'API server', `answers at ${node.api.url}`);
  await until(scene, 'the parent serving', () => scene.prober.last()?.who === WEB.name);
  tell(scene, 'kubelet', `runs ${WEB_NAME} (host network) and ${QUEUE_NAME} (pod network), both annotated`);
  node.startAgent();
  for (const name of [WEB_NAME, QUEUE_NAME]) {
    const line = await heard(
      scene,
      `capture of ${name}`,
      (entry) => entry.msg === 'Captured the parent' && entry.fields['checkpoint'] === name,
      0,
    );
    if (name === WEB_NAME) noted(scene, 'captured', line);
    tell(
      scene,
      'agent',
      `captured ${name}: revision ${String(line.fields['revision']).slice(0, 12)}, ${String(line.fields['bytes'])} bytes`,
    );
  }
  const files = await storedFiles(node.dir, WEB_KEY);
  timeline.check(
    files.get('password/password') === GIVEN.secret['password'] && files.get('config/web.conf') === GIVEN.configMap['web.conf'],
    'its secret and its configuration lie on the disk, byte for byte, without one read of either from the API server',
  );
  timeline.check(
    files.has('kube-api-access-2b7xq/token') && files.has('kube-api-access-2b7xq/ca.crt'),
    'so do its service-account token and the CA',
  );
  timeline.check(
    !node.api.requests.some((request) => /secrets|configmaps/.test(request.path)),
    `the API server was asked for pods only (${node.api.requests.length} requests)`,
  );
}

async function loseEverything(scene: Scene): Promise<void> {
  const { node, timeline, recorder } = scene;
  timeline.chapter('2. Power cut; and when the node comes up again, no API server answers');
  const cutAt = recorder.now();
  recorder.life('node', false);
  await node.powerCut();
  recorder.act('Power cut, offline boot', cutAt);
  recorder.moment('node', 'power cut', cutAt);
  tell(scene, 'node', 'power cut: API server, kubelet, runtime, containers and agent are dead; the disk is not');
  await pause(scene, 1_500);
  recorder.life('node', true);
  recorder.moment('node', 'boots', recorder.now());
  await node.boot();
  tell(scene, 'kubelet', 'started; it has never seen an API server and knows no pod at all');
}

async function comeBack(scene: Scene): Promise<void> {
  const { node, timeline, clock, recorder } = scene;
  const from = node.lines.length;
  const bootAt = clock.now();
  node.startAgent();
  const verdict = await heard(
    scene,
    'the verdict',
    (line) => line.msg === 'Judged the API server' && line.fields['to'] === 'unreachable',
    from,
  );
  noted(scene, 'verdict: unreachable', verdict);
  tell(scene, 'agent', `API server is unreachable (${String(verdict.fields['evidence'])})`);
  for (const name of [WEB_NAME, QUEUE_NAME]) {
    const line = await heard(
      scene,
      `activation of ${name}`,
      (entry) => entry.msg === "Placed the copy's manifest" && entry.fields['checkpoint'] === name,
      from,
    );
    if (name === WEB_NAME) noted(scene, 'manifest placed', line);
    tell(scene, 'agent', `${name}: ${String(line.fields['reason'])}, so its copy goes to staticPodPath`);
  }
  await until(scene, 'the copy serving', () => scene.prober.last()?.who === COPY);
  const served = scene.prober.answers.find((answer) => answer.who === COPY)?.at ?? Number.NaN;
  recorder.moment('copy', 'copy serves', recorder.now() - (clock.now() - served));
  tell(scene, 'kubelet', `runs ${COPY}; it serves`);
  const took = served - bootAt;
  const inSeconds = `${(took / 1000).toFixed(2)} s (promised: ${SERVING_PROMISED_MS / 1000} s)`;
  promise(scene, took, SERVING_PROMISED_MS, `from boot to serving with no control plane: ${inSeconds}`);
  const before = await node.manifests();
  await pause(scene, 3_000);
  timeline.check(sameList(before, await node.manifests()) && scene.prober.last()?.who === COPY, 'and nothing moves while nobody answers');
}

async function handBack(scene: Scene): Promise<void> {
  const { node, timeline, clock, recorder } = scene;
  timeline.chapter('3. The API server is back: the parents take over again');
  const from = node.lines.length;
  const backAt = clock.now();
  let hole = false;
  const forget = node.runtime.onChange(() => {
    hole ||= !queueRuns(node);
  });
  await node.api.start();
  recorder.life('API server', true);
  recorder.act('Hand-back', recorder.now());
  recorder.moment('API server', 'answers again', recorder.now());
  tell(scene, 'API server', 'answers again');
  const seen = await heard(scene, 'the verdict', (line) => line.msg === 'Judged the API server' && line.fields['to'] === 'reachable', from);
  noted(scene, 'verdict: reachable', seen);
  tell(scene, 'agent', 'sees it, and waits: the kubelet does not yet, and taking the copy away now would only make a hole');
  await until(scene, 'the parent serving', () => scene.prober.last()?.who === WEB.name);
  for (const { createdAtMs } of runningOf(node, WEB.name)) recorder.moment('parent', 'container created', recorder.stamped(createdAtMs));
  tell(scene, 'kubelet', `has its pods again, created the container of ${WEB_NAME}`);
  for (const name of [WEB_NAME, QUEUE_NAME]) {
    const line = await heard(
      scene,
      `hand-back of ${name}`,
      (entry) => entry.msg === 'Handed back to the parent' && entry.fields['checkpoint'] === name,
      from,
    );
    if (name === WEB_NAME) {
      const isIt = ({ msg, fields }: AgentLine) => msg === "Withdrew the copy's manifest" && fields['checkpoint'] === WEB_NAME;
      for (const withdrew of node.lines.slice(from).filter(isIt)) noted(scene, 'manifest is gone', withdrew);
    }
    tell(scene, 'agent', `handed ${name} back (${MODE[String(line.fields['mode'])] ?? ''})`);
  }
  await until(scene, 'an empty manifest directory', async () => (await node.manifests()).length === 0);
  const gap = scene.prober.longestGap(backAt);
  const inMilliseconds = `${gap.toFixed(0)} ms (promised: ${GAP_PROMISED_MS} ms)`;
  promise(scene, gap, GAP_PROMISED_MS, `longest time without an answer during the hand-back: ${inMilliseconds}`);
  forget();
  timeline.check(!hole, 'the pod with its own address had no gap at all: parent and copy overlapped');
  const restarts = node.api.pods().flatMap((pod) => pod.status?.containerStatuses?.map((status) => status.restartCount) ?? []);
  timeline.check(
    restarts.every((count) => count <= 1),
    `no restart of a parent beyond the reboot's own (${restarts.join(', ')})`,
  );
  timeline.check((await storedFiles(node.dir, WEB_KEY)).size > 0, 'staticPodPath is empty, and the checkpoints are kept for next time');
}

/** Is any container of the pod with its own address running, be it the parent's or the copy's? */
function queueRuns(node: DemoNode): boolean {
  return node.runtime.containers().some(({ state, config }) => state === 'running' && config.name === 'queue');
}

function runningOf(node: DemoNode, pod: string): readonly DemoContainer[] {
  return node.runtime.containers().filter(({ state, config }) => state === 'running' && config.labels['io.kubernetes.pod.name'] === pod);
}

const MODE: Readonly<Record<string, string>> = {
  container: "host network: the copy left the instant the kubelet set out to create the parent's container",
  overlap: 'pod network: the copy left when the parent was Ready',
};

function tell(scene: Scene, who: string, what: string): void {
  scene.timeline.event(scene.recorder.now(), who, what);
}

/** For the picture: the agent said it, and when. */
function noted(scene: Scene, text: string, line: AgentLine): void {
  scene.recorder.moment('agent', text, scene.recorder.stamped(line.time));
}

function promise({ timeline }: Scene, took: number, promised: number, what: string): void {
  if (took > promised && took <= TIMES_PROMISED * promised) timeline.late(what);
  else timeline.check(took <= promised, what);
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length > 0 && a.join() === b.join();
}

/** For people to read along; tests do without. */
async function pause(scene: Scene, ms: number): Promise<void> {
  await scene.clock.sleep(scene.fast ? ms / 10 : ms, scene.signal);
}

async function heard(scene: Scene, what: string, match: (line: AgentLine) => boolean, from: number): Promise<AgentLine> {
  await until(scene, what, () => scene.node.lines.slice(from).some(match));
  const line = scene.node.lines.slice(from).find(match);
  if (line === undefined) throw new Error(`${what}: lost`);
  return line;
}

async function until(scene: Scene, what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const { clock, signal, node } = scene;
  const limit = clock.now() + STEP_LIMIT_MS;
  while (!(await condition())) {
    if (clock.now() > limit) {
      const last = node.lines.slice(-5).map((line) => JSON.stringify(line.fields));
      throw new Error(
        `the story halts: ${what} did not happen within ${STEP_LIMIT_MS / 1000} s; the agent's last words:\n${last.join('\n')}`,
      );
    }
    await clock.sleep(10, signal);
  }
}
