/**
 * What the agent's adapters rely on, held against the real programs: the suites that every change runs against the
 * stand-ins, here against this node's containerd, kubelet and API server. They are killed and frozen on the way.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveControl } from '../contracts/control.ts';
import { SUBJECT_VARIABLE, type Subject } from '../contracts/subject.ts';
import type { Node } from '../node/node.ts';
import { doneUnless, until } from '../node/wait.ts';
import { check, dependsOnKubelet, given, type Scenario, type World } from '../scenario.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');
const CONTRACTS = join(import.meta.dirname, '..', 'contracts');
/** Ten times what the longest takes. */
const SUITE_LIMIT_MS = 240_000;

/** Excerpt of what vitest's JSON reporter writes. */
interface Report {
  readonly success: boolean;
  readonly numTotalTests: number;
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly title: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

function complaintOf(report: Report): string | undefined {
  const rows = report.testResults.flatMap((file) => file.assertionResults);
  const lines = rows
    .filter(({ status }) => status !== 'passed')
    .map(({ title, status, failureMessages }) => `${title}: ${status} ${failureMessages?.[0]?.slice(0, 600) ?? ''}`);
  if (lines.length > 0) return lines.join('\n');
  if (rows.length === 0) return `no test ran\n${report.testResults.map(({ message }) => message).join('\n')}`;
  return report.success ? undefined : `${report.numPassedTests} of ${report.numTotalTests} passed`;
}

/** Runs one suite in a process of its own, in the node's network; throws what did not hold. Leaves the programs running. */
async function keepsContract({ node, figure }: World, suite: string): Promise<void> {
  const at = (name: string) => join(node.paths.run, name);
  const [subjectFile, reportFile, controlSocket] = [at('subject.json'), at('report.json'), at('control.sock')];
  const subject: Subject = {
    nodeName: node.name,
    runtime: node.components.runtimeVersion,
    kubernetes: node.components.kubernetesVersion,
    oldContainerd: node.components.oldContainerd,
    paths: node.paths,
    controlSocket,
  };
  writeFileSync(subjectFile, JSON.stringify(subject));
  rmSync(reportFile, { force: true });
  const control = await serveControl(node, controlSocket);
  const name = `contract-${suite}`;
  try {
    const vitest = [process.execPath, join(REPOSITORY, 'node_modules', 'vitest', 'vitest.mjs'), 'run', `${suite}.test.ts`];
    const reporting = ['--reporter=default', '--reporter=json', `--outputFile=${reportFile}`];
    const running = await node.machine.daemon('network', {
      name,
      argv: [...vitest, '--config', join(CONTRACTS, 'vitest.config.ts'), ...reporting],
      cwd: REPOSITORY,
      env: { [SUBJECT_VARIABLE]: subjectFile },
    });
    await until(`the end of ${name}`, () => doneUnless(running.alive() ? `it runs; see ${name}.log` : undefined), SUITE_LIMIT_MS);
    if (!existsSync(reportFile)) throw new Error(`vitest gave no report; see ${name}.log`);
    const report = JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
    const complaint = complaintOf(report);
    if (complaint !== undefined) throw new Error(complaint);
    figure(`${suite}: rows that hold`, report.numPassedTests, 'count');
  } finally {
    await node.machine.stopDaemons(name);
    await control.close();
    await asItWas(node);
  }
}

/** Whatever a test that was cut short has left frozen or dead. */
async function asItWas(node: Node): Promise<void> {
  for (const program of [node.containerd, node.kubelet]) {
    program.thaw();
    await program.start();
  }
  await node.apiStart();
  await node.apiReady();
}

export const contracts: Scenario = {
  id: 'contracts',
  title: 'The real containerd, kubelet and API server do what the adapters rely on',
  needs: [],
  kubelet: dependsOnKubelet('asks the runtime and the kubelet themselves'),
  steps: () => [
    given('the agent has its account', ({ node }) => node.agent.makeAccount()),
    check('containerd keeps the contract of ContainerRuntime', (world) => keepsContract(world, 'cri')),
    check('the kubelet keeps the contract of KubeletPods', (world) => keepsContract(world, 'podresources')),
    check('the API server keeps the contract of the Kubernetes adapter', (world) => keepsContract(world, 'kubernetes')),
    check('and that of the uninstall', (world) => keepsContract(world, 'uninstall')),
    check('the node is Ready again', ({ node }) => node.ready()),
  ],
};
