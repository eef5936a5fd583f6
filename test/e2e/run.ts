/**
 * Runs the end-to-end scenarios on real nodes, one node after the other. The only file here that exits the process. It
 * leaves nothing running and nothing behind, however it ends.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAgentLog } from './agent-log.ts';
import { OWN_TAINT, processInsteadOfRelease } from './chart-release.ts';
import { type KubeletLine, prepareAll, prepareComponents } from './components.ts';
import { mend } from './node/faults.ts';
import { sweepDeadRuns } from './node/leftovers.ts';
import { type Node, startNode } from './node/node.ts';
import { runAny } from './node/process.ts';
import { doneUnless, until } from './node/wait.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { printSummary, type ScenarioResult, say, writeJson } from './report.ts';
import { explain, groupsOf, runGroup } from './runner.ts';
import type { Memory, Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { ownManifests } from './status.ts';

type Down = Node['down'];

/** What a person would look at first after a failure, into the logs. */
async function diagnose(node: Node, scenario: string): Promise<void> {
  const parts: string[] = [];
  const add = async (title: string, read: () => Promise<string>) => {
    parts.push(`==== ${title}\n${await read().catch((error: unknown) => explain(error))}\n`);
  };
  await add('pods', async () => (await node.kubectl(['get', 'pods', '--all-namespaces', '--output=wide'])).stdout);
  await add('events', async () => (await node.kubectl(['get', 'events', '--all-namespaces'])).stdout);
  await add('runtime', async () => JSON.stringify(await node.cri.pods(), undefined, 1));
  await add('staticPodPath', async () => (await runAny(['ls', '-la', '--full-time', node.paths.manifests])).stdout);
  await add('state directory', async () => (await runAny(['ls', '-laR', node.paths.agentState])).stdout);
  await add('agent, last lines', async () =>
    readAgentLog(node.paths.agentLog)
      .slice(-30)
      .map((line) => JSON.stringify(line))
      .join('\n'),
  );
  writeFileSync(join(node.paths.logs, `diagnosis-${scenario.replaceAll('/', '-')}.txt`), parts.join('\n'));
}

/**
 * Brings a node in whatever state back to: nothing broken around the API server, power on, API server up, Ready, the agent
 * as it was before, no copy placed.
 */
async function recover(node: Node, withAgent: boolean, giveUp: () => Promise<void>): Promise<void> {
  await node.machine.stopDaemons('prober-');
  await mend(node);
  if (!node.machine.isOn()) await node.boot();
  await node.apiStart(); // once the control plane is on the node: etcd only
  await node.apiReady();
  await node.ready();
  await node.kubectl(['uncordon', node.name]);
  await node.kubectl(['taint', 'nodes', node.name, `${OWN_TAINT}-`]).catch(() => undefined); // most nodes have none
  if (withAgent && !node.agent.wanted()) await processInsteadOfRelease(node);
  await giveUp();
  if (node.agent.wanted()) await until('no copy placed', () => doneUnless(ownManifests(node).join(' ')), 120_000);
}

async function runOnNode(line: KubeletLine, options: Options, onDown: (down: Down | undefined) => void): Promise<ScenarioResult[]> {
  const components = await prepareComponents(line, say);
  const scenarios = options.scenariosOn(line);
  const settings = options.settingsOn(line);
  const results: ScenarioResult[] = [];
  let down: Down | undefined;
  const started = performance.now();
  say(`starting a node: Kubernetes ${components.kubernetesVersion}, containerd ${components.runtimeVersion}`);
  try {
    const node = await startNode({
      components,
      bundle: options.bundle,
      agentConfig: { retireGrace: `${settings.retireGraceMs / 1000}s` },
      onCreated: (created) => {
        down = created;
        onDown(created);
      },
    });
    say(`node Ready after ${((performance.now() - started) / 1000).toFixed(1)} s; its files are in ${node.paths.state}`);
    const memory: Memory = { inside: {}, foreign: [] };
    for (const group of groupsOf(scenarios, settings)) {
      const runnable = group.filter((scenario) => {
        const missing = scenario.needs.find((need) => results.some((result) => result.id === need && result.outcome !== 'passed'));
        if (missing === undefined) return true;
        say(`── ${scenario.id}: not run, because ${missing} did not pass`);
        results.push(notRun(scenario, line, `it needs ${missing}, which did not pass`));
        return false;
      });
      const withAgent = node.agent.wanted();
      const diagnoseNow = (id: string) => diagnose(node, id);
      const { results: ended, giveUp } = await runGroup(runnable, { node, settings, memory, say, diagnose: diagnoseNow });
      results.push(...ended);
      if (ended.some(({ outcome }) => outcome === 'failed')) await recover(node, withAgent, giveUp);
    }
    if (options.keep) await keepUntilInterrupted(node);
  } catch (error) {
    say(explain(error));
    const left = scenarios.filter((scenario) => !results.some((result) => result.id === scenario.id));
    results.push(...left.map((scenario) => notRun(scenario, line, explain(error))));
  } finally {
    await takeDown(line, options, results, down);
    onDown(undefined);
  }
  return results;
}

async function takeDown(line: KubeletLine, options: Options, results: ScenarioResult[], down: Down | undefined): Promise<void> {
  const failed = results.some((result) => result.outcome !== 'passed');
  const keepLogsIn =
    options.logs === undefined ? (failed ? mkdtempSync(join(tmpdir(), `e2e-logs-${line}-`)) : undefined) : join(options.logs, line);
  const started = performance.now();
  await down?.(keepLogsIn === undefined ? {} : { keepLogsIn });
  say(`node down, nothing left behind (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (keepLogsIn !== undefined) say(`logs: ${keepLogsIn}`);
}

function notRun(scenario: Scenario, line: KubeletLine, problem: string): ScenarioResult {
  return { kubelet: line, runtime: '', id: scenario.id, title: scenario.title, outcome: 'not run', seconds: 0, problem, figures: [] };
}

async function keepUntilInterrupted(node: Node): Promise<void> {
  say('the node stays until Ctrl-C; in another terminal:');
  say(`  nsenter --net=${node.machine.netns} ${node.components.kubernetes}/kubectl --kubeconfig ${node.paths.adminKubeconfig} get pods -A`);
  say(`  ${node.machine.inside(['sh']).join(' ')}`);
  await new Promise<never>(() => {
    setInterval(() => undefined, 60_000); // keeps the event loop alive
  });
}

function handleInterrupts(currentDown: () => Down | undefined): void {
  let interrupted = false;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (interrupted) process.exit(130); // the second time at once: every daemon dies with this process
      interrupted = true;
      say(`${name}: taking the node down`);
      const ended = currentDown()?.({}) ?? Promise.resolve();
      ended.then(
        () => process.exit(130),
        (error: unknown) => {
          say(explain(error));
          process.exit(130);
        },
      );
    });
  }
}

function mark({ onRequest, kubelet }: Scenario): string {
  return onRequest === true ? ' +' : kubelet.matters ? '' : ' 1';
}

async function build(): Promise<number> {
  try {
    await prepareAll(say);
    return 0;
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return 4;
  }
}

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args, SCENARIOS);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return 2;
  }
  if (options.help) process.stdout.write(HELP);
  if (options.list)
    process.stdout.write(SCENARIOS.map((scenario) => `${(scenario.id + mark(scenario)).padEnd(25)}  ${scenario.title}\n`).join(''));
  if (options.help || options.list) return 0;
  if (options.build) return await build();
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    process.stderr.write('The end-to-end tests start a real node: they need Linux and root.\n');
    return 4;
  }

  let down: Down | undefined;
  handleInterrupts(() => down);
  await sweepDeadRuns(say);
  const results: ScenarioResult[] = [];
  try {
    for (const line of options.kubelets) {
      results.push(
        ...(await runOnNode(line, options, (current) => {
          down = current;
        })),
      );
    }
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return 4;
  }
  printSummary(results);
  if (options.output !== undefined) writeJson(options.output, results);
  return results.every((result) => result.outcome === 'passed') ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
