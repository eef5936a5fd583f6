/**
 * Reads the records the kubelet keeps of its image pulls, and the policy that says what it makes of them. Only reads.
 *
 * A record is `<root-dir>/image_manager/pulled/sha256-<digest of the image's id>`
 * (pkg/kubelet/images/pullmanager/fs_pullrecords.go).
 */
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_PULL_POLICY, type PullPolicy } from '../../core/kubelet/kubelet-config.ts';
import { type FoundPullRecord, parsePullRecord } from '../../core/kubelet/pull-records.ts';
import { codeOf } from '../../core/model/errors.ts';
import { sha256 } from '../../core/model/manifest.ts';
import { PortError, type PullRecords } from '../../ports.ts';
import { readKubeletConfig } from './config-file.ts';

export interface PullRecordsOptions {
  /** Absolute path of the kubelet's root directory. */
  readonly rootDir: string;
  /** The kubelet's configuration file; '' where it must not be looked at. */
  readonly configFile: string;
}

/** A record of a thousand credentials is smaller. */
const MAX_BYTES = 1_048_576;

export function createPullRecords({ rootDir, configFile }: PullRecordsOptions): PullRecords {
  const dir = join(rootDir, 'image_manager', 'pulled');
  let read: { readonly version: string; readonly policy: PullPolicy } | undefined;

  async function find(imageId: string): Promise<FoundPullRecord> {
    const text = await readSmall(join(dir, `sha256-${sha256(imageId)}`));
    if (text === undefined) return (await exists(dir)) ? 'none' : 'off';
    const record = parsePullRecord(text);
    if (record === undefined) throw new PortError('invalid', `the kubelet's pull record of ${imageId} makes no sense`);
    return record;
  }

  /** Parsed again only when the file has changed. Where there is no file, the kubelet's default holds. */
  async function policy(): Promise<PullPolicy> {
    if (configFile === '') return DEFAULT_PULL_POLICY;
    const found = await stat(configFile, { bigint: true }).catch(() => undefined);
    if (found === undefined) return DEFAULT_PULL_POLICY;
    const version = `${found.ino} ${found.size} ${found.mtimeNs}`;
    if (read?.version !== version) read = { version, policy: (await readKubeletConfig(configFile)).pullPolicy };
    return read.policy;
  }

  return { find, policy };
}

/** undefined: there is no such file. Throws PortError: denied, invalid, failed. */
async function readSmall(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile() || found.size > MAX_BYTES) throw new PortError('invalid', `${path} is no pull record`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof PortError) throw error;
    if (isMissing(error)) return undefined;
    throw failed(path, error);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw failed(path, error);
  }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
}

function failed(path: string, error: unknown): PortError {
  const code = codeOf(error);
  const denied = code === 'EACCES' || code === 'EPERM';
  return new PortError(denied ? 'denied' : 'failed', `${path} cannot be read (${code ?? 'unknown cause'})`, { cause: error });
}
