/**
 * Joins a configuration and the adapters: everything the agent needs from the outside world, made once. What can be judged
 * without the lock is asked beforehand (`host-checks.ts`, {@link checkApiAccess}). Opens the store for writing only while the
 * host lock is held.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CRI_SOCKETS, findCriSocket } from '../../adapters/cri/find-socket.ts';
import { createContainerRuntime } from '../../adapters/cri/runtime.ts';
import { openManifestDir } from '../../adapters/disk/manifest-dir.ts';
import { nodePrimitives, type Primitives } from '../../adapters/disk/primitives.ts';
import { openStore } from '../../adapters/disk/store.ts';
import { createContainerAttempts } from '../../adapters/kubelet/attempts.ts';
import { createKubeletPods } from '../../adapters/kubelet/podresources.ts';
import { createPullRecords } from '../../adapters/kubelet/pull-records.ts';
import { createKubeletVersion } from '../../adapters/kubelet/version.ts';
import { createKubeletVolumes } from '../../adapters/kubelet/volumes.ts';
import {
  type ApiAccess,
  blindWatch,
  caFingerprint,
  createKubernetes,
  deniedReader,
  loadApiAccess,
} from '../../adapters/kubernetes/index.ts';
import { createProcesses } from '../../adapters/processes.ts';
import type { AgentSettings } from '../../agent/agent.ts';
import { type Config, kubeletConfigFile } from '../../core/config/config.ts';
import { parseKubeletVersion } from '../../core/kubelet/kubelet-version.ts';
import { ANNOTATION_ENABLED } from '../../core/model/keys.ts';
import { parseTime } from '../../core/model/time.ts';
import type { Place, Role } from '../../core/self/own.ts';
import type { Where } from '../../core/turn/track.ts';
import {
  type ApiRequestObserver,
  type Clock,
  type ContainerRuntime,
  type HostLock,
  type Log,
  type Meter,
  PortError,
  type PortErrorKind,
  type Ports,
  type Store,
} from '../../ports.ts';

export { checkHost } from './host-checks.ts';

export interface Surroundings {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly observer: ApiRequestObserver;
  readonly lock: HostLock;
  /** What this agent is, and in which pod it runs. */
  readonly place: Place;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly random: () => number;
}

export interface Wired {
  readonly ports: Ports;
  readonly settings: AgentSettings;
  close(): Promise<void>;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The socket that is configured, or the first of the usual ones. Throws PortError. */
async function criSocketOf(config: Config): Promise<string> {
  const socket = config.criSocket !== '' ? config.criSocket : await findCriSocket();
  if (socket === undefined) {
    throw new PortError(
      'unavailable',
      `no container runtime socket is in any of the usual places (${CRI_SOCKETS.join(', ')}): start the runtime, or set criSocket`,
    );
  }
  const found = await stat(socket).catch(() => undefined);
  if (found !== undefined && !found.isSocket()) {
    throw new PortError('invalid', `criSocket ${socket} is not a socket: name the unix socket of the container runtime`);
  }
  return socket;
}

/** Connects with the first call. Throws PortError where there is no such socket. */
export async function connectRuntime(config: Config): Promise<ContainerRuntime> {
  return createContainerRuntime({ socket: await criSocketOf(config) });
}

/** What to do about a runtime that answers as none that we can use. */
const RUNTIME_REMEDIES: Readonly<Record<Exclude<PortErrorKind, 'unavailable'>, string>> = {
  invalid: 'name the socket of containerd or CRI-O',
  'too-large': 'name the socket of containerd or CRI-O',
  denied: 'run as root, or let this user connect to it',
  unsupported: 'update the runtime, switch on its CRI service, or name another socket',
  'not-found': "look into the runtime's log, or name another socket",
  failed: "look into the runtime's log, or name another socket",
};

/** A runtime that is not there yet will come; one that is too old, or no runtime at all, never will. Throws PortError. */
export async function checkRuntime(config: Config, log: Log): Promise<void> {
  const socket = await criSocketOf(config);
  const runtime = createContainerRuntime({ socket });
  try {
    const { runtimeName, runtimeVersion } = await runtime.version();
    log.info('Found the container runtime', { runtime: runtimeName, runtimeVersion });
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    if (error.kind !== 'unavailable') {
      const message = `criSocket ${socket} cannot be used: ${error.message}: ${RUNTIME_REMEDIES[error.kind]}`;
      throw new PortError(error.kind, message, { cause: error });
    }
    log.warn('The container runtime does not answer yet', { error: error.message });
  } finally {
    runtime.close();
  }
}

/** How this configuration and this pod reach the API server. Throws PortError. */
export function apiAccess(config: Config, env: Surroundings['env'], clock: Clock, anonymous = false): Promise<ApiAccess> {
  return loadApiAccess({
    kubeconfig: config.kubeconfig === '' ? undefined : config.kubeconfig,
    apiEndpoints: config.apiEndpoints,
    inCluster: {
      host: env['KUBERNETES_SERVICE_HOST'],
      port: env['KUBERNETES_SERVICE_PORT'],
      tokenFile: join(SERVICE_ACCOUNT, 'token'),
      caFile: join(SERVICE_ACCOUNT, 'ca.crt'),
    },
    readFile: (path) => readFile(path, 'utf8'),
    clock,
    anonymous,
  });
}

/**
 * Could the API server be reached with this, if it answers? Files and fields only, so that a waiting agent says what is wrong
 * with them now and not when it takes over. They are read anew then: by that time the CA may be another. Throws PortError.
 */
export async function checkApiAccess(config: Config, env: Surroundings['env'], clock: Clock, role: Role): Promise<void> {
  const { ca } = await apiAccess(config, env, clock, withoutCredentials(role));
  const of = config.kubeconfig === '' ? "the service account's CA" : `the CA of kubeconfig ${config.kubeconfig}`;
  try {
    caFingerprint(ca);
  } catch (error) {
    throw new PortError(
      'invalid',
      `${of} cannot be used (${error instanceof Error ? error.message : String(error)}): name the cluster's own`,
    );
  }
}

/** The standby has none on purpose: its copy of the agent's pod holds no token. */
function withoutCredentials(role: Role): boolean {
  return role === 'standby';
}

/** Call it with the host lock held. Throws PortError: invalid, unsupported, unavailable, failed. */
export async function wire(around: Surroundings): Promise<Wired> {
  const { config, clock, log, meter, lock, place } = around;
  const anonymous = withoutCredentials(place.role);
  const kubernetesAccess = await apiAccess(config, around.env, clock, anonymous);
  const runtime = await connectRuntime(config);
  const primitives = countingPrimitives(meter);
  const mayWrite = (): boolean => lock.held();
  const store = await openStore({ dir: config.stateDir, mayWrite, primitives });
  const manifests = await openManifestDir({ dir: config.staticPodPath, mayWrite, uid: around.uid, primitives });
  const kubernetes = createKubernetes(kubernetesAccess, {
    nodeName: config.nodeName,
    version: around.version,
    clock,
    random: around.random,
    observer: around.observer,
  });
  const kubelet = createKubeletPods({ socket: config.podResourcesSocket });
  const podsDir = join(config.kubeletRootDir, 'pods');
  const { probe } = kubernetes;
  const fingerprint = kubernetes.reader.clusterFingerprint();
  const watch = anonymous ? blindWatch() : kubernetes.watch;
  const reader = anonymous ? deniedReader(await clusterOfStandby(store, fingerprint)) : kubernetes.reader;
  const where: Where = {
    node: config.nodeName,
    machineId: await firstLine(config.machineIdFile),
    cluster: reader.clusterFingerprint(),
    bootId: await firstLine(config.bootIdFile),
  };
  return {
    ports: {
      clock,
      watch,
      probe,
      reader,
      runtime,
      kubelet,
      kubeletVersion: createKubeletVersion({
        configured: parseKubeletVersion(config.kubeletVersion),
        rootDir: config.kubeletRootDir,
        podResourcesSocket: config.podResourcesSocket,
      }),
      volumes: createKubeletVolumes({ podsDir }),
      attempts: createContainerAttempts({ podsDir }),
      pulls: createPullRecords({ rootDir: config.kubeletRootDir, configFile: kubeletConfigFile(config)?.path ?? '' }),
      store,
      manifests,
      lock,
      processes: createProcesses(),
      log,
      meter,
    },
    settings: settingsOf(config, where, place),
    async close() {
      runtime.close();
      kubelet.close();
      await kubernetes.close();
    },
  };
}

/**
 * The standby trusts the CA as it was when it was captured, which may be a newer one than the other checkpoints were taken
 * under: theirs is written in its own record, which the same agent made.
 */
async function clusterOfStandby(store: Store, fingerprint: string): Promise<string> {
  const own = (await store.load()).filter(({ record, problem }) => record.self === true && problem === undefined);
  own.sort((a, b) => parseTime(b.record.capturedAt) - parseTime(a.record.capturedAt));
  return own[0]?.record.cluster ?? fingerprint;
}

function settingsOf(config: Config, where: Where, { role, own }: Place): AgentSettings {
  const { orphanGraceMs, stuckGraceMs, retireGraceMs, handBackTimeoutMs, minReadyMs, limits } = config;
  const ownUid = own === undefined ? {} : { ownUid: own.uid };
  return {
    where,
    optIn: [ANNOTATION_ENABLED, ...(config.legacyAnnotation === '' ? [] : [config.legacyAnnotation])],
    policy: { orphanGraceMs, stuckGraceMs, retireGraceMs, handBackTimeoutMs, minReadyMs, activeLimit: limits.active, role, ...ownUid },
    reachability: { ...config.unreachable, bootFastPath: config.bootFastPath },
    selection: {
      namespaces: config.namespaces,
      nodeName: config.nodeName,
      ...(role === 'daemonset' ? ownUid : {}),
      ...(config.legacyAnnotation === '' ? {} : { legacyAnnotation: config.legacyAnnotation }),
    },
    staticPodPath: config.staticPodPath,
    maxAgeMs: config.maxAgeMs,
    agentImage: config.agentImage,
    literalHostIp: config.literalHostIp,
    limits,
  };
}

/** One file written is one count, whatever the number of system calls. */
function countingPrimitives(meter: Meter): Primitives {
  const primitives = nodePrimitives();
  return {
    ...primitives,
    createFile: async (path, mode) => {
      meter.count('checkpointer_disk_writes_total');
      return primitives.createFile(path, mode);
    },
  };
}

/** A machine without the file (a minimal image) has no such id: an empty one is equal to itself on the next boot. */
async function firstLine(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n')[0]?.trim() ?? '';
}
