/**
 * What is asked of the host before anything on it is changed: paths, the kubelet's own word on them, and the format of
 * what is stored. Looking and preparing are apart, so that an agent that cannot start leaves the host as it was.
 */
import { access, constants, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { findCriSocket } from '../../adapters/cri/find-socket.ts';
import { checkFormat } from '../../adapters/disk/format.ts';
import { nodePrimitives } from '../../adapters/disk/primitives.ts';
import { inspectStateDir, prepareStateDir } from '../../adapters/disk/state-dir.ts';
import { volatileAt } from '../../adapters/disk/volatile.ts';
import { readKubeletConfig } from '../../adapters/kubelet/config-file.ts';
import { type Config, kubeletConfigFile } from '../../core/config/config.ts';
import { criSocketProblem, type KubeletSettings, runtimeSocket, staticPodProblem } from '../../core/kubelet/kubelet-config.ts';
import { PortError } from '../../ports.ts';

/**
 * Paths, what the kubelet says of them, and the format of what is stored. Before the lock, and only read. Throws
 * PortError.
 */
export async function inspectHost(config: Config, uid: number): Promise<void> {
  await checkPaths(config);
  await checkCriSocket(config);
  await checkStays(config);
  await checkMachineId(config.machineIdFile);
  const found = await inspectStateDir(stateDirOf(config, uid));
  if (found !== 'absent') await checkFormat(config.stateDir);
}

/** The one thing that is changed before the lock is held, which lies in it. Throws PortError. */
export async function prepareHost(config: Config, uid: number): Promise<void> {
  await prepareStateDir({ ...stateDirOf(config, uid), primitives: nodePrimitives() });
}

/**
 * For a cleanup, which wants the lock before it judges what is stored: where that is of a newer format, a pod of the
 * uninstall stays, and says so. Throws PortError.
 */
export async function checkHost(config: Config, uid: number): Promise<void> {
  await checkPaths(config);
  await prepareHost(config, uid);
}

function stateDirOf(config: Config, uid: number): { readonly dir: string; readonly uid: number; readonly allowTmpfs: boolean } {
  return { dir: config.stateDir, uid, allowTmpfs: config.allowTmpfs };
}

async function checkPaths(config: Config): Promise<void> {
  await checkKubelet(config);
  await checkStaticPodPath(config.staticPodPath);
}

/** Without a directory that we may write to the agent would run, and never place a copy. */
async function checkStaticPodPath(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') {
      throw new PortError(
        'invalid',
        `staticPodPath ${path} does not exist: create it and set staticPodPath in the kubelet's configuration to it, or name the directory the kubelet uses`,
        { cause: error },
      );
    }
    const why = code === 'ENOTDIR' ? 'lies below something that is no directory' : `cannot be looked at (${code ?? 'unknown cause'})`;
    throw new PortError('invalid', `staticPodPath ${path} ${why}: name the directory that the kubelet reads static pods from`, {
      cause: error,
    });
  });
  if (!found.isDirectory()) {
    const kind = found.isFile() ? 'a file, not a directory' : 'no directory';
    throw new PortError('invalid', `staticPodPath ${path} is ${kind}: name the directory that the kubelet reads static pods from`);
  }
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw new PortError('invalid', `staticPodPath ${path} cannot be written: mount it read-write, or run as root`, { cause: error });
  });
}

/** What lies in memory only, the standby's manifest among it, is not there when it is needed. */
async function checkStays({ staticPodPath, allowTmpfs }: Config): Promise<void> {
  const kind = allowTmpfs ? undefined : await volatileAt(staticPodPath).catch(() => undefined);
  if (kind === undefined) return;
  throw new PortError(
    'invalid',
    `staticPodPath ${staticPodPath} is on ${kind}, which a reboot empties, so that nothing would bring this node back: name a directory on a disk, in the kubelet's configuration too`,
  );
}

/** systemd's word on an image that has never been booted to its end: under it all such machines were one. */
async function checkMachineId(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (text.split('\n')[0]?.trim() !== 'uninitialized') return;
  throw new PortError(
    'invalid',
    `machineIdFile ${path} says "uninitialized": this machine has no id yet, and what is stored under that word is every machine's; let its first boot finish, or run systemd-machine-id-setup --commit`,
  );
}

/** A manifest in a directory that the kubelet does not read is no copy: better no agent than one that seems to work. */
async function checkKubelet(config: Config): Promise<void> {
  const found = await kubeletOf(config);
  if (found === undefined) return;
  const { file, settings } = found;
  const path = resolve(dirname(file), settings.staticPodPath);
  const problem = staticPodProblem({
    ours: { path: config.staticPodPath, real: await real(config.staticPodPath) },
    kubelet: { file, settings, path, real: await real(path) },
  });
  if (problem !== undefined) throw new PortError('invalid', problem);
}

/** To a runtime that runs none of this node's pods every parent seems to be gone. */
async function checkCriSocket(config: Config): Promise<void> {
  const found = await kubeletOf(config);
  const path = found === undefined ? undefined : runtimeSocket(found.settings);
  const ours = config.criSocket !== '' ? config.criSocket : await findCriSocket();
  if (found === undefined || path === undefined || ours === undefined || (await isOther(ours))) return;
  const problem = criSocketProblem({
    ours: { path: ours, real: await real(ours) },
    kubelet: { file: found.file, path, real: await real(path) },
  });
  if (problem !== undefined) throw new PortError('invalid', problem);
}

/** The kubelet's configuration file and what it says; undefined: it is not known. Throws PortError. */
async function kubeletOf(config: Config): Promise<{ readonly file: string; readonly settings: KubeletSettings } | undefined> {
  const file = kubeletConfigFile(config);
  if (file === undefined) return undefined;
  const settings = await readKubeletConfig(file.path).catch((error: unknown) => {
    if (file.sure) throw error;
    return undefined;
  });
  return settings === undefined ? undefined : { file: file.path, settings };
}

/** It is there, and no socket: that is told by whoever connects. */
async function isOther(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => !found.isSocket(),
    () => false,
  );
}

function real(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}
