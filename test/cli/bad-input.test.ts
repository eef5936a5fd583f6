/** What keeps the agent from starting: one sentence each, the right exit code, and nothing changed on the host. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUNDLE } from '../../deploy/bundle.ts';
import { createClock } from '../../src/adapters/clock.ts';
import { createDemoRuntime } from '../../src/demo/runtime/runtime.ts';
import type { DemoRuntime } from '../../src/demo/runtime/runtime-types.ts';
import { snapshot } from '../adapters/disk/scratch.ts';
import { writeGoodKubeconfig } from './good-kubeconfig.ts';

interface Outcome {
  readonly code: number;
  readonly stderr: string;
  readonly stdout: string;
  /** Every name with mode and content, before and after. */
  readonly before: Readonly<Record<string, string>>;
  readonly after: Readonly<Record<string, string>>;
}

let dir: string;
let runtime: DemoRuntime;
const at = (name: string): string => join(dir, name);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bad-input-'));
  await mkdir(at('manifests'));
  // open to others: an agent that prepares it before it knows that it can start closes it
  await mkdir(at('state'), { mode: 0o755 });
  runtime = createDemoRuntime({ socket: at('runtime.sock'), clock: createClock(), random: () => 0.5 });
  await runtime.start();
  await writeFile(at('kubeconfig'), 'apiVersion: v1\nkind: Config\ncurrent-context: none\n');
});
afterEach(async () => {
  await runtime.stop();
  await rm(dir, { recursive: true, force: true });
});

async function run(change: Record<string, unknown>, command = 'agent', env: Record<string, string> = {}): Promise<Outcome> {
  const config = {
    nodeName: 'n1',
    stateDir: at('state'),
    staticPodPath: at('manifests'),
    kubeletRootDir: at('kubelet'),
    criSocket: at('runtime.sock'),
    kubeconfig: at('kubeconfig'),
    allowTmpfs: true,
    metrics: { address: '' },
    ...change,
  };
  await writeFile(at('agent.yaml'), JSON.stringify(config));
  const before = await snapshot(dir);
  const args = [BUNDLE, command, '--config', at('agent.yaml')];
  const ended = await new Promise<Pick<Outcome, 'code' | 'stdout' | 'stderr'>>((resolve) => {
    execFile(process.execPath, args, { timeout: 15_000, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
  return { ...ended, before, after: await snapshot(dir) };
}

const IN_MEMORY = '/dev/shm/podckpt-bad-input';

/** The kubelet's configuration in its usual place below its root directory. */
function kubeletSays(line: string): Record<string, unknown> {
  mkdirSync(at('kubelet'));
  writeFileSync(at('kubelet/config.yaml'), `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n${line}\n`);
  return {};
}

function linkTo(target: string): string {
  symlinkSync(target, at('link'));
  return at('link');
}

function kubeconfigSays(text: string): Record<string, unknown> {
  writeFileSync(at('kubeconfig'), text);
  return {};
}

describe('the agent does not start', () => {
  it.each<[string, () => Record<string, unknown>, number, RegExp]>([
    ['without staticPodPath', () => ({ staticPodPath: at('none') }), 2, /staticPodPath .*none does not exist: create it/],
    [
      'with a staticPodPath that is a file',
      () => ({ staticPodPath: at('kubeconfig') }),
      2,
      /staticPodPath .*kubeconfig is a file.*: name the directory that the kubelet reads/,
    ],
    [
      'with a staticPodPath that is a socket',
      () => ({ staticPodPath: at('runtime.sock') }),
      2,
      /staticPodPath .*runtime\.sock is no directory/,
    ],
    [
      'with a staticPodPath below a file',
      () => ({ staticPodPath: at('kubeconfig/x') }),
      2,
      /staticPodPath .*kubeconfig\/x .*: name the directory/,
    ],
    [
      'with a state directory below nothing',
      () => ({ stateDir: at('no/such/state') }),
      2,
      /state directory .*no\/such\/state cannot be created: .*no\/such does not exist: create that, or name another directory/,
    ],
    [
      'with a state directory below a file',
      () => ({ stateDir: at('kubeconfig/state') }),
      2,
      /state directory .*kubeconfig\/state .* no directory: name another/,
    ],
    ['with a state directory that is a file', () => ({ stateDir: at('kubeconfig') }), 2, /is not a directory; name one/],
    [
      'with a state directory that is full of others',
      () => {
        writeFileSync(at('state/notes'), 'of somebody else');
        return {};
      },
      2,
      /state directory .*state holds what is not ours \(notes\) and no file "format" of ours: nothing was changed; name an empty directory/,
    ],
    [
      'with a link to a state directory in memory',
      () => ({ stateDir: `${linkTo('/dev/shm')}/podckpt-bad-input`, allowTmpfs: false }),
      2,
      /state directory \/dev\/shm\/podckpt-bad-input is on tmpfs/,
    ],
    [
      'with a link to a staticPodPath in memory',
      () => ({ staticPodPath: linkTo('/dev/shm'), allowTmpfs: false }),
      2,
      /staticPodPath \/dev\/shm is on tmpfs, .*: name a directory on a disk/,
    ],
    [
      'with a state directory that is, by a link, the staticPodPath',
      () => ({ stateDir: linkTo(at('manifests')) }),
      2,
      /with links resolved, stateDir .* neither may lie in the other/,
    ],
    ['with a state directory in memory', () => ({ stateDir: IN_MEMORY, allowTmpfs: false }), 2, /tmpfs.*: name a directory on a disk/],
    [
      'with a runtime socket that is a file',
      () => ({ criSocket: at('kubeconfig') }),
      2,
      /criSocket .*kubeconfig is not a socket: name the unix socket of the container runtime/,
    ],
    [
      'with a kubelet that has another staticPodPath',
      () => kubeletSays('staticPodPath: /srv/others'),
      2,
      /is not the kubelet's.*\/srv\/others/,
    ],
    [
      'with a kubelet of another runtime',
      () => kubeletSays(`staticPodPath: ${at('manifests')}\ncontainerRuntimeEndpoint: unix:///srv/other.sock`),
      2,
      /criSocket .*runtime\.sock is not the kubelet's: .* says \/srv\/other\.sock, .*; set criSocket: \/srv\/other\.sock;/,
    ],
    ['with a kubelet that has no staticPodPath', () => kubeletSays('maxPods: 5'), 2, /sets no staticPodPath.*set staticPodPath: /],
    ['with a kubelet that has only a URL', () => kubeletSays('staticPodURL: http://127.0.0.1/'), 2, /from staticPodURL only/],
    [
      'with a kubelet configuration that is not there',
      () => ({ kubeletConfig: at('none') }),
      2,
      /kubeletConfig .*none: there is no such file/,
    ],
    [
      'with a kubelet configuration that is something else',
      () => ({ kubeletConfig: at('kubeconfig') }),
      2,
      /is no configuration of a kubelet/,
    ],
    [
      'without a kubeconfig file',
      () => ({ kubeconfig: at('none') }),
      4,
      /reading kubeconfig \(.*none\): ENOENT: check that the file exists and may be read/,
    ],
    [
      'with a kubeconfig that is no YAML',
      () => kubeconfigSays('a: [b\nc: d'),
      2,
      /kubeconfig .*kubeconfig: not YAML \(.* at line \d+\): correct the file/,
    ],
    ['with a kubeconfig that is a list', () => kubeconfigSays('- a'), 2, /kubeconfig .*kubeconfig: not a kubeconfig: it must be a mapping/],
    ['without a kubeconfig file, and with a new state directory', () => ({ kubeconfig: at('none'), stateDir: at('new') }), 4, /none/],
    [
      'with a kubeconfig that names no cluster',
      () => ({}),
      2,
      /agent: kubeconfig .*kubeconfig: contexts has no entry named "none": add it or change current-context/,
    ],
    [
      'with a machine id that systemd has not made yet',
      () => {
        writeFileSync(at('machine-id'), 'uninitialized\n');
        return { machineIdFile: at('machine-id') };
      },
      2,
      /machineIdFile .*machine-id says "uninitialized": .*let its first boot finish, or run systemd-machine-id-setup --commit/,
    ],
    ['with an unknown key', () => ({ orphanGrase: '30s' }), 2, /orphanGrase.*orphanGrace/],
    ['with several bad values, all told at once', () => ({ orphanGrace: 'soon', retireGrace: 5 }), 2, /orphanGrace[\s\S]*retireGrace/],
  ])('%s', async (_name, change, code, message) => {
    const outcome = await run(change());

    expect(outcome.stderr).toMatch(message);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
    expect(outcome.after).toEqual(outcome.before);
    expect(existsSync(IN_MEMORY)).toBe(false);
  });

  it('in a role that does not exist', async () => {
    const outcome = await run({}, 'agent', { POD_CHECKPOINTER_ROLE: 'leader' });

    expect(outcome.stderr).toMatch(/POD_CHECKPOINTER_ROLE is "leader"; leave it out/);
    expect(outcome.code).toBe(2);
    expect(outcome.after).toEqual(outcome.before);
  });

  it('with a runtime that speaks an older CRI', async () => {
    runtime.server.fault('/runtime.v1.RuntimeService/Version', {
      do: 'fail',
      code: 12,
      message: 'unknown service runtime.v1.RuntimeService',
    });

    const outcome = await run({});

    expect(outcome.stderr).toMatch(/criSocket .*runtime\.sock .*CRI v1.*: update the runtime, .* or name another socket/);
    expect(outcome.code).toBe(4);
    expect(outcome.after).toEqual(outcome.before);
  });

  it('with a runtime socket of something that speaks HTTP/1.1', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(at('other.sock'));
    await once(server, 'listening');
    try {
      const outcome = await run({ criSocket: at('other.sock') });

      expect(outcome.stderr).toMatch(
        /criSocket .*other\.sock cannot be used: .*does not speak HTTP\/2: name the socket of containerd or CRI-O/,
      );
      expect(outcome.code).toBe(2);
      expect(outcome.after).toEqual(outcome.before);
    } finally {
      server.close();
    }
  });

  it('beside an agent that holds the lock, with a kubeconfig that names no cluster: not only when it takes over', async () => {
    await writeFile(at('state/lock'), '');
    const holder = spawn('flock', ['-F', at('state/lock'), 'sh', '-c', 'echo held; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(holder.stdout, 'data');
    try {
      const outcome = await run({});

      expect(outcome.stderr).toMatch(/kubeconfig/);
      expect(outcome.code).toBe(2);
      expect(outcome.after).toEqual(outcome.before);
    } finally {
      holder.kill();
    }
  });
});

describe('a state directory', () => {
  const COMMANDS = ['agent', 'status', 'verify'];

  it.each(COMMANDS)('of a newer format: %s refuses it', async (command) => {
    await writeFile(at('state/format'), '2\n');

    const outcome = await run({ kubeconfig: await writeGoodKubeconfig(dir) }, command);

    expect(outcome.stderr).toMatch(/state\/format says format 2: .* knows format 1: install that version again; nothing was changed/);
    expect(outcome.code).toBe(4);
    expect(outcome.after).toEqual(outcome.before);
  });

  it.each(COMMANDS)('whose format is damaged: %s refuses it, and says what belongs there', async (command) => {
    await writeFile(at('state/format'), 'one\n');

    const outcome = await run({ kubeconfig: await writeGoodKubeconfig(dir) }, command);

    expect(outcome.stderr).toMatch(/state\/format is damaged: write 1 into it if no newer version has run here/);
    expect(outcome.code).toBe(4);
    expect(outcome.after).toEqual(outcome.before);
  });

  it.each(COMMANDS)('with checkpoints and no format: %s refuses it', async (command) => {
    await mkdir(at('state/checkpoints/a_b'), { recursive: true });

    const outcome = await run({ kubeconfig: await writeGoodKubeconfig(dir) }, command);

    expect(outcome.stderr).toMatch(/state holds checkpoints but no file "format": restore that file with the content 1/);
    expect(outcome.code).toBe(4);
    expect(outcome.after).toEqual(outcome.before);
  });

  it.each(['status', 'verify'])('that is not there: %s says so', async (command) => {
    const outcome = await run({ stateDir: at('none') }, command);

    expect(outcome.stderr).toMatch(/state directory .*none does not exist: name the one that the agent of this node has/);
    expect(outcome.code).toBe(4);
    expect(outcome.after).toEqual(outcome.before);
  });
});
