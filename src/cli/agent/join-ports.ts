/**
 * Joins a configuration and the adapters: everything the agent needs from the outside world, made once. What can be
 * judged without the lock is asked beforehand (`host-checks.ts`, and `checkApiAccess` of `connect.ts`). Opens the store
 * for writing only while the host lock is held.
 */

import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { createAddressFile } from '../../adapters/disk/address-file.ts';
import { openManifestDir } from '../../adapters/disk/manifest-dir.ts';
import { nodePrimitives, type Primitives } from '../../adapters/disk/primitives.ts';
import { openStore } from '../../adapters/disk/store.ts';
import { createContainerAttempts } from '../../adapters/kubelet/attempts.ts';
import { createKubeletProcess, nodeBootedAt } from '../../adapters/kubelet/life.ts';
import { createMachine } from '../../adapters/kubelet/machine.ts';
import { createKubeletPods } from '../../adapters/kubelet/podresources.ts';
import { createPullRecords } from '../../adapters/kubelet/pull-records.ts';
import { createKubeletVersion } from '../../adapters/kubelet/version.ts';
import { createKubeletVolumes } from '../../adapters/kubelet/volumes.ts';
import { blindWatch, createKubernetes, deniedReader } from '../../adapters/kubernetes/index.ts';
import { createProcesses } from '../../adapters/processes.ts';
import type { AgentSettings } from '../../agent/settings.ts';
import { type Config, kubeletConfigFile } from '../../core/config/config.ts';
import { parseKubeletVersion } from '../../core/kubelet/kubelet-version.ts';
import { ANNOTATION_ENABLED } from '../../core/model/keys.ts';
import type { Checkpoint } from '../../core/model/model.ts';
import { parseTime } from '../../core/model/time.ts';
import { keptPod } from '../../core/select/kept-pod.ts';
import type { SelectionPolicy } from '../../core/select/select.ts';
import type { Place } from '../../core/self/own.ts';
import type { Where } from '../../core/turn/observation.ts';
import type { ApiReader, ApiRequestObserver, Clock, HostLock, Log, Meter, Ports, Store } from '../../ports.ts';
import { connectRuntime, withoutCredentials } from '../connect.ts';
import { findApiAccess } from './credentials.ts';
import { joinRoom } from './join-room.ts';

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

export interface JoinedPorts {
  readonly ports: Ports;
  readonly settings: AgentSettings;
  /** One sentence while it goes without the credentials that it should have. */
  readonly lacking: string | undefined;
  close(): Promise<void>;
}

/** Call it with the host lock held. Throws PortError: invalid, unsupported, unavailable, failed. */
export async function joinPorts(around: Surroundings): Promise<JoinedPorts> {
  const { config, clock, log, meter, lock, place } = around;
  const { access: kubernetesAccess, lacking } = await findApiAccess({ config, env: around.env, clock, role: place.role });
  const anonymous = withoutCredentials(place.role) || lacking !== undefined;
  const runtime = await connectRuntime(config);
  const primitives = countingPrimitives(meter);
  const mayWrite = (): boolean => lock.held();
  // in a pod the node's directory is mounted where it is written: a link in that path is one of the image, not the node
  const hostDir = place.role === 'process' ? config.stateDir : (config.writtenStateDir ?? config.stateDir);
  const store = await openStore({ dir: config.stateDir, hostDir, mayWrite, primitives });
  const manifests = await openManifestDir({ dir: config.staticPodPath, mayWrite, uid: around.uid, primitives });
  const kubernetes = createKubernetes(kubernetesAccess, {
    nodeName: config.nodeName,
    version: around.version,
    clock,
    random: around.random,
    observer: around.observer,
    addresses: createAddressFile({ dir: config.stateDir, mayWrite, primitives }),
    kept: (pod) => keptPod(pod, selectionOf(config, place)),
  });
  const kubelet = createKubeletPods({ socket: config.podResourcesSocket });
  const { podResourcesSocket, kubeletRootDir: rootDir } = config;
  const kubeletProcess = createKubeletProcess({ rootDir, podResourcesSocket, bootedAt: nodeBootedAt });
  const podsDir = join(config.kubeletRootDir, 'pods');
  const { probe } = kubernetes;
  const watch = anonymous ? blindWatch() : kubernetes.watch;
  const machineId = await firstLine(config.machineIdFile);
  const mine = lacking === undefined ? isStandby : isOf(config.nodeName, machineId);
  const reader = anonymous ? await readerWithout(store, mine, kubernetes.reader) : kubernetes.reader;
  const where: Where = {
    node: config.nodeName,
    machineId,
    bootId: await firstLine(config.bootIdFile),
    // a rotation changes both while the agent runs
    get cluster() {
      return reader.clusterFingerprint();
    },
    get cas() {
      return reader.clusterCas();
    },
  };
  return {
    ports: {
      clock,
      watch,
      probe,
      reader,
      runtime,
      kubelet,
      kubeletProcess,
      kubeletVersion: createKubeletVersion({
        configured: parseKubeletVersion(config.kubeletVersion),
        rootDir: config.kubeletRootDir,
        podResourcesSocket: config.podResourcesSocket,
      }),
      machine: createMachine({ rootDir, configFile: kubeletConfigFile(config), imageFs: (deadlineMs) => runtime.imageFs(deadlineMs) }),
      volumes: createKubeletVolumes({ podsDir }),
      attempts: createContainerAttempts({ podsDir }),
      pulls: createPullRecords({ rootDir: config.kubeletRootDir, configFile: kubeletConfigFile(config)?.path ?? '' }),
      store,
      manifests,
      resources: joinRoom({ config, mayWrite, primitives }),
      lock,
      processes: createProcesses(),
      log,
      meter,
    },
    settings: { ...settingsOf(config, where, place), bootedAt: clock.now() - uptime() * 1000, random: around.random },
    lacking,
    async close() {
      runtime.close();
      kubelet.close();
      kubeletProcess.close();
      await kubernetes.close();
    },
  };
}

/**
 * The standby trusts the CA as it was when it was captured, which may be another than the other checkpoints know.
 * Theirs stands beside its own record, which the same agent made and stamped. An agent that lacks its credentials goes
 * by what was stored last on this node.
 */
async function readerWithout(store: Store, mine: (checkpoint: Checkpoint) => boolean, trusted: ApiReader): Promise<ApiReader> {
  const own = (await store.load()).filter((checkpoint) => checkpoint.problem === undefined && mine(checkpoint));
  own.sort((a, b) => parseTime(b.record.capturedAt) - parseTime(a.record.capturedAt));
  const cas = new Set([...(own[0]?.cas ?? []), ...trusted.clusterCas()]);
  return deniedReader(own[0]?.record.cluster ?? trusted.clusterFingerprint(), [...cas].sort());
}

function isStandby({ record }: Checkpoint): boolean {
  return record.self === true;
}

function isOf(node: string, machineId: string): (checkpoint: Checkpoint) => boolean {
  return ({ record }) => record.node.name === node && record.node.machineId === machineId;
}

function settingsOf(config: Config, where: Where, place: Place): AgentSettings {
  const { role, own } = place;
  const { limits } = config;
  const ownUid = own === undefined ? {} : { ownUid: own.uid };
  return {
    where,
    optIn: [ANNOTATION_ENABLED, ...(config.legacyAnnotation === '' ? [] : [config.legacyAnnotation])],
    policy: {
      orphanGraceMs: config.orphanGraceMs,
      stuckGraceMs: config.stuckGraceMs,
      kubeletBlindGraceMs: config.kubeletBlindGraceMs,
      endedGraceMs: config.endedGraceMs,
      retireGraceMs: config.retireGraceMs,
      handBackTimeoutMs: config.handBackTimeoutMs,
      minReadyMs: config.minReadyMs,
      activeLimit: limits.active,
      role,
      ...ownUid,
    },
    reachability: { ...config.unreachable, bootFastPath: config.bootFastPath },
    selection: selectionOf(config, place),
    staticPodPath: config.staticPodPath,
    maxAgeMs: config.maxAgeMs,
    agentImage: config.agentImage,
    literalHostIp: config.literalHostIp,
    limits,
  };
}

function selectionOf(config: Config, { role, own }: Place): SelectionPolicy {
  return {
    namespaces: config.namespaces,
    nodeName: config.nodeName,
    ...(role === 'daemonset' && own !== undefined ? { ownUid: own.uid } : {}),
    ...(config.legacyAnnotation === '' ? {} : { legacyAnnotation: config.legacyAnnotation }),
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
