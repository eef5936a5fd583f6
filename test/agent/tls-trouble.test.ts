/** TLS keeps the agent from the API server: told once, shown everywhere, and an outage only where nobody is served. */
import { afterEach, describe, expect, it } from 'vitest';
import { readyOf } from '../../src/cli/agent/agent.ts';
import { statusNotes } from '../../src/cli/inspect/status.ts';
import type { Probe, TlsReason } from '../../src/core/model/model.ts';
import { createWorld, type World } from '../fakes/world.ts';

let world: World;
afterEach(async () => world.stop());

const warned = (): readonly string[] => world.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
const gauges: Map<string, number> = new Map();

/** From now on the one server there is fails so. */
function fails(outcome: Probe['outcome'], tls: TlsReason, detail: string): void {
  world.api.healthy = false;
  world.api.outcome = outcome;
  Object.assign(world.ports.probe, {
    probe: async () => [{ endpoint: 'https://api', outcome, at: world.clock.now(), detail, direct: true, tls }],
  });
  world.podsChanged();
}

async function started(): Promise<void> {
  world = createWorld();
  Object.assign(world.ports.meter, {
    gauge: (name: string, value: number, labels: Record<string, string> = {}) => gauges.set(`${name} ${labels['reason'] ?? ''}`, value),
  });
  world.start();
  await world.clock.run(1_000);
}

describe('a server that TLS keeps us from', () => {
  it('is warned of once, shows in status, /readyz and metric, and is never an outage', async () => {
    await started();
    fails('tls', 'name', 'not in the list');
    await world.clock.run(300_000);

    expect(warned().filter((line) => line.startsWith('TLS with the API server at https://api fails: not in the list; '))).toHaveLength(1);
    const status = world.agent.status();
    expect(status.api).toMatchObject({ state: 'unsure', tls: warned()[0] });
    expect(statusNotes(status)).toEqual([status.api.tls]);
    expect(readyOf(status, 'daemonset')).toEqual({ ok: false, detail: `API server unsure: ${status.api.tls}` });
    expect(gauges.get('checkpointer_api_tls_failing name')).toBe(1);
    expect(gauges.get('checkpointer_api_tls_failing dates')).toBe(0);

    Object.assign(world.api, { healthy: true, outcome: 'ok' });
    world.podsChanged();
    await world.clock.run(15_000);
    expect(gauges.get('checkpointer_api_tls_failing name')).toBe(0);
    expect(world.agent.status().api.tls).toBeUndefined();
    expect(world.lines.filter(({ message }) => message === 'TLS with the API server works again')).toHaveLength(1);
  });

  it('is an outage after a minute where its certificate has expired, and the sentence names the date', async () => {
    await started();
    fails('expired', 'dates', 'its certificate has expired, it was valid until 2026-11-20T00:00:00Z');
    await world.clock.run(55_000);
    expect(world.agent.status().api.state).toBe('unsure');
    await world.clock.run(10_000);
    expect(world.agent.status().api).toMatchObject({
      state: 'unreachable',
      evidence: expect.stringContaining('valid until 2026-11-20T00:00:00Z'),
      tls: expect.stringContaining('kubeadm certs renew apiserver'),
    });
    expect(warned().filter((line) => line.startsWith('TLS with'))).toHaveLength(1);
  });
});
