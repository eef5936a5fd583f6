/**
 * Stands for another node of the cluster, which this one does not have: runs the pods of Jobs that the scheduler has no node
 * for, as processes of the program under test, with the rights of their account, and says in their status how they ended.
 * Nothing else of that node exists: no kubelet, and no pod of a DaemonSet.
 */
import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_BUNDLE } from './node/agent.ts';
import type { Node } from './node/node.ts';
import { kubeconfig } from './node/pki.ts';
import { runAny } from './node/process.ts';
import { messageOf } from './node/wait.ts';

interface JobPod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly ownerReferences?: readonly { readonly kind: string }[] };
  readonly spec: {
    readonly nodeName?: string;
    readonly serviceAccountName: string;
    readonly containers: readonly { readonly name: string; readonly args: readonly string[] }[];
  };
  readonly status: { readonly phase: string };
}

export interface Elsewhere {
  /** Everything the pods printed so far. */
  said(): string;
  /** What went wrong with one of them; undefined: nothing. */
  problem(): string | undefined;
}

const LOOK_EVERY_MS = 500;

/** Runs them until `work` has ended, and gives what it gives. */
export async function withJobsElsewhere<T>(node: Node, work: (elsewhere: Elsewhere) => Promise<T>): Promise<T> {
  const taken = new Set<string>();
  let said = '';
  let problem: string | undefined;
  let over = false;

  async function look(): Promise<void> {
    const { stdout } = await node.kubectl(['get', 'pods', '--all-namespaces', '--output=json']);
    for (const pod of (JSON.parse(stdout) as { items: JobPod[] }).items) {
      const { name, ownerReferences = [] } = pod.metadata;
      if (pod.status.phase !== 'Pending' || pod.spec.nodeName !== undefined || taken.has(name)) continue;
      if (!ownerReferences.some(({ kind }) => kind === 'Job')) continue;
      taken.add(name);
      said += await runPod(node, pod);
    }
  }
  const running = (async () => {
    while (!over) {
      await look().catch((error: unknown) => {
        problem = messageOf(error);
      });
      await delay(LOOK_EVERY_MS);
    }
  })();
  try {
    return await work({ said: () => said, problem: () => problem });
  } finally {
    over = true;
    await running;
  }
}

async function runPod(node: Node, { metadata, spec }: JobPod): Promise<string> {
  const { name, namespace } = metadata;
  const [container] = spec.containers;
  const { stdout: token } = await node.kubectl(['create', 'token', spec.serviceAccountName, `--namespace=${namespace}`]);
  const access = join(node.paths.state, `${name}.kubeconfig`);
  writeFileSync(access, kubeconfig(node.paths, { token: token.trim() }), { mode: 0o600 });
  const args = (container?.args ?? []).filter((arg) => !arg.startsWith('--config='));
  const argv = [realpathSync(process.execPath), DEFAULT_BUNDLE, ...args, `--kubeconfig=${access}`];
  const ended = await runAny(node.machine.networkOnly(argv), { env: { PATH: '/usr/bin:/bin', HOME: node.paths.state }, limitMs: 290_000 });
  const terminated = { exitCode: ended.code, reason: ended.code === 0 ? 'Completed' : 'Error' };
  const containerStatuses = [{ name: container?.name, image: '', imageID: '', ready: false, restartCount: 0, state: { terminated } }];
  const patch = { status: { phase: ended.code === 0 ? 'Succeeded' : 'Failed', containerStatuses } };
  await node.kubectl([
    'patch',
    `pod/${name}`,
    `--namespace=${namespace}`,
    '--subresource=status',
    '--type=merge',
    `--patch=${JSON.stringify(patch)}`,
  ]);
  return `${ended.stdout}${ended.stderr}`;
}
