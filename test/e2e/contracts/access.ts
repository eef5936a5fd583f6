/** Ways to the node's API server, as the product's own adapter takes them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiAccess, loadApiAccess } from '../../../src/adapters/kubernetes/index.ts';
import { realClock } from '../../adapters/kubernetes/rig.ts';
import type { Subject } from './subject.ts';

export function accessBy(kubeconfig: string): Promise<ApiAccess> {
  return loadApiAccess({
    kubeconfig,
    apiEndpoints: [],
    inCluster: { tokenFile: '', caFile: '' },
    readFile: (path) => readFile(path, 'utf8'),
    clock: realClock,
  });
}

/** The agent's kubeconfig with a token that nobody gave out. */
export function strangersKubeconfig({ paths }: Subject): string {
  const config = JSON.parse(readFileSync(paths.agentKubeconfig, 'utf8')) as { users: { user: unknown }[] };
  const users = config.users.map((entry) => ({ ...entry, user: { token: 'nobody' } }));
  const file = join(paths.run, 'stranger.kubeconfig');
  writeFileSync(file, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return file;
}
