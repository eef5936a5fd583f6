/** Which pods of this node cannot be checkpointed, and why. Says every refusal once, with all its reasons. */
import type { RawPod } from '../../core/model/model.ts';
import type { Refusal } from '../../core/model/refusal.ts';
import type { Ports } from '../../ports.ts';
import { nameOf, uidOf } from './pod.ts';

export interface RefusedPod {
  readonly namespace: string;
  readonly name: string;
  readonly reasons: readonly Refusal[];
}

export interface Refusals {
  refuse(pod: RawPod, reasons: readonly Refusal[]): void;
  /** It is refused no longer. */
  lift(pod: RawPod): void;
  /** Forgets the pods that are gone. */
  keepOnly(uids: ReadonlySet<string>): void;
  /** Brings the gauge up to date. */
  count(): void;
  all(): readonly RefusedPod[];
}

export function createRefusals(ports: Pick<Ports, 'log' | 'meter'>): Refusals {
  const refused = new Map<string, RefusedPod>();
  return {
    refuse(pod, reasons) {
      const before = refused.get(uidOf(pod));
      const entry: RefusedPod = { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '', reasons };
      refused.set(uidOf(pod), entry);
      if (JSON.stringify(before) === JSON.stringify(entry)) return;
      ports.log.warn('The pod cannot be checkpointed', { checkpoint: nameOf(pod), reasons });
    },
    lift(pod) {
      refused.delete(uidOf(pod));
    },
    keepOnly(uids) {
      for (const uid of refused.keys()) if (!uids.has(uid)) refused.delete(uid);
    },
    count() {
      // by reason; a pod with two reasons counts twice
      const counts = new Map<string, number>();
      for (const { code } of [...refused.values()].flatMap((pod) => pod.reasons)) counts.set(code, (counts.get(code) ?? 0) + 1);
      ports.meter.gauges(
        'checkpointer_refused',
        [...counts].map(([reason, value]) => ({ labels: { reason }, value })),
      );
    },
    all: () => [...refused.values()],
  };
}
