/** What a node has, and what everything on it asks for. */
import { describe, expect, it } from 'vitest';
import { kubeletResources } from '../../../src/core/kubelet/kubelet-resources.ts';
import type { Checkpoint, Json } from '../../../src/core/model/model.ts';
import { allocatable, type MachineSize, podLimit } from '../../../src/core/room/allocatable.ts';
import { podsTooMany } from '../../../src/core/room/pods-too-many.ts';
import { encodeRequested, readRequested, requestedOf, sameRequested } from '../../../src/core/room/requested.ts';
import { aCheckpoint } from '../../fakes/builders.ts';
import { aPodOf } from './pods.ts';

const MI = 1024 * 1024;
/** The kubelet counts percentages in single precision. */
const percent = (of: number, parts: number): number => of - Math.ceil(of * Math.fround(parts / 100));
const machine: MachineSize = { cpus: 4, memory: 8000 * MI, hugePages: 0, rootDirSize: 1000 * MI };
const given = (config: Json, of: MachineSize = machine) => allocatable(of, kubeletResources(config));

describe('what the kubelet gives', () => {
  it('is the machine less its eviction thresholds where nothing is said', () => {
    expect(given({})).toEqual({ cpu: 4000, memory: 7900 * MI, 'ephemeral-storage': percent(1000 * MI, 10) });
  });

  it.each<[string, Json, object]>([
    [
      'both reservations',
      { kubeReserved: { cpu: '200m', memory: '100Mi' }, systemReserved: { cpu: 1, memory: '50Mi' } },
      { cpu: 2800, memory: 7750 * MI },
    ],
    [
      'thresholds of its own, in parts of the whole',
      { evictionHard: { 'memory.available': '10%', 'nodefs.available': '100Mi' } },
      { memory: percent(8000 * MI, 10), 'ephemeral-storage': 900 * MI },
    ],
    [
      'no default threshold beside its own',
      { evictionHard: { 'nodefs.available': '5%' } },
      { memory: 8000 * MI, 'ephemeral-storage': percent(1000 * MI, 5) },
    ],
    [
      'the defaults where they are to be merged',
      { evictionHard: { 'nodefs.available': '5%' }, mergeDefaultEvictionSettings: true },
      { memory: 7900 * MI },
    ],
    [
      'CPUs of the system’s own, which go before reservations',
      { reservedSystemCPUs: '0-1,3', kubeReserved: { cpu: '200m' } },
      { cpu: 1000 },
    ],
    ['no less than nothing', { kubeReserved: { cpu: '9' } }, { cpu: 0 }],
  ])('counts %s', (_name, config, expected) => {
    expect(given(config)).toMatchObject(expected);
  });

  it('leaves out what it does not understand, and what the machine does not tell', () => {
    expect(given({ kubeReserved: { cpu: 'some' } })).not.toHaveProperty('cpu');
    expect(given({ evictionHard: { 'memory.available': 'much' } })).not.toHaveProperty('memory');
    expect(given({}, { cpus: 2 })).toEqual({ cpu: 2000 });
    expect(given({}, { memory: 8000 * MI })).toEqual({});
  });

  it('takes huge pages off the memory', () => {
    expect(given({}, { ...machine, hugePages: 1000 * MI })).toMatchObject({ memory: 6900 * MI });
  });

  it('is three quarters of the machine where there is no configuration to read', () => {
    expect(allocatable(machine, undefined)).toEqual({ cpu: 3000, memory: 6000 * MI, 'ephemeral-storage': 750 * MI });
  });

  it('is so many pods', () => {
    expect(podLimit(machine, kubeletResources({}))).toBe(110);
    expect(podLimit(machine, kubeletResources({ maxPods: 30, podsPerCore: 5 }))).toBe(20);
    expect(podLimit(machine, undefined)).toBeUndefined();
  });
});

const requests = (cpu: string): Json => aPodOf({ main: [{ requests: { cpu } }] });
const named = (name: string, cpu: string, change: { metadata?: Json; status?: Json } = {}): Json => {
  const pod = requests(cpu);
  return {
    ...pod,
    metadata: { ...(pod['metadata'] as Json), name, ...change.metadata },
    ...(change.status === undefined ? {} : { status: change.status }),
  };
};
const mirror = (name: string, labels: Json) => ({
  metadata: { name, namespace: 'kube-system', annotations: { 'kubernetes.io/config.mirror': 'x' }, labels },
});
const stored = (name: string, cpu: string, change: Parameters<typeof aCheckpoint>[0] = {}): Checkpoint => {
  const parent = { namespace: 'kube-system', name, uid: name, resourceVersion: '1', ...change.parent };
  return aCheckpoint({ ...change, parent }, { manifest: JSON.stringify(requests(cpu)) });
};
const asked = (pods: readonly Json[], checkpoints: readonly Checkpoint[] = []): readonly [number, number] => {
  const { amounts, pods: count } = requestedOf(pods, checkpoints, new WeakMap());
  return [amounts.cpu, count];
};

describe('what everything on the node asks for', () => {
  it('counts every pod, mirrors of foreign static pods too, and leaves our own copies out', () => {
    const pods = [
      named('a', '1'),
      named('etcd-n1', '2', mirror('etcd-n1', {})),
      named('web-ckpt-n1', '4', mirror('web-ckpt-n1', { 'checkpointer/copy': 'true' })),
    ];

    expect(asked(pods)).toEqual([3000, 2]);
  });

  it('counts a pod that says it is a copy and is no mirror', () => {
    expect(asked([named('a', '1', { metadata: { labels: { 'checkpointer/copy': 'true' } } })])).toEqual([1000, 1]);
  });

  it.each(['Succeeded', 'Failed'])('leaves out what has %s', (phase) => {
    expect(asked([named('a', '1', { status: { phase } }), named('b', '2', { status: { phase: 'Running' } })])).toEqual([2000, 1]);
  });

  it('counts what is ending', () => {
    expect(asked([named('a', '1', { metadata: { deletionTimestamp: '2026-11-21T08:00:00Z' } })])).toEqual([1000, 1]);
  });

  it('counts a parent that is just not there by its checkpoint, and one that is there once', () => {
    expect(asked([named('a', '1')], [stored('a', '1'), stored('b', '2')])).toEqual([3000, 2]);
  });

  it('counts the next pod of a DaemonSet in place of the one before', () => {
    const controller = { kind: 'DaemonSet', name: 'web', uid: 'ds' };
    const before = stored('web-1', '1', {
      parent: { namespace: 'kube-system', name: 'web-1', uid: 'u1', resourceVersion: '1', controller },
    });

    expect(asked([named('web-2', '2', { metadata: { ownerReferences: [{ kind: 'DaemonSet', uid: 'ds' }] } })], [before])).toEqual([
      2000, 1,
    ]);
    expect(asked([], [before])).toEqual([1000, 1]);
  });

  it('is read back from the disk as it was written', () => {
    const all = requestedOf([named('a', '1')], [], new WeakMap());

    expect(sameRequested(readRequested(JSON.parse(JSON.stringify(encodeRequested(all)))), all)).toBe(true);
  });

  it.each([
    undefined,
    'damaged',
    {},
    { pods: 1 },
    { pods: 1, amounts: { cpu: 1, memory: 2 } },
    { pods: -1, amounts: { cpu: 1, memory: 2, 'ephemeral-storage': 3 } },
  ])('is not known where the disk says %j', (body) => {
    expect(readRequested(body)).toBeUndefined();
  });
});

describe('pods too many for the node', () => {
  const requested = { amounts: { cpu: 0, memory: 0, 'ephemeral-storage': 0 }, pods: 108 };
  const two = [stored('a', '1'), stored('b', '1')];
  const input = { requested, podLimit: 110, checkpoints: two, activeLimit: 100 };

  it('are told before it comes to that', () => {
    expect(podsTooMany(input)).toBeUndefined();
    expect(podsTooMany({ ...input, podLimit: 109 })).toContain(
      'with 2 copies beside the 108 pods of this node there would be 110, and its kubelet takes 109',
    );
  });

  it('count the standby too, and no more copies than may run at once', () => {
    expect(podsTooMany({ ...input, checkpoints: [...two, stored('own', '1', { self: true })] })).toContain('2 copies and the standby');
    expect(podsTooMany({ ...input, podLimit: 109, activeLimit: 1 })).toBeUndefined();
  });

  it('are not told where the kubelet’s limit is not known', () => {
    expect(podsTooMany({ ...input, podLimit: undefined, requested: { ...requested, pods: 500 } })).toBeUndefined();
  });
});
