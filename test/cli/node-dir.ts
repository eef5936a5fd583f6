/** What tests of the commands share: a directory laid out as a node has it, a runtime, and the built program run against both. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { BUNDLE } from '../../deploy/bundle.ts';
import { createClock } from '../../src/adapters/clock.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { createDemoRuntime } from '../../src/demo/runtime/runtime.ts';
import type { DemoRuntime } from '../../src/demo/runtime/runtime-types.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface NodeDir {
  path(name?: string): string;
  /** To its end. */
  run(...args: string[]): Promise<Outcome>;
  /** Until the test is over. `said` is told what it prints. */
  start(args: readonly string[], said?: (text: string) => void): ChildProcess & { readonly stdout: NodeJS.ReadableStream };
  /** Ends with the test. */
  owned<T extends ChildProcess>(child: T): T;
  /** HTTP status of a path at the configured address; undefined: nobody answers. */
  status(path: string): Promise<number | undefined>;
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
}

/** One for every test of the file; `more` is added to the configuration. */
export function nodeDir(prefix: string, more: (path: NodeDir['path']) => Readonly<Record<string, unknown>> = () => ({})): NodeDir {
  let dir: string;
  let runtime: DemoRuntime;
  let port: number;
  const children: ChildProcess[] = [];
  const path = (name = ''): string => join(dir, name);

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), prefix));
    await mkdir(path('manifests'));
    await mkdir(path('state'), { mode: 0o700 });
    runtime = createDemoRuntime({ socket: path('runtime.sock'), clock: createClock(), random: () => 0.5 });
    await runtime.start();
    port = await freePort();
    const config = {
      nodeName: 'n1',
      stateDir: path('state'),
      staticPodPath: path('manifests'),
      criSocket: path('runtime.sock'),
      allowTmpfs: true,
      metrics: { address: `127.0.0.1:${port}` },
      ...more(path),
    };
    await writeFile(path('agent.yaml'), JSON.stringify(config));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await runtime.stop();
    await rm(dir, { recursive: true, force: true });
  });

  function owned<T extends ChildProcess>(child: T): T {
    children.push(child);
    return child;
  }

  return {
    path,
    owned,
    run: (...args) =>
      new Promise((resolve) => {
        execFile(process.execPath, [BUNDLE, ...args, '--config', path('agent.yaml')], { timeout: 18_000 }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
        });
      }),
    start: (args, said = () => undefined) => {
      const child = owned(
        spawn(process.execPath, [BUNDLE, ...args, '--config', path('agent.yaml')], { stdio: ['ignore', 'pipe', 'inherit'] }),
      );
      child.stdout.on('data', (chunk: Buffer) => said(chunk.toString()));
      return child;
    },
    status: (at) =>
      new Promise((resolve) => {
        const call = request({ host: '127.0.0.1', port, path: at }, (reply) => {
          reply.resume();
          resolve(reply.statusCode);
        });
        call.on('error', () => resolve(undefined));
        call.end();
      }),
    until: async (condition) => {
      while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
    },
  };
}
