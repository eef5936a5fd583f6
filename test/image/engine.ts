/**
 * A Docker engine for the image tests: the one that answers, or our own `dockerd`, in its own directories and on its own
 * socket, without a bridge and without a firewall rule. Ends only what it started, and leaves no mount and no file.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { done, never, notYet, until } from '../e2e/node/wait.ts';

export interface Engine {
  /** As in DOCKER_HOST; undefined: wherever the client looks by itself. */
  readonly host: string | undefined;
  stop(): Promise<void>;
}

/** Why the tests cannot run here, in one sentence; undefined when they can. */
export function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'the image tests need root: they look at processes inside containers, and mount files of root';
  if (spawnSync('docker', ['--version']).status !== 0) return 'there is no docker client: install docker.io (test/e2e/install.sh)';
  if (engineAnswers() || dockerd() !== undefined) return undefined;
  return 'no Docker engine answers, and there is no dockerd to start: install docker.io (test/e2e/install.sh)';
}

export async function findOrStartEngine(): Promise<Engine> {
  return engineAnswers() ? { host: process.env['DOCKER_HOST'], stop: async () => undefined } : await startEngine();
}

/** Output of one command of the client, with both streams together; its exit code is for who wants it. */
export function docker(...args: readonly string[]): { readonly code: number; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('docker', [...args], { encoding: 'utf8' });
  return { code: status ?? -1, said: `${stdout ?? ''}${stderr ?? ''}` };
}

function engineAnswers(host?: string): boolean {
  const env = host === undefined ? process.env : { ...process.env, DOCKER_HOST: host };
  return spawnSync('docker', ['version'], { env, stdio: 'ignore', timeout: 10_000 }).status === 0;
}

function dockerd(): string | undefined {
  return ['/usr/bin/dockerd', '/usr/sbin/dockerd', '/usr/local/bin/dockerd'].find((path) => existsSync(path));
}

async function startEngine(): Promise<Engine> {
  const dir = mkdtempSync(join(tmpdir(), 'pod-checkpointer-engine-'));
  const host = `unix://${dir}/docker.sock`;
  const logFile = join(dir, 'log');
  const log = openSync(logFile, 'a');
  const directories = ['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec'), '--pidfile', join(dir, 'pid'), '--host', host];
  const network = ['--bridge=none', '--iptables=false', '--ip6tables=false'];
  // it dies with the tests, however those end (PR_SET_PDEATHSIG)
  const argv = ['--pdeathsig', 'TERM', dockerd() ?? 'dockerd', ...directories, ...network];
  const child = spawn('setpriv', argv, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  try {
    await until(
      'a Docker engine of our own',
      () => {
        if (hasEnded(child)) return never(`dockerd ended; its last words: ${readFileSync(logFile, 'utf8').slice(-1000)}`);
        return engineAnswers(host) ? done() : notYet('no answer on its socket');
      },
      60_000,
    );
  } catch (error) {
    await stopEngine(child, dir, host);
    throw error;
  }
  return { host, stop: async () => await stopEngine(child, dir, host) };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function stopEngine(child: ChildProcess, dir: string, host: string): Promise<void> {
  if (!hasEnded(child)) {
    const left = docker('--host', host, 'ps', '--all', '--quiet')
      .said.split('\n')
      .filter((id) => /^[0-9a-f]+$/.test(id));
    if (left.length > 0) docker('--host', host, 'rm', '--force', ...left);
    child.kill('SIGTERM');
    await until('the end of dockerd', () => (hasEnded(child) ? done() : notYet('it runs')), 30_000);
  }
  for (const mount of mountsBelow(dir)) spawnSync('umount', ['--lazy', mount]);
  rmSync(dir, { recursive: true, force: true });
}

/** The innermost first. */
function mountsBelow(dir: string): readonly string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${dir}/`))
    .reverse();
}
