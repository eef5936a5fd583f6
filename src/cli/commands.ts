/** Every command there is, in the order of the help. */

import { runAgent } from './agent/agent.ts';
import { asUsage } from './as-usage.ts';
import { type Command, EXIT } from './command.ts';
import { demoCommand } from './demo.ts';
import { statusCommand } from './inspect/status-command.ts';
import { verifyCommand } from './inspect/verify-command.ts';
import { formatJson, formatYaml } from './output.ts';
import type { Program } from './program.ts';
import { renderCommand } from './render/render.ts';
import { cleanupCommand, uninstallCommand } from './uninstall/cleanup-commands.ts';

export function createCommands(program: Program): readonly Command[] {
  return [
    agentCommand(program),
    statusCommand(program),
    renderCommand(),
    verifyCommand(),
    cleanupCommand(program),
    uninstallCommand(program),
    demoCommand(program),
    versionCommand(program),
  ];
}

function agentCommand(program: Program): Command {
  return {
    name: 'agent',
    summary: 'Run the node agent: keep checkpoints, start copies when the API server is gone, hand back when it returns.',
    flags: [],
    configured: true,
    required: ['nodeName'],
    run: async (context) => {
      const config = await context.config();
      await asUsage(() => runAgent({ ...program, config, env: context.io.env, logTo: 1 }));
      return EXIT.done;
    },
  };
}

/** The on-disk format this program writes; a newer one is refused untouched. */
const FORMAT = 1;

function versionCommand(program: Program): Command {
  return {
    name: 'version',
    summary: 'Print the version of the program, of its on-disk format and of Node.js.',
    flags: [],
    lists: true,
    run: async (context) => {
      const data = { version: program.version, formatVersion: FORMAT, nodeVersion: program.nodeVersion };
      const text =
        context.output === 'json'
          ? formatJson(data)
          : context.output === 'yaml'
            ? await formatYaml(data)
            : `pod-checkpointer ${data.version} (on-disk format ${data.formatVersion}, Node.js ${data.nodeVersion})\n`;
      context.io.stdout.write(text);
      return EXIT.done;
    },
  };
}
