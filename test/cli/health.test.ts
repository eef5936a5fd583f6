/** What the kubelet hears on /healthz and /readyz, by what the agent is. */

import { expect, it } from 'vitest';
import type { AgentStatus } from '../../src/agent/status.ts';
import { healthOf, readyOf } from '../../src/cli/agent/agent.ts';
import { statusNotes } from '../../src/cli/inspect/status.ts';

const status: AgentStatus = {
  lastTurn: 100_000,
  lockHeld: true,
  sourcesSettled: true,
  checkpoints: [],
  refused: [],
  warnings: [],
  api: { state: 'reachable', evidence: 'requests succeed' },
};

it("is ready with the lock and settled sources, and never as the standby, which answers in the pod's stead", () => {
  expect(readyOf(status, 'daemonset').ok).toBe(true);
  expect(readyOf(status, 'process').ok).toBe(true);
  expect(readyOf({ ...status, lockHeld: false }, 'daemonset').ok).toBe(false);
  expect(readyOf({ ...status, sourcesSettled: false }, 'daemonset').ok).toBe(false);
  expect(readyOf(status, 'standby')).toEqual({ ok: false, detail: "the standby is in charge of this node, not the DaemonSet's pod" });
});

it('is not ready while the kubelet does not read staticPodPath, and says so', () => {
  const staticPodsUnread = 'staticPodPath /x: check it';
  expect(readyOf({ ...status, staticPodsUnread }, 'daemonset')).toEqual({ ok: false, detail: staticPodsUnread });
  expect(healthOf({ ...status, staticPodsUnread }, 100_000).ok).toBe(true);
});

it('tells in a line each which copies would not start, and is no less ready for it', () => {
  const hindered = (count: number): AgentStatus => ({
    ...status,
    hindrances: Array.from({ length: count }, (_, at) => ({
      key: `ns_web-${at}`,
      checkpoint: `ns/web-${at}`,
      reason: 'image-missing' as const,
      down: at === 0,
      message: 'Load it.',
      sinceWall: 0,
    })),
  });
  const linesOf = (count: number): readonly string[] => readyOf(hindered(count), 'daemonset').detail.split('\n');

  expect(readyOf(hindered(2), 'daemonset')).toEqual({
    ok: true,
    detail: 'API server reachable: requests succeed\nns/web-0: image-missing. Load it.\nns/web-1: would-not-start: image-missing. Load it.',
  });
  expect(linesOf(20)).toHaveLength(21);
  expect(linesOf(45)).toHaveLength(22);
  expect(linesOf(45).at(-1)).toBe('and 25 more; pod-checkpointer status lists all');
  const standby = readyOf(hindered(1), 'standby');
  expect(standby.ok).toBe(false);
  expect(standby.detail.split('\n')[1]).toBe('ns/web-0: image-missing. Load it.');
});

it('says beside its readiness that checkpoints of another node or cluster are stored, and stays ready', () => {
  const strangers = 'two stored checkpoints are of another node';
  expect(readyOf({ ...status, strangers }, 'daemonset')).toEqual({
    ok: true,
    detail: `API server reachable: requests succeed; ${strangers}`,
  });
  expect(statusNotes({ ...status, strangers })).toEqual([strangers]);
});

it('is not ready while it goes without its credentials, and says so', () => {
  const lacking = 'the agent has no credentials';
  expect(readyOf({ ...status, lacking }, 'daemonset')).toEqual({ ok: false, detail: lacking });
  expect(healthOf({ ...status, lacking }, 100_000).ok).toBe(true);
});

it('is healthy while the loop turns and the lock is held, whatever it is', () => {
  expect(healthOf(status, 159_999).ok).toBe(true);
  expect(healthOf(status, 160_000).ok).toBe(false);
  expect(healthOf({ ...status, lockHeld: false }, 100_000).ok).toBe(false);
});
