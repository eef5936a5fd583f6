/** What the scenarios read off in which a node has limits: pods, manifests, requests, events, locks, the room on a disk. */
import { describe, expect, it, test } from 'vitest';
import { milliOf, requestedIn, turnedAwayIn } from './e2e/full-node.ts';
import { lockComplaint, lockEntriesIn } from './e2e/lock-log.ts';
import { eviction } from './e2e/scenarios/evicted.ts';
import { lostAmong, placedIn, type Server, type ServerPod, serverObject, serverPodsIn } from './e2e/servers.ts';

const list = (...items: readonly unknown[]) => JSON.stringify({ items });

describe('pods of a server', () => {
  const pod: ServerPod = {
    server: 'a',
    checkpoint: 'e2e/a-1',
    uid: 'u1',
    address: '10.0.0.1',
    phase: 'Running',
    reason: '',
    ready: true,
    readySince: Date.parse('2026-11-30T10:00:00Z'),
    restarts: 1,
  };

  it('are read off the API server, without mirror pods', () => {
    const metadata = { name: 'a-1', uid: 'u1', labels: { app: 'a' } };
    const status = {
      phase: 'Running',
      podIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-11-30T10:00:00Z' }],
      containerStatuses: [{ restartCount: 1, state: {} }],
    };
    const mirror = { metadata: { ...metadata, annotations: { 'kubernetes.io/config.mirror': 'x' } }, status };
    expect(serverPodsIn(list({ metadata, status }, mirror))).toEqual([pod]);
  });

  it('say why they do not run', () => {
    const metadata = { name: 'a-1', uid: 'u1' };
    const waiting = { containerStatuses: [{ restartCount: 0, state: { waiting: { reason: 'CreateContainerConfigError' } } }] };
    const [stuck, rejected] = serverPodsIn(
      list({ metadata, status: waiting }, { metadata, status: { phase: 'Failed', reason: 'OutOfcpu' } }),
    );
    expect([stuck?.reason, rejected?.reason, rejected?.phase]).toEqual(['CreateContainerConfigError', 'OutOfcpu', 'Failed']);
  });

  it('are lost where they were restarted too often, and, where they must be the same, where one Failed or is another', () => {
    const same = { a: pod };
    expect(lostAmong([pod], { restarts: 1, same })).toBeUndefined();
    expect(lostAmong([pod], { restarts: 0 })).toContain('e2e/a-1 Ready, 1 restarts');
    expect(lostAmong([{ ...pod, ready: false, phase: 'Failed', reason: 'OutOfcpu' }], { same })).toContain('Failed OutOfcpu');
    expect(lostAmong([pod, { ...pod, uid: 'u2' }], { same })).toContain('e2e/a-1');
    expect(lostAmong([{ ...pod, uid: 'u2', phase: 'Failed' }], {})).toBeUndefined();
  });
});

test('a server of its own is a workload or a bare pod, with a request and a directory where it wants them', () => {
  const server: Server = { kind: 'Pod', name: 'a', port: 8080, cpu: '100m' };
  expect(serverObject(server)).toMatchObject({
    kind: 'Pod',
    metadata: { annotations: {} },
    spec: { containers: [{ resources: { requests: { cpu: '100m' }, limits: { memory: '128Mi' } } }], volumes: [] },
  });
  const hostPath = { path: '/x', type: 'Directory', mountPath: '/y', readOnly: true };
  expect(serverObject({ ...server, kind: 'DaemonSet', hostNetwork: true, enabled: true, hostPath })).toMatchObject({
    kind: 'DaemonSet',
    spec: {
      template: {
        metadata: { annotations: { 'checkpointer/enabled': 'true' } },
        spec: { hostNetwork: true, volumes: [{ hostPath: { path: '/x', type: 'Directory' } }] },
      },
    },
  });
});

test("a copy's manifest is one of its own parent, with its attempt, its requests and its limits", () => {
  const annotations = { 'checkpointer/copy-of': 'e2e/a-1', 'checkpointer/attempt': '2' };
  const resources = { requests: { cpu: '0' }, limits: { memory: '128Mi' } };
  const text = JSON.stringify({ metadata: { annotations }, spec: { containers: [{ resources }] } });
  expect(placedIn(text, 'e2e/a-1')).toEqual({ attempt: '2', requests: { cpu: '0' }, limits: { memory: '128Mi' } });
  expect(placedIn(text, 'e2e/a-2')).toBeUndefined();
  expect(placedIn(JSON.stringify({ metadata: {}, spec: { containers: [] } }), 'e2e/a-1')).toBeUndefined();
});

test('quantities of CPU, and what pods ask for that have not ended', () => {
  expect(['1200m', '2', '0', '0.5', '0m'].map(milliOf)).toEqual([1_200, 2_000, 0, 500, 0]);
  expect(milliOf('')).toBeNaN();
  const pod = (phase: string, ...cpus: readonly (string | undefined)[]) => ({
    spec: { containers: cpus.map((cpu) => (cpu === undefined ? {} : { resources: { requests: { cpu } } })) },
    status: { phase },
  });
  expect(requestedIn(list(pod('Running', '1200m', undefined), pod('Pending', '1'), pod('Failed', '4'), pod('Succeeded', '4')))).toBe(2_200);
});

test('an event since then tells of a pod of the full node that was turned away', () => {
  const event = (name: string, reason: string, lastTimestamp: string | null, eventTime?: string) => ({
    involvedObject: { name },
    reason,
    message: 'because',
    lastTimestamp,
    eventTime,
  });
  const since = Date.parse('2026-11-30T10:00:00.400Z');
  const events = list(
    event('full-node-abc', 'OutOfcpu', '2026-11-30T10:00:00Z'),
    event('full-node-small', 'Preempting', null, '2026-11-30T10:00:05.1Z'),
    event('full-node-small', 'Evicted', '2026-11-30T09:59:59Z'),
    event('full-node-small', 'Started', '2026-11-30T10:00:05Z'),
    event('other', 'Evicted', '2026-11-30T10:00:05Z'),
  );
  expect(turnedAwayIn(events, since)).toEqual(['full-node-abc: OutOfcpu because', 'full-node-small: Preempting because']);
});

test('the record of a lock says who held it, and shows two that met', () => {
  const [first, second, met] = ['1000000 held 1-10', '2500000 held 1-20', '3000000 refused 1-30'];
  const turns = lockEntriesIn(`${first}\n${second}\n4000000 hel`);
  expect(turns).toEqual([
    { at: 1, verdict: 'held', who: '1-10' },
    { at: 2.5, verdict: 'held', who: '1-20' },
  ]);
  expect(lockComplaint(turns, 2)).toBeUndefined();
  expect(lockComplaint(turns, 3)).toContain('2 processes');
  expect(lockComplaint(lockEntriesIn(`${first}\n${met}\n`), 2)).toBe('refused: 1-30');
});

test.each([3, 64])('with %i GiB free the pressure is far from both ends of what is done, and some room is left', (gib) => {
  const free = gib * 1024 ** 3;
  const { threshold, fill } = eviction(free);
  const [before, after] = [free - threshold, threshold - (free - fill)];
  expect(Math.min(before, after)).toBeGreaterThanOrEqual(free > 16 * 1024 ** 3 ? 4 * 1024 ** 3 : free / 4 - 1);
  expect(free - fill).toBeGreaterThanOrEqual(free / 2);
});
