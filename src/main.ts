/**
 * The process: arguments, environment, streams and signals come in here and nowhere else, and only here does it end.
 */
import { readFile } from 'node:fs/promises';
import { runCli } from './cli/args.ts';
import { EXIT } from './cli/command.ts';
import { createCommands } from './cli/commands.ts';

/** Set by the build from package.json. */
declare const POD_CHECKPOINTER_VERSION: string;

function main(): void {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  // a reader that went away (`status | head`) is no error of ours
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.unreachable));
  const commands = createCommands({
    version: POD_CHECKPOINTER_VERSION,
    nodeVersion: process.version,
    uid: process.getuid?.() ?? 0,
    random: Math.random,
    signal: stop.signal,
    bundle: process.argv[1] ?? '',
    execPath: process.execPath,
  });
  const io = { stdout: process.stdout, stderr: process.stderr, env: process.env, readFile: (path: string) => readFile(path, 'utf8') };
  runCli(process.argv.slice(2), { commands, io }).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      process.stderr.write(`pod-checkpointer: a mistake of the program itself: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(EXIT.problem);
    },
  );
}

main();
