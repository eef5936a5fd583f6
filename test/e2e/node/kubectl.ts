/** kubectl as the cluster's administrator, in a node's network. */
import { join } from 'node:path';
import type { Components } from '../components.ts';
import type { NodePaths } from './layout.ts';
import type { Machine } from './machine.ts';
import { type CommandResult, runAny } from './process.ts';

export type KubectlResult = CommandResult;
export type Kubectl = (args: readonly string[], stdin?: string) => Promise<KubectlResult>;

/** Makes a function that runs kubectl and throws when it fails, with what it said. */
export function createKubectl(components: Components, paths: NodePaths, machine: Machine): Kubectl {
  const program = [join(components.kubernetes, 'kubectl'), `--kubeconfig=${paths.adminKubeconfig}`, '--request-timeout=20s'];
  return async (args, stdin) => {
    const result = await runAny(machine.networkOnly([...program, ...args]), {
      env: { HOME: paths.state, PATH: '/usr/bin:/bin' },
      ...(stdin === undefined ? {} : { stdin }),
    });
    if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr.trim()}`);
    return result;
  };
}
