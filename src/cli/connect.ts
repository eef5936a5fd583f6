/**
 * How commands reach the container runtime and the API server, and what can be said of either before anything is begun.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CRI_SOCKETS, findCriSocket } from '../adapters/cri/find-socket.ts';
import { createContainerRuntime } from '../adapters/cri/runtime.ts';
import { type ApiAccess, type ApiAccessOptions, caFingerprint, loadApiAccess } from '../adapters/kubernetes/index.ts';
import type { Config } from '../core/config/config.ts';
import { messageOf } from '../core/model/errors.ts';
import type { Role } from '../core/turn/policy.ts';
import { type Clock, type ContainerRuntime, type Log, PortError, type PortErrorKind } from '../ports.ts';

/** Environment variables, as the process was given them. */
export type Environment = Readonly<Record<string, string | undefined>>;

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

/**
 * A runtime that is not there yet will come. One that is too old, or is no runtime at all, never
 * will: throws PortError.
 */
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
export function apiAccess(config: Config, env: Environment, clock: Clock, anonymous = false): Promise<ApiAccess> {
  return loadApiAccess({ ...accessOptions(config, env, clock), anonymous });
}

export function accessOptions(config: Config, env: Environment, clock: Clock): ApiAccessOptions {
  return {
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
  };
}

/**
 * Could the API server be reached with this, if it answers? Files and fields only, so that a waiting agent says what is
 * wrong with them now and not when it takes over. They are read anew then: by that time the CA may be another. Throws
 * PortError.
 */
export async function checkApiAccess(config: Config, env: Environment, clock: Clock, role: Role): Promise<ApiAccess> {
  const access = await apiAccess(config, env, clock, withoutCredentials(role));
  const of = config.kubeconfig === '' ? "the service account's CA" : `the CA of kubeconfig ${config.kubeconfig}`;
  try {
    caFingerprint(access.ca);
    return access;
  } catch (error) {
    throw new PortError('invalid', `${of} cannot be used (${messageOf(error)}): name the cluster's own`);
  }
}

/** The standby has none on purpose: its copy of the agent's pod holds no token. */
export function withoutCredentials(role: Role): boolean {
  return role === 'standby';
}
