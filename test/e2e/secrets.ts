/**
 * Have the parents' secrets slipped into anything that people or machines read? Looks through the agent's log (at its highest
 * level), metrics and status, what the commands print, every file name below its directories, and its bookkeeping.
 */
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Canary, type Evidence, findCanaries } from '../canary/search.ts';
import { ADDRESSES } from './node/layout.ts';
import type { Node } from './node/node.ts';
import type { Memory } from './scenario.ts';
import { NAMESPACE } from './workload.ts';

/** The text in the Secret's password, and the tokens as the parents saw them: payload and signature. */
function secretsOf(memory: Memory): readonly Canary[] {
  const tokens = Object.values(memory.inside)
    .flatMap((inside) => inside.files.filter((file) => file.path.endsWith('/token')))
    .flatMap((file) => Buffer.from(file.content, 'base64').toString('latin1').split('.').slice(1))
    .map((value) => ({ name: 'a token', value }));
  return [{ name: 'the password', value: 'correct-horse' }, ...tokens];
}

/** The search must find the password where that rightly is: in the captured files. Tokens there may be newer ones. */
function blindness(node: Node, canaries: readonly Canary[]): string {
  const captured = entriesBelow(node.paths.agentState)
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => path.includes('/files/'))
    .map((path) => ({ where: path, text: readIfThere(path) }));
  return findCanaries(canaries, captured).length > 0 ? '' : 'the password is not even found in the captured files';
}

function filesBelow(root: string): readonly Evidence[] {
  return entriesBelow(root).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    const name = { where: `the name ${path}`, text: path };
    // captured files hold secrets, and so may the manifests of pods that accept it; none of ours here does
    const ours = path.includes(`${NAMESPACE}_`) || /podckpt-e2e-|\/active\.json$/.test(path.slice(root.length));
    if (!entry.isFile() || path.includes('/files/') || !ours) return [name];
    return [name, { where: `the file ${path}`, text: readIfThere(path) }];
  });
}

/**
 * Everything below a directory, of those directories that are still there: while we look the agent writes new revisions and
 * removes old ones. `readdirSync` with `recursive` throws as soon as one of them is gone.
 */
export function entriesBelow(root: string): readonly Dirent[] {
  return readdirSync(root, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [entry];
    try {
      return [entry, ...entriesBelow(join(root, entry.name))];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [entry];
      throw error;
    }
  });
}

/** Old revisions go while we look. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** One sentence for everything found; empty: nothing was. */
export async function leakedSecrets(node: Node, memory: Memory): Promise<string> {
  const commands = [['status'], ['status', '--output', 'json'], ['verify', '--output', 'yaml']];
  const printed = await Promise.all(
    commands.map(async (args) => {
      const { stdout, stderr } = await node.agent.command(args);
      return { where: `what ${args.join(' ')} prints`, text: stdout + stderr };
    }),
  );
  const evidence: readonly Evidence[] = [
    { where: "the agent's log", text: readFileSync(node.paths.agentLog, 'latin1') },
    { where: 'the metrics', text: await node.agent.metrics() },
    { where: '/status', text: await node.fetch(`http://${ADDRESSES.agentMetrics}/status`) },
    ...printed,
    ...filesBelow(node.paths.agentState),
    ...filesBelow(node.paths.manifests),
  ];
  const canaries = secretsOf(memory);
  if (Object.keys(memory.inside).length > 0 && canaries.length < 3) return 'no token of the parents is known, so none can be looked for';
  return [blindness(node, canaries.slice(0, 1)), ...findCanaries(canaries, evidence)].filter((line) => line !== '').join('; ');
}
