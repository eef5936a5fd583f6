/**
 * Starting and ending processes. Every one started here dies with this program, however that ends (PR_SET_PDEATHSIG),
 * inherits no file descriptor but its own three, and gets no terminal signal. Nothing is ever signalled by name.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { done, never, notYet, until } from './wait.ts';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly stdin?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds, then SIGKILL. */
  readonly limitMs?: number;
}

/** Runs a command to its end, whatever its exit code. Throws if it cannot be started or overruns its limit. */
export async function runAny(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file, ...args] = argv;
  if (file === undefined) throw new Error('runAny: no command');
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', () => undefined); // the command need not read what we offer
  child.stdin.end(options.stdin ?? '');
  let overrun = false;
  const limitMs = options.limitMs ?? 60_000;
  const timer = setTimeout(() => {
    overrun = true;
    child.kill('SIGKILL');
  }, limitMs);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (overrun) throw new Error(`${shown(argv)}: killed after ${limitMs / 1000} s`);
    return { code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
  } catch (error) {
    throw new Error(`running ${shown(argv)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a command that must succeed and gives its standard output. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runAny(argv, options);
  if (result.code !== 0) throw new Error(`${shown(argv)}: exit ${result.code}: ${(result.stderr || result.stdout).trim().slice(-2000)}`);
  return result.stdout;
}

function shown(argv: readonly string[]): string {
  return argv.filter((part) => !part.startsWith('--kubeconfig') && !part.startsWith('--net=')).join(' ');
}

/** A process by pid *and* start time, so that a reused pid is never signalled. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
}

interface Stat {
  readonly parent: number;
  readonly state: string;
  readonly startTicks: string;
}

/** /proc/<pid>/stat, proc(5); undefined when there is no such process. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', parent: Number(fields[1]), startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

export function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export function isAlive(identity: ProcessIdentity): boolean {
  const stat = statOf(identity.pid);
  return stat !== undefined && stat.startTicks === identity.startTicks && stat.state !== 'Z';
}

export function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The only child of a process that forks once (nsenter, unshare), seen from this pid namespace. */
export async function onlyChildOf(parent: number, alive: () => boolean): Promise<ProcessIdentity> {
  return await until(
    `child of process ${parent}`,
    () => {
      if (!alive()) return never('it ended at once; see its log');
      for (const pid of pids()) {
        const stat = statOf(pid);
        if (stat?.parent === parent) return done({ pid, startTicks: stat.startTicks });
      }
      return notYet('no child');
    },
    60_000,
    5,
  );
}

export interface Daemon {
  readonly name: string;
  /** The program itself, not a wrapper around it. */
  readonly identity: ProcessIdentity;
  readonly startedAt: number;
  alive(): boolean;
  /** Sends the signal and waits for the end; SIGKILL after `limitMs`. */
  stop(name: NodeJS.Signals, limitMs?: number): Promise<void>;
  /** SIGSTOP: it keeps its sockets and answers nobody. */
  freeze(): void;
  thaw(): void;
  /** Writes to its standard input; only where it was started with `stdin: 'pipe'`. */
  write(text: string): void;
}

export interface DaemonOptions {
  readonly name: string;
  readonly argv: readonly string[];
  readonly logFile: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The command's first process forks, and the program is its child (nsenter into a pid namespace). */
  readonly wrapped: boolean;
  readonly stdin?: 'pipe';
}

/** Starts a process that lives until it is stopped or this program ends. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const log = openSync(options.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...options.argv], {
      stdio: [options.stdin ?? 'ignore', log, log],
      env: options.env,
      cwd: options.cwd,
      detached: true, // its own session: Ctrl-C must reach us alone, so that we end things in order
    });
  } finally {
    closeSync(log);
  }
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin?.on('error', () => undefined); // it may end before it reads
  const running = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  if (child.pid === undefined) throw new Error(`starting ${options.name}: cannot run ${options.argv[0]}`);
  const startTicks = statOf(child.pid)?.startTicks ?? '';
  const identity = options.wrapped ? await onlyChildOf(child.pid, running) : { pid: child.pid, startTicks };
  return {
    name: options.name,
    identity,
    startedAt: Date.now(),
    alive: running,
    stop: async (name, limitMs = 20_000) => {
      if (!running()) return;
      signal(identity, name);
      const timer = setTimeout(() => {
        signal(identity, 'SIGKILL');
        child.kill('SIGKILL');
      }, limitMs);
      await ended;
      clearTimeout(timer);
    },
    freeze: () => signal(identity, 'SIGSTOP'),
    thaw: () => {
      child.kill('SIGCONT'); // a wrapper stops itself with its child (nsenter)
      signal(identity, 'SIGCONT');
    },
    write: (text) => {
      child.stdin?.write(text);
    },
  };
}
