/** Why the DaemonSet's pod does not take over from the standby, as far as this node shows it. */
import { describe, expect, it } from 'vitest';
import { type RuntimeContainer, type Sandbox, seen, unseen } from '../../../src/core/model/model.ts';
import { ENDING_MS, failedTakeover, NOT_STARTED_MS, podsOfFamily, type TakeoverInput, watchIdle } from '../../../src/core/self/takeover.ts';
import { aContainer, aSandbox, WALL } from '../../fakes/builders.ts';

const LABELS = { 'app.kubernetes.io/name': 'pod-checkpointer', 'app.kubernetes.io/instance': 'one' };
const FAMILY = { namespace: 'ckpt', labels: LABELS };
const NAME = 'agent-x7k2p';
const sandbox = aSandbox({ id: 's1', uid: 'd1', namespace: 'ckpt', name: NAME, labels: LABELS });
const container = aContainer({ id: 'c1', sandboxId: 's1', podUid: 'd1' });

function pods(
  sandboxes: readonly Sandbox[],
  containers: readonly RuntimeContainer[],
  listed: readonly string[] | undefined = [`ckpt/${NAME}`],
): ReturnType<typeof podsOfFamily> {
  const kubelet = listed === undefined ? unseen('no answer') : seen(new Set(listed));
  return podsOfFamily({ runtime: seen({ sandboxes, containers }), kubelet }, FAMILY, 'agent', 'static');
}

describe("the DaemonSet's pods on this node", () => {
  const exited: RuntimeContainer = { ...container, state: 'exited' };

  it.each<[string, ReturnType<typeof podsOfFamily>, Partial<ReturnType<typeof podsOfFamily>[number]>[]]>([
    ['one that runs', pods([sandbox], [container]), [{ name: `ckpt/${NAME}`, uid: 'd1', running: true, ended: false }]],
    ['one whose container has ended', pods([sandbox], [exited]), [{ running: false, ended: true }]],
    ['one that runs again', pods([sandbox], [exited, { ...container, id: 'c2' }]), [{ running: true, ended: true }]],
    ['one with a sandbox alone', pods([sandbox], []), [{ running: false, ended: false }]],
    ['one that only the kubelet knows', pods([], []), [{ name: `ckpt/${NAME}`, running: false, ended: false }]],
    ['one of which the kubelet does not tell', pods([sandbox], [exited], undefined), [{ ended: true }]],
    ['none that the kubelet has no more', pods([sandbox], [exited], []), []],
    ['none whose sandbox has ended', pods([{ ...sandbox, ready: false }], [exited], []), []],
    ['a new one beside an ended sandbox of it', pods([{ ...sandbox, ready: false }], [exited]), [{ running: false, ended: false }]],
    ['none of another controller', pods([], [], ['ckpt/other-x7k2p', 'kube-system/agent-x7k2p', 'ckpt/agent-x7k2p-ckpt-n1']), []],
    ['none that is a copy', pods([{ ...sandbox, labels: { ...LABELS, 'checkpointer/copy': 'true' } }], [container], []), []],
    ['none that is our own', pods([{ ...sandbox, uid: 'static' }], [container], []), []],
  ])('%s', (_, found, expected) => {
    expect(found).toMatchObject(expected);
    expect(found).toHaveLength(expected.length);
  });

  it('are not known while the runtime or the family is not', () => {
    const kubelet = seen(new Set([`ckpt/${NAME}`]));
    expect(podsOfFamily({ runtime: unseen('no answer'), kubelet }, FAMILY, 'agent', 'static')).toEqual([]);
    expect(podsOfFamily({ runtime: seen({ sandboxes: [sandbox], containers: [] }), kubelet }, undefined, 'agent', 'static')).toEqual([]);
  });
});

describe('a takeover', () => {
  const idle = { name: `ckpt/${NAME}`, uid: 'd1', running: false, ended: false };
  const input: TakeoverInput = { pods: [idle], idleSince: new Map([[idle.name, 0]]), memory: undefined, now: 0, wall: WALL };
  const memory = {
    toUid: 'd1',
    at: new Date(WALL).toISOString(),
    bootId: 'b1',
    failures: 1,
    open: false,
    blockedUntil: new Date(WALL + 1_000).toISOString(),
  };

  it.each<[string, Partial<TakeoverInput>, string | undefined]>([
    ['of no pod fails not', { pods: [] }, undefined],
    ['may take a minute until a container is started', { now: NOT_STARTED_MS - 1 }, undefined],
    ['has failed when none was started after that', { now: NOT_STARTED_MS }, 'not-started'],
    ['may see its container start anew at once', { pods: [{ ...idle, ended: true }], now: ENDING_MS - 1 }, undefined],
    ['has failed when the ended container is not started anew', { pods: [{ ...idle, ended: true }], now: ENDING_MS }, 'ending'],
    ['is under way while the container runs', { pods: [{ ...idle, running: true, ended: true }], now: 900_000 }, undefined],
    ['has failed while the pod is not trusted', { pods: [{ ...idle, running: true }], memory }, 'blocked'],
    ['is tried again after the pause', { pods: [{ ...idle, running: true }], memory, wall: WALL + 1_000 }, undefined],
    ['of another pod is not blocked', { pods: [{ ...idle, uid: 'd2', running: true }], memory }, undefined],
    [
      'succeeds by another pod beside the failing one',
      { pods: [idle, { name: 'ckpt/agent-bbbbb', uid: 'd2', running: true, ended: false }], now: 900_000 },
      undefined,
    ],
  ])('%s', (_, change, trouble) => {
    const found = failedTakeover({ ...input, ...change });
    expect(found?.trouble).toBe(trouble);
    if (trouble !== undefined) expect(found?.message).toContain(`ckpt/${NAME}`);
  });

  it('is counted from the first look without a running container', () => {
    const first = watchIdle(new Map(), [idle], 5);
    expect([...watchIdle(first, [idle], 9)]).toEqual([[idle.name, 5]]);
    expect([...watchIdle(first, [{ ...idle, running: true }], 9)]).toEqual([]);
    expect([...watchIdle(first, [], 9)]).toEqual([]);
  });
});
