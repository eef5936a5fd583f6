/**
 * Tells whether the kubelet starts what is placed in staticPodPath, by the standby that the agent in its DaemonSet's
 * pod places. Says it once. The rule is in `core/self/static-pods-run.ts`, and nothing but readiness depends on it.
 */

import { FIRST_LOOK, unreadSentence, watchStart } from '../../core/self/static-pods-run.ts';
import type { Observation } from '../../core/turn/observation.ts';
import type { Ports } from '../../ports.ts';
import type { Held } from '../held.ts';
import type { AgentSettings } from '../settings.ts';

export interface StaticPods {
  look(o: Observation): void;
  /** One sentence while the kubelet does not start the standby. */
  unread(): string | undefined;
}

export function createStaticPods(ports: Ports, settings: AgentSettings, held: Held): StaticPods {
  const { role, ownUid } = settings.policy;
  let watch = FIRST_LOOK;
  let sentence: string | undefined;

  return {
    look(o) {
      if (role !== 'daemonset') return;
      const checkpoint = [...held.checkpoints.values()].find(({ record }) => record.self === true && record.parent.uid === ownUid);
      const placed = held.ledger.placed.find(({ key }) => key === checkpoint?.key);
      const before = watch.verdict;
      watch = watchStart(watch, { checkpoint, placed, o });
      sentence = watch.verdict === 'unread' && placed !== undefined ? unreadSentence(settings.staticPodPath, placed.file) : undefined;
      if (sentence !== undefined && before !== 'unread') ports.log.warn(sentence);
      if (watch.verdict === 'read' && before === 'unread') ports.log.info('The kubelet has started the standby after all');
    },
    unread: () => sentence,
  };
}
