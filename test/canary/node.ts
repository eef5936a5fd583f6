/**
 * A node for the canary test: embedded API server, runtime and kubelet, and the built program as a process of its own at
 * the highest log level. Pods of every kind carry a secret of their own, and everything the program says is kept.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUNDLE } from '../../deploy/bundle.ts';
import { createClock } from '../../src/adapters/clock.ts';
import type { Json } from '../../src/core/model/model.ts';
import { type ApiServer, createApiServer } from '../../src/demo/api-server/api-server.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { createDemoKubelet } from '../../src/demo/kubelet/kubelet.ts';
import { writeNodeFiles } from '../../src/demo/node-files.ts';
import { kubeletApi, podStatus } from '../../src/demo/parents.ts';
import { createDemoRuntime } from '../../src/demo/runtime/runtime.ts';
import type { DemoRuntime } from '../../src/demo/runtime/runtime-types.ts';
import type { Canary, Evidence } from './search.ts';

const NODE = 'canary-node';
const NAMESPACE = 'kube-system';
const IMAGE = 'registry.example/app:1';

const fresh = (name: string): Canary => ({ name, value: `cnry-${randomBytes(12).toString('hex')}` });
/** One value a kind, so that a failure says where it came from. */
export const CANARIES = {
  file: fresh('the secret in a file'),
  inline: fresh('the secret in an accepted variable'),
  refused: fresh('the secret in a refused variable'),
  handed: fresh('the secret in a variable to be handed over by file'),
  config: fresh('the configMap'),
  token: fresh('the token'),
  huge: fresh('the secret in a volume that is too large'),
} as const;

const dataOf = (canary: Canary): Readonly<Record<string, string>> => ({ value: canary.value });
const DATA: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  file: dataOf(CANARIES.file),
  inline: dataOf(CANARIES.inline),
  refused: dataOf(CANARIES.refused),
  handed: dataOf(CANARIES.handed),
  settings: dataOf(CANARIES.config),
  huge: { value: CANARIES.huge.value.repeat(3_000) },
};

function pod(name: string, spec: Json, annotations: Readonly<Record<string, string>> = {}): Json {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: NAMESPACE, name, annotations: { 'checkpointer/enabled': 'true', ...annotations } },
    spec: { nodeName: NODE, terminationGracePeriodSeconds: 1, serviceAccountName: 'app', ...spec },
  };
}
const app = (more: Json = {}): Json => ({ name: 'app', image: IMAGE, ...more });
const fromSecret = (name: string): Json => ({ env: [{ name: 'VALUE', valueFrom: { secretKeyRef: { name, key: 'value' } } }] });
const mounted = (name: string): Json => ({ volumeMounts: [{ name, mountPath: `/${name}` }] });

export const PODS: readonly Json[] = [
  pod('files', {
    hostNetwork: true,
    containers: [
      app({
        env: [{ name: 'MODE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'value' } } }],
        volumeMounts: ['secret', 'settings', 'token'].map((name) => ({ name, mountPath: `/${name}` })),
      }),
    ],
    volumes: [
      { name: 'secret', secret: { secretName: 'file' } },
      { name: 'settings', configMap: { name: 'settings' } },
      { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }] } },
    ],
  }),
  pod('inline', { containers: [app(fromSecret('inline'))] }, { 'checkpointer/secret-env': 'inline' }),
  pod('refused', { containers: [app(fromSecret('refused'))] }),
  pod('handed', { containers: [app(fromSecret('handed'))] }, { 'checkpointer/secret-env': 'env-file' }),
  pod('huge', { containers: [app(mounted('huge'))], volumes: [{ name: 'huge', secret: { secretName: 'huge' } }] }),
];

/** Shaped like a service-account token, the canary in its payload and in its signature. */
function token(): string {
  const part = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { exp: Math.floor(Date.now() / 1000) + 3607, sub: CANARIES.token.value };
  return `${part({ alg: 'none' })}.${part(payload)}.${CANARIES.token.value}`;
}

export interface CanaryNode {
  readonly api: ApiServer;
  readonly runtime: DemoRuntime;
  readonly dir: string;
  /** Everything the agent has written to its outputs, of all its runs. */
  output(): string;
  /** Lines of its log with this message. */
  said(message: string): readonly Json[];
  startAgent(): void;
  killAgent(): Promise<void>;
  powerCut(): Promise<void>;
  boot(): Promise<void>;
  /** Runs another command of the program and keeps what it prints. */
  command(...args: readonly string[]): Promise<number>;
  /** Metrics page and /status, as they are now, and every file name and bookkeeping file below our directories. */
  gather(when: string): Promise<void>;
  /** Everything kept so far. Manifests and captured files are not among it. */
  evidence(): readonly Evidence[];
  /** Stored and placed manifests of a pod, and its captured files: where a secret may be. */
  readonly stored: Map<string, string>;
  dispose(): Promise<void>;
}

export async function createCanaryNode(): Promise<CanaryNode> {
  const dir = await mkdtemp(join(tmpdir(), 'canary-'));
  const at = (name: string): string => join(dir, name);
  for (const name of ['state', 'manifests', 'kubelet', 'run']) await mkdir(at(name), { mode: 0o700 });
  const clock = createClock();
  const api = createApiServer();
  await api.start();
  const runtime = createDemoRuntime({ socket: at('run/runtime.sock'), clock, random: () => 0.5 });
  runtime.addImage({ reference: IMAGE });
  await runtime.start();
  const kubelet = createDemoKubelet({
    nodeName: NODE,
    rootDir: at('kubelet'),
    staticPodPath: at('manifests'),
    runtime,
    api: kubeletApi(api, { data: (_kind, name) => DATA[name] ?? {}, token }),
    clock,
    random: () => 0.5,
    scale: 0.02,
    onReport: ({ source, uid, namespace, name, ...rest }) => {
      if (source === 'api' && api.running && api.pods().some((candidate) => candidate.metadata?.uid === uid))
        api.setPodStatus({ namespace, name }, podStatus({ source, uid, namespace, name, ...rest }));
    },
  });
  const metricsPort = await freePort();
  const more = { minReady: '300ms', retireGrace: '1s', limits: { bytesPerPod: '64Ki' }, log: { level: 'debug' } };
  const { podResourcesSocket } = kubelet;
  await writeNodeFiles({ dir, api, nodeName: NODE, machineId: 'canary', podResourcesSocket, metricsPort, more });
  for (const each of PODS) api.createPod(each);
  await kubelet.start();

  let agent: ChildProcess | undefined;
  let output = '';
  const kept: Evidence[] = [];
  const stored = new Map<string, string>();

  async function gather(when: string): Promise<void> {
    for (const page of ['metrics', 'status', 'healthz', 'readyz']) {
      const text = await fetch(`http://127.0.0.1:${metricsPort}/${page}`).then(
        (reply) => reply.text(),
        () => '',
      );
      kept.push({ where: `/${page} ${when}`, text });
    }
    for (const root of ['state', 'manifests']) {
      const entries = await readdir(at(root), { recursive: true, withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        const path = join(entry.parentPath, entry.name).slice(dir.length + 1);
        kept.push({ where: `the name ${path} ${when}`, text: path });
        if (!entry.isFile()) continue;
        const text = await readFile(at(path), 'latin1').catch(() => '');
        if (/^manifests\/|\/pod\.json$|\/files\//.test(path)) stored.set(path, text);
        else kept.push({ where: `the file ${path} ${when}`, text });
      }
    }
  }

  async function kill(): Promise<void> {
    const dying = agent;
    agent = undefined;
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      dying.once('close', () => resolve());
      dying.kill('SIGKILL');
    });
  }

  return {
    api,
    runtime,
    dir,
    stored,
    gather,
    output: () => output,
    said: (message) =>
      output
        .slice(0, output.lastIndexOf('\n') + 1)
        .split('\n')
        .filter((line) => line.includes(`"msg":"${message}"`))
        .map((line) => JSON.parse(line) as Json),
    startAgent() {
      const child = spawn(process.execPath, [BUNDLE, 'agent', '--config', at('agent.yaml')], { stdio: ['ignore', 'pipe', 'pipe'] });
      const hear = (chunk: Buffer): void => {
        output += chunk.toString('utf8');
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      agent = child;
    },
    killAgent: kill,
    async powerCut() {
      await Promise.all([api.stop(), kubelet.kill(), kill(), runtime.powerCut()]);
    },
    async boot() {
      await writeFile(at('boot-id'), `${randomUUID()}\n`);
      await runtime.start();
      await kubelet.start();
    },
    async command(...args) {
      const configured = args[0] === 'render' ? [] : ['--config', at('agent.yaml')];
      const outcome = await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
        execFile(process.execPath, [BUNDLE, ...args, ...configured], { timeout: 15_000 }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
        );
      });
      kept.push(
        { where: `what ${args.join(' ')} printed`, text: outcome.stdout },
        { where: `errors of ${args.join(' ')}`, text: outcome.stderr },
      );
      return outcome.code;
    },
    evidence: () => [...kept, { where: "the agent's log and errors", text: output }],
    async dispose() {
      await Promise.all([kill(), kubelet.kill(), api.stop()]);
      await runtime.powerCut();
      // the last write of a kubelet that was killed may still be on its way
      await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}
