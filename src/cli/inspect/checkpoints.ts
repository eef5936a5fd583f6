/**
 * What `status` and `verify` know: the store on the disk, read without the lock and without changing anything, and,
 * where an agent runs on this node, its own word on why each checkpoint is where it is.
 */

import { request } from 'node:http';
import { openManifestDir } from '../../adapters/disk/manifest-dir.ts';
import { openStore } from '../../adapters/disk/store.ts';
import type { AgentStatus } from '../../agent/status.ts';
import type { Config } from '../../core/config/config.ts';
import { findApiReferences } from '../../core/copy/api-references.ts';
import { decodeManifest } from '../../core/model/manifest.ts';
import type { Checkpoint, Ledger } from '../../core/model/model.ts';

export interface StoredCheckpoints {
  readonly checkpoints: readonly Checkpoint[];
  readonly ledger: Ledger;
}

/** Reads the store. Throws PortError: unsupported (newer format), invalid, failed. */
export async function readStore(config: Config): Promise<StoredCheckpoints> {
  const store = await openStore({ dir: config.stateDir, mayWrite: () => false });
  return { checkpoints: await store.load(), ledger: await store.readLedger() };
}

/** Names and digests in staticPodPath. Throws PortError. */
export async function readManifests(config: Config, uid: number): Promise<ReadonlyMap<string, string | undefined>> {
  const directory = await openManifestDir({ dir: config.staticPodPath, mayWrite: () => false, uid });
  return new Map((await directory.list()).map((entry) => [entry.file, entry.digest]));
}

const ASK_DEADLINE_MS = 1_000;

/** The running agent's own view; undefined where none answers. Never throws. */
export async function askAgent(config: Config): Promise<AgentStatus | undefined> {
  const { address } = config.metrics;
  if (address === undefined) return undefined;
  return new Promise((resolve) => {
    const call = request({ host: address.host, port: address.port, path: '/status', timeout: ASK_DEADLINE_MS }, (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => {
        text += chunk;
      });
      reply.on('end', () => resolve(parseStatus(text)));
      reply.on('error', () => resolve(undefined));
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(undefined));
    call.end();
  });
}

function parseStatus(text: string): AgentStatus | undefined {
  try {
    const status: unknown = JSON.parse(text);
    return typeof status === 'object' && status !== null && 'checkpoints' in status ? (status as AgentStatus) : undefined;
  } catch {
    return undefined;
  }
}

/** Everything wrong with a stored checkpoint, in words; empty: it could start. Bytes were checked when it was read. */
export function problemsOf(checkpoint: Checkpoint): readonly string[] {
  if (checkpoint.problem !== undefined) return [checkpoint.problem];
  const decoded = decodeManifest(checkpoint.manifest);
  if (!decoded.ok) return [`pod.json: ${decoded.problem}`];
  return findApiReferences(decoded.manifest).map((reference) => `pod.json: the kubelet would refuse ${reference}`);
}
