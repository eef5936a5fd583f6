/** What the kubelet hears on /healthz and /readyz, by what the agent is. */

import { expect, it } from 'vitest';
import type { AgentStatus } from '../../src/agent/status.ts';
import { healthOf, readyOf } from '../../src/cli/agent/agent.ts';

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

it('is healthy while the loop turns and the lock is held, whatever it is', () => {
  expect(healthOf(status, 159_999).ok).toBe(true);
  expect(healthOf(status, 160_000).ok).toBe(false);
  expect(healthOf({ ...status, lockHeld: false }, 100_000).ok).toBe(false);
});
