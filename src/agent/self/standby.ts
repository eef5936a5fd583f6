/**
 * The standby in charge: says so, remembers whether its last yield lasted, makes way for the DaemonSet's pod when
 * `core/self/yield.ts` says so, and tells why that pod does not take over. Chooses nothing itself. Of any other agent
 * it only writes down that it ended in order.
 */

import { messageOf } from '../../core/model/errors.ts';
import { barred } from '../../core/model/ledger.ts';
import type { YieldMemory } from '../../core/model/model.ts';
import type { FailedTakeover } from '../../core/self/takeover.ts';
import {
  afterEnd,
  afterReturn,
  agentContainers,
  familyOf,
  type RunningSince,
  shouldYield,
  watchAgents,
  yieldTo,
} from '../../core/self/yield.ts';
import type { Mind } from '../../core/turn/mind.ts';
import type { Observation } from '../../core/turn/observation.ts';
import type { Ports } from '../../ports.ts';
import type { Held } from '../held.ts';
import type { AgentSettings } from '../settings.ts';
import { createTakeoverNews } from './takeover-news.ts';

export interface Standby {
  /** Once, when the lock is ours and the ledger was read. */
  begin(): Promise<void>;
  /** True: this process has to end now, so that the DaemonSet's pod gets the lock. */
  yields(o: Observation, mind: Mind): Promise<boolean>;
  /** Why the DaemonSet's pod does not take over; undefined: nothing is wrong, or this is no standby. */
  takeover(): FailedTakeover | undefined;
  /** Once, when this process was told to stop. */
  end(): Promise<void>;
}

export function createStandby(ports: Ports, settings: AgentSettings, held: Held): Standby {
  const isStandby = settings.policy.role === 'standby';
  const news = createTakeoverNews(ports, held, settings.policy.ownUid);
  let runningSince: RunningSince = new Map();
  let unknownSaid = false;

  async function begin(): Promise<void> {
    if (!isStandby) return;
    const before = held.ledger.yielded;
    const memory = afterReturn(before, settings.where.bootId, ports.clock.wall());
    if (before?.open === true && memory !== undefined) {
      news.lossIsSaid();
      ports.log.error("The DaemonSet's pod got the lock and lost it at once; the standby stays in charge", {
        podUid: memory.toUid,
        failures: memory.failures,
        until: memory.blockedUntil,
      });
    } else ports.log.info('The standby is in charge: it acts by what this node shows, without credentials for the API server');
    if (memory !== before) await remember(memory);
  }

  async function yields(o: Observation, mind: Mind): Promise<boolean> {
    if (!isStandby || !o.runtime.known) return false;
    const ownUid = settings.policy.ownUid;
    const family = familyOf(o.runtime.value, ownUid, [...held.checkpoints.values()]);
    if (family === undefined && !unknownSaid)
      ports.log.error("The standby cannot tell the DaemonSet's pods: neither its own sandbox nor a stored checkpoint shows their labels");
    unknownSaid = family === undefined;
    const containers = agentContainers(o.runtime.value, family, ownUid);
    runningSince = watchAgents(runningSince, containers, o.now);
    news.look(o, family);
    const { ledger } = held;
    const blocked = containers.some(({ podUid }) => barred(ledger.yielded, podUid, o.wall));
    ports.meter.gauge('checkpointer_yield_blocked', blocked ? 1 : 0);
    const to = shouldYield({ containers, runningSince, ledger, mind, withdrawing: held.withdrawing.size > 0, now: o.now, wall: o.wall });
    if (to === undefined) return false;
    await remember(yieldTo(to, ledger.yielded, o));
    ports.log.info("The standby makes way for the DaemonSet's pod", { podUid: to });
    return true;
  }

  async function end(): Promise<void> {
    const memory = afterEnd(held.ledger.yielded, settings.policy);
    if (memory !== held.ledger.yielded) await remember(memory);
  }

  /** A disk that cannot be written must not keep a fresh instance out: the kubelet's own back-off is left then. */
  async function remember(memory: YieldMemory | undefined): Promise<void> {
    const { yielded: _, ...rest } = held.ledger;
    const next = memory === undefined ? rest : { ...rest, yielded: memory };
    try {
      await held.writeLedger(next);
    } catch (error) {
      ports.log.error('A yield could not be written down', { error: messageOf(error) });
    }
  }

  return { begin, yields, takeover: () => news.failed(), end };
}
