/**
 * No byte of a secret in a log line, an error, a metric, a status, a report or a file name: the built program at its highest
 * log level goes through everything that can happen to a checkpoint, and then everything it said is searched.
 */
import { appendFile, mkdir, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CRI_METHODS } from '../../src/adapters/cri/names.ts';
import { createCodec } from '../../src/adapters/grpc/messages.ts';
import { CANARIES, type CanaryNode, createCanaryNode, PODS } from './node.ts';
import { findCanaries, formsOf } from './search.ts';

const ALL = Object.values(CANARIES);

let node: CanaryNode;

async function until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms; the log ends\n${node.output().slice(-1_500)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const saidOf = (message: string, name: string): number =>
  node.said(message).filter((line) => line['checkpoint'] === `kube-system/${name}`).length;
/** Something about the pod changes, and a new agent looks at once. */
async function touch(name: string, value: string): Promise<void> {
  node.api.updatePod({ namespace: 'kube-system', name }, { metadata: { labels: { touched: value } } });
  await node.killAgent();
  node.startAgent();
}
const current = (name: string, file: string): string => join(node.dir, 'state', 'checkpoints', `kube-system_${name}`, 'current', file);
const manifests = async (): Promise<readonly string[]> =>
  (await readdir(join(node.dir, 'manifests')).catch(() => [])).filter((name) => !name.startsWith('.'));

/** A reply as the runtime gives it, cut off in the middle of the environment. */
function brokenStatus(): Uint8Array {
  const info = `{"config":{"envs":[{"key":"VALUE","value":"${CANARIES.inline.value}"},${CANARIES.file.value}`;
  const container = node.runtime.containers()[0];
  const status = { id: container?.id ?? '', metadata: { name: 'app', attempt: 0 }, labels: {}, annotations: {}, mounts: [] };
  return createCodec().encode('ContainerStatusResponse', { status, info: { info } } as never);
}

async function captures(): Promise<void> {
  node.startAgent();
  await until('captures', () => saidOf('Captured the parent', 'files') > 0 && saidOf('Captured the parent', 'inline') > 0);
  for (const pod of ['refused', 'huge']) await until(`refusal of ${pod}`, () => saidOf('The pod cannot be checkpointed', pod) > 0);
  await node.gather('after the captures');
}

/** Each of them makes the agent say something about a checkpoint that holds secrets. */
async function errors(): Promise<void> {
  const failures = () => saidOf('A capture failed and will be tried again', 'inline');
  node.runtime.server.fault(CRI_METHODS.containerStatus, { do: 'reply', message: brokenStatus() });
  await touch('inline', 'a');
  await until('a capture that meets a broken reply', () => failures() > 0);
  node.runtime.server.fault(CRI_METHODS.containerStatus, {
    do: 'reply',
    message: Buffer.from(`\u000a\u00ff${CANARIES.inline.value}`, 'latin1'),
  });
  await touch('files', 'a');
  await until('a capture that meets bytes that are no reply', () => saidOf('A capture failed and will be tried again', 'files') > 0);
  node.runtime.server.clearFaults();

  await until('the captures after it', () => saidOf('Captured the parent', 'inline') > 1 && saidOf('Captured the parent', 'files') > 1);
  const before = saidOf('A capture failed and will be tried again', 'files');
  const revisions = join(node.dir, 'state', 'checkpoints', 'kube-system_files', 'revisions');
  await rename(revisions, `${node.dir}/kept`);
  await writeFile(revisions, '');
  await touch('files', 'b');
  await until('a capture that cannot be written', () => saidOf('A capture failed and will be tried again', 'files') > before);
  await rm(revisions);
  await rename(`${node.dir}/kept`, revisions);
  await until('the capture after it', () => saidOf('Captured the parent', 'files') > 2);
  await node.gather('after the errors');
}

async function damage(): Promise<void> {
  await node.killAgent();
  const manifest = current('inline', 'pod.json');
  const { stat, readFile } = await import('node:fs/promises');
  const text = await readFile(manifest, 'latin1');
  expect((await stat(manifest)).size).toBeGreaterThan(text.indexOf(CANARIES.inline.value));
  // cut off right behind the value: what a careless parser would quote
  await truncate(manifest, text.indexOf(CANARIES.inline.value) + CANARIES.inline.value.length);
  await appendFile(current('files', 'files/secret/value'), 'x');
  expect(await node.command('verify')).toBe(1);
  expect(await node.command('verify', '--output', 'json')).toBe(1);
  await node.command('status');
  node.startAgent();
  await until(
    'the damage being seen',
    () => saidOf('Captured the parent', 'inline') > 2 && saidOf('Captured the parent', 'files') > 3,
    90_000,
  );
  expect(await node.command('verify')).toBe(0);
  await node.gather('after the damage');
}

async function outage(): Promise<void> {
  await node.powerCut();
  await node.boot();
  await rename(join(node.dir, 'manifests'), join(node.dir, 'manifests-kept'));
  await mkdir(join(node.dir, 'manifests'));
  const starts = node.said('Agent starts').length;
  node.startAgent();
  await until('the start', () => node.said('Agent starts').length > starts);
  // a directory that goes away below the agent: placing fails, and is tried again
  await rm(join(node.dir, 'manifests'), { recursive: true });
  await writeFile(join(node.dir, 'manifests'), '');
  await until('trouble with staticPodPath', () => node.said('Judged the API server').some((line) => line['to'] === 'unreachable'));
  await rm(join(node.dir, 'manifests'));
  await rename(join(node.dir, 'manifests-kept'), join(node.dir, 'manifests'));
  await until('both copies', async () => saidOf('The copy runs', 'files') > 0 && saidOf('The copy runs', 'inline') > 0, 60_000);
  expect((await manifests()).length).toBe(2);
  for (const args of [['status'], ['status', '--output', 'json'], ['status', '--output', 'yaml'], ['verify', '--output', 'yaml']])
    await node.command(...args);
  await node.gather('during the outage');
}

async function handBackAndRetire(): Promise<void> {
  await node.api.start();
  await until(
    'the hand-backs',
    () => saidOf('Handed back to the parent', 'files') > 0 && saidOf('Handed back to the parent', 'inline') > 0,
    60_000,
  );
  await node.gather('after the hand-backs');
  for (const pod of PODS) node.api.deletePod({ namespace: 'kube-system', name: String((pod['metadata'] as { name: string }).name) });
  await until('the retirements', async () => (await readdir(join(node.dir, 'state', 'checkpoints'))).length === 0, 60_000);
  await node.gather('after the retirements');
}

async function renders(): Promise<void> {
  const secret = (name: string, value: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'kube-system' },
    data: { value: Buffer.from(value).toString('base64') },
  });
  const pod = (name: string) => PODS.find((candidate) => (candidate['metadata'] as { name: string }).name === name);
  const write = async (name: string, ...objects: readonly unknown[]) => {
    const file = join(node.dir, `${name}.yaml`);
    await writeFile(file, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
    return file;
  };
  expect(await node.command('render', '-f', await write('refused', pod('refused'), secret('refused', CANARIES.refused.value)))).toBe(3);
  expect(
    await node.command(
      'render',
      '--output',
      'json',
      '-f',
      await write('broken', pod('huge'), { ...secret('huge', CANARIES.huge.value), data: { value: `${CANARIES.huge.value}!` } }),
    ),
  ).not.toBe(0);
  const half = join(node.dir, 'half.yaml');
  await writeFile(half, `apiVersion: v1\nkind: Secret\ndata: {value: "${CANARIES.file.value}\n  oops: [`);
  expect(await node.command('render', '-f', half)).not.toBe(0);
}

describe('the program', () => {
  beforeEach(async () => {
    node = await createCanaryNode();
  });
  afterEach(async () => {
    await node.dispose();
  });

  it('a secret is in files and accepted manifests, and nowhere else', async () => {
    await captures();
    await errors();
    await damage();
    await outage();
    await handBackAndRetire();
    await renders();

    expect(node.evidence().length).toBeGreaterThan(100);
    expect(findCanaries(ALL, node.evidence())).toEqual([]);

    // they were there to be found: in captured files, and, where that was accepted, in the manifest
    const stored = [...node.stored].map(([where, text]) => ({ where, text }));
    const inManifests = findCanaries(
      ALL,
      stored.filter(({ where }) => !where.includes('/files/')),
    );
    const inFiles = findCanaries(
      ALL,
      stored.filter(({ where }) => where.includes('/files/')),
    );
    expect([...new Set(inManifests.map((line) => line.split(' is in ')[0]))].sort()).toEqual(
      [CANARIES.config.name, CANARIES.inline.name].sort(),
    );
    expect(inManifests.filter((line) => line.startsWith(CANARIES.inline.name)).every((line) => line.includes('inline'))).toBe(true);
    // a kubelet that can take variables from files would get that one in a file, too
    const filed = new Set(inFiles.map((line) => line.split(' is in ')[0]).filter((name) => name !== CANARIES.handed.name));
    expect([...filed].sort()).toEqual([CANARIES.file.name, CANARIES.config.name, CANARIES.token.name].sort());
  }, 240_000);

  it('finds what the program itself prints when a value stands where it is no secret: in the name of a pod', async () => {
    const name = CANARIES.refused.value;
    node.api.createPod({ ...PODS[2], metadata: { namespace: 'kube-system', name, annotations: { 'checkpointer/enabled': 'true' } } });
    node.startAgent();
    await until('the refusal', () => saidOf('The pod cannot be checkpointed', name) > 0);

    expect(findCanaries(ALL, node.evidence())).toEqual([`${CANARIES.refused.name} is in the agent's log and errors`]);
  });
});

describe('the search', () => {
  it.each(formsOf(CANARIES.file.value).map((form, index) => [index, form] as const))(
    'finds form %i of a value that was let out on purpose',
    (_, form) => {
      const evidence = [
        { where: 'another line', text: '{"msg":"fine"}' },
        { where: 'a log line', text: `{"msg":"oops","error":"x${form}y"}` },
      ];

      expect(findCanaries(ALL, evidence)).toEqual([`${CANARIES.file.name} is in a log line`]);
    },
  );

  it.each([0, 1, 2, 3, 4])('finds it in base64 behind %i other bytes, and before some', (shift) => {
    const text = Buffer.from(`${'x'.repeat(shift)}${CANARIES.token.value}${'y'.repeat(7 - shift)}`).toString('base64');

    expect(findCanaries(ALL, [{ where: 'a metric', text }])).toEqual([`${CANARIES.token.name} is in a metric`]);
  });
});
