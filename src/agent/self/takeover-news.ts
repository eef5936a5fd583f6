/** Tells why the DaemonSet's pod does not take over from the standby. Nothing is decided by it. */
import { type FailedTakeover, failedTakeover, type IdleSince, podsOfFamily, TROUBLES, watchIdle } from '../../core/self/takeover.ts';
import { daemonSetOf, type Family } from '../../core/self/yield.ts';
import type { Observation } from '../../core/turn/observation.ts';
import type { Ports } from '../../ports.ts';
import type { Held } from '../held.ts';

export interface TakeoverNews {
  /** A crashed image or a volume that is not there would else look like a calm node. */
  look(o: Observation, family: Family | undefined): void;
  /** That a pod lost the lock at once, and is not trusted for a while, stands in the log already. */
  lossIsSaid(): void;
  failed(): FailedTakeover | undefined;
}

export function createTakeoverNews(ports: Pick<Ports, 'log' | 'meter'>, held: Held, ownUid: string | undefined): TakeoverNews {
  let idleSince: IdleSince = new Map();
  let failed: FailedTakeover | undefined;
  let lossSaid = false;
  /** Pod and trouble: what comes and goes with every try of a crashing container is said once. */
  const said = new Set<string>();
  return {
    look(o, family) {
      const pods = podsOfFamily(o, family, daemonSetOf([...held.checkpoints.values()]), ownUid);
      idleSince = watchIdle(idleSince, pods, o.now);
      failed = failedTakeover({ pods, idleSince, memory: held.ledger.yielded, now: o.now, wall: o.wall });
      for (const reason of TROUBLES) ports.meter.gauge('checkpointer_takeover_failing', failed?.trouble === reason ? 1 : 0, { reason });
      if (failed === undefined || (failed.trouble === 'blocked' && lossSaid) || said.has(`${failed.pod} ${failed.trouble}`)) return;
      said.add(`${failed.pod} ${failed.trouble}`);
      ports.log.error("The DaemonSet's pod does not take over; the standby stays in charge", {
        pod: failed.pod,
        reason: failed.trouble,
        why: failed.message,
      });
    },
    lossIsSaid() {
      lossSaid = true;
    },
    failed: () => failed,
  };
}
