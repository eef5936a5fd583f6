/** The commands of the image that end by themselves, each in its own container without a capability and with a read-only root. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { version } from '../../deploy/image/build.ts';
import { type AgentHost, makeAgentHost, runOnce, useEngine } from './containers.ts';

useEngine();

let host: AgentHost;
beforeEach(async () => {
  host = await makeAgentHost();
});
afterEach(() => host.remove());

test('--help and version work', () => {
  const help = runOnce(['--help']);
  expect(help.code).toBe(0);
  expect(help.said).toContain('Usage: pod-checkpointer COMMAND');

  const { code, said } = runOnce(['version', '--output', 'json']);
  expect(code).toBe(0);
  expect(JSON.parse(said)).toMatchObject({ version: version(), nodeVersion: 'v24.21.0' });
});

test('no command at all is a wrong usage, and shows the help', () => {
  const { code, said } = runOnce([]);

  expect(code).toBe(2);
  expect(said).toContain('Usage: pod-checkpointer COMMAND');
});

test('the help of the agent neither waits for the lock nor needs the state directory', () => {
  const { code, said } = runOnce(['agent', '--help']);

  expect(code).toBe(0);
  expect(said).toContain('--state-dir');
});

test('an agent without its state directory says so and ends', () => {
  expect(runOnce(['agent'])).toEqual({
    code: 2,
    said: "pod-checkpointer agent: the state directory /var/lib/pod-checkpointer does not exist: mount the node's directory there, or name it in POD_CHECKPOINTER_STATE_DIR\n",
  });
});

test('an agent with a state directory that it cannot write says so and ends', () => {
  const { code, said } = runOnce(
    ['agent', '--node-name', 'n'],
    host.mounts.map((mount) => ({ ...mount, mode: 'ro' })),
  );

  expect(code).toBe(2);
  expect(said).toContain(
    'pod-checkpointer agent: the lock /var/lib/pod-checkpointer/lock cannot be opened: mount /var/lib/pod-checkpointer read-write',
  );
});

test('a mistake in the configuration is told by the agent itself, with the lock already taken over', () => {
  const { code, said } = runOnce(['agent', '--node-name', 'n', '--static-pod-path', '/nowhere'], host.mounts);

  expect(code).toBe(2);
  expect(said).toContain('staticPodPath /nowhere does not exist');
  expect(existsSync(join(host.stateDir, 'lock'))).toBe(true);
});
