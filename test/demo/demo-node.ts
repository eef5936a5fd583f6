/** A demo node in a temporary directory: embedded runtime and kubelet stand-in, an API source that can be switched off. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClock } from '../../src/adapters/clock.ts';
import type { RawPod } from '../../src/core/model/model.ts';
import { createDemoKubelet } from '../../src/demo/kubelet/kubelet.ts';
import type { DemoKubelet, KubeletApi, PodReport } from '../../src/demo/kubelet/kubelet-types.ts';
import { createDemoRuntime } from '../../src/demo/runtime/runtime.ts';
import type { ContainerEffect, DemoRuntime } from '../../src/demo/runtime/runtime-types.ts';

export const IMAGE = 'localhost/web:1';

export interface DemoNode {
  readonly dir: string;
  readonly manifests: string;
  readonly runtime: DemoRuntime;
  readonly kubelet: DemoKubelet;
  /** Switch `up` and `servicesUp` at will. */
  readonly api: { up: boolean; servicesUp: boolean; pods: RawPod[]; data: Record<string, Record<string, string>> };
  readonly log: string[];
  readonly reports: PodReport[];
  /** Dot-file, then rename, as an agent does. */
  place(file: string, content: string): Promise<void>;
  withdraw(file: string): Promise<void>;
  running(podName: string): number;
  dispose(): Promise<void>;
}

export async function createDemoNode(effect?: ContainerEffect): Promise<DemoNode> {
  const dir = await mkdtemp(join(tmpdir(), 'node-'));
  const manifests = join(dir, 'manifests');
  await mkdir(manifests);
  const runtime = createDemoRuntime({
    socket: join(dir, 'cri.sock'),
    clock: { wall: () => Date.now() },
    random: () => 0.5,
    ...(effect === undefined ? {} : { onContainerRunning: effect }),
  });
  runtime.addImage({ reference: IMAGE });
  await runtime.start();
  const api: DemoNode['api'] = { up: true, servicesUp: true, pods: [], data: {} };
  const log: string[] = [];
  const reports: PodReport[] = [];
  const kubelet = createDemoKubelet({
    nodeName: 'Node1',
    rootDir: join(dir, 'kubelet'),
    staticPodPath: manifests,
    runtime,
    api: apiOf(api),
    clock: createClock(),
    random: () => 0.5,
    scale: 0.005,
    log: (line) => log.push(line),
    onReport: (report) => reports.push(report),
  });
  return {
    dir,
    manifests,
    runtime,
    kubelet,
    api,
    log,
    reports,
    place: async (file, content) => {
      await writeFile(join(manifests, `.${file}.tmp`), content);
      await rename(join(manifests, `.${file}.tmp`), join(manifests, file));
    },
    withdraw: (file) => rm(join(manifests, file)),
    running: (podName) =>
      runtime.containers().filter(({ state, config }) => state === 'running' && config.labels['io.kubernetes.pod.name'] === podName).length,
    dispose: async () => {
      await kubelet.kill();
      await runtime.powerCut();
      await rm(dir, { recursive: true });
    },
  };
}

function apiOf(api: DemoNode['api']): KubeletApi {
  const up = (): void => {
    if (!api.up) throw new Error('connection refused');
  };
  return {
    pods: async () => {
      up();
      return api.pods;
    },
    services: async () => {
      up();
      if (!api.servicesUp) throw new Error('connection refused');
    },
    data: async (kind, _namespace, name) => {
      up();
      const found = api.data[`${kind}/${name}`];
      if (found === undefined) throw new Error(`${kind} "${name}" not found`);
      return found;
    },
    token: async () => {
      up();
      return 'a-token';
    },
    serviceHost: '10.0.0.1',
    servicePort: '443',
  };
}

export function podJson(name: string, spec: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}): RawPod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'kube-system', ...metadata },
    spec: { hostNetwork: true, terminationGracePeriodSeconds: 1, containers: [{ name: 'server', image: IMAGE }], ...spec },
  } as RawPod;
}
