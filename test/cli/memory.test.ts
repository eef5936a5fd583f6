/**
 * What the built program takes on the start line of the image, with 20 checkpoints: captured, and then at rest.
 *
 * Anonymous memory is the program's own, and what a memory limit cannot drop. Resident memory also counts the pages of the
 * Node.js executable that are mapped: those the program touched, and up to 15 neighbours of each that were in the page cache
 * (the kernel's fault-around), so it depends on the machine. The limits are for the agent alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BUNDLE } from '../../deploy/bundle.ts';
import { START_LINE } from '../../deploy/start-line.ts';
import { createClock } from '../../src/adapters/clock.ts';
import { createDemoNode, type DemoNode } from '../../src/demo/node.ts';
import { doneUnless, holds, until } from '../e2e/node/wait.ts';

const CHECKPOINTS = 20;
const ANONYMOUS_LIMIT_BYTES = 25_000_000;
/** Seen: 55 to 61 MiB. */
const RESIDENT_LIMIT_MIB = 64;
const AT_REST_MS = 12_000;

let node: DemoNode;
let agent: ChildProcess | undefined;
beforeEach(async () => {
  node = await createDemoNode({ clock: createClock(), random: Math.random, scale: 0.2, execPath: '', bundle: '' });
});
afterEach(async () => {
  agent?.kill('SIGKILL');
  await node.dispose(false);
});

/** The volumes of the demo's one parent, the rest of its other. */
function makeMoreParents(): void {
  const [web, queue] = ['web', 'queue'].map((name) => node.api.pods().find(({ metadata }) => metadata?.name?.startsWith(name)));
  const { volumes, containers } = web?.spec ?? {};
  for (let index = 2; index < CHECKPOINTS; index += 1) {
    const container = { ...queue?.spec?.containers[0], volumeMounts: containers?.[0]?.volumeMounts };
    const owner = { ...queue?.metadata?.ownerReferences?.[0], name: `app-${index}`, uid: `rs-${index}` };
    node.api.createPod({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'kube-system', name: `app-${index}`, annotations: queue?.metadata?.annotations, ownerReferences: [owner] },
      spec: { ...queue?.spec, volumes, containers: [container] },
    });
  }
}

function memoryNow(pid: number): { readonly resident: number; readonly anonymous: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { resident: bytes('VmRSS'), anonymous: bytes('RssAnon') };
}

test(`captures ${CHECKPOINTS} pods and rests in at most 25 MB of anonymous memory`, async () => {
  makeMoreParents();
  agent = spawn(process.execPath, [...START_LINE.flags, BUNDLE, 'agent', '--config', node.config], {
    // certificates that a machine adds for all its Node.js programs take 1 MiB, and are in no pod
    env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, ...START_LINE.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  agent.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const pid = agent.pid ?? 0;
  const most = { resident: 0, anonymous: 0 };
  const measure = (): void => {
    const now = memoryNow(pid);
    most.resident = Math.max(most.resident, now.resident);
    most.anonymous = Math.max(most.anonymous, now.anonymous);
  };

  await until(
    'every pod captured',
    async () => {
      measure();
      const captured = new Set([...said.matchAll(/"checkpoint":"([^"]+)".*"msg":"Captured the parent"/g)].map(([, name]) => name));
      return doneUnless(captured.size === CHECKPOINTS ? undefined : `${captured.size} of ${CHECKPOINTS}`);
    },
    60_000,
    100,
  );
  const lives = (): string | undefined => {
    measure();
    return agent?.exitCode === null ? undefined : 'it ended';
  };
  await holds('the agent lives', lives, AT_REST_MS, 100);

  process.stdout.write(
    `agent with ${CHECKPOINTS} checkpoints: ${(most.resident / 2 ** 20).toFixed(1)} MiB resident, ${(most.anonymous / 2 ** 20).toFixed(1)} MiB anonymous at most\n`,
  );
  expect(most.anonymous).toBeGreaterThan(1_000_000);
  expect(most.anonymous).toBeLessThanOrEqual(ANONYMOUS_LIMIT_BYTES);
  expect(most.resident / 2 ** 20).toBeLessThan(RESIDENT_LIMIT_MIB);
}, 120_000);
