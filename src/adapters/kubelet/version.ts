/**
 * Looks for local evidence of the kubelet's version: which of its sockets answer. Connects and says nothing; judges
 * nothing itself (`core/kubelet/kubelet-version.ts` does).
 */
import { lstat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { kubeletLowerBound } from '../../core/kubelet/kubelet-version.ts';
import { type KubeletVersion, PortError } from '../../ports.ts';

export interface KubeletVersionOptions {
  /** The minor version somebody has set; undefined: look. */
  readonly configured: number | undefined;
  readonly rootDir: string;
  readonly podResourcesSocket: string;
}

const LIMIT_MS = 1_000;

export function createKubeletVersion({ configured, rootDir, podResourcesSocket }: KubeletVersionOptions): KubeletVersion {
  const podsApi = join(rootDir, 'pods-api', 'pods-api.sock');
  return {
    async atLeast() {
      if (configured !== undefined) return configured;
      // almost every kubelet of today is decided by this one look
      const there = await lstat(podsApi).catch(() => undefined);
      const answers = there?.isSocket() === true && (await answering(podsApi));
      const running = answers || (await answering(podResourcesSocket));
      const bound = kubeletLowerBound({ podsApi: answers ? 'answers' : there === undefined ? 'absent' : 'silent', running });
      if (bound === 'not-yet')
        throw new PortError('unavailable', 'the kubelet is not running, so its version cannot be told; set kubeletVersion to tell it');
      return bound;
    },
  };
}

function answering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(LIMIT_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
