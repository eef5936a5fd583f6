/** Tells that the API server answers and refuses us. A server that is away refuses nobody. */
import { DENIAL_CODES, type DenialTrack, denialSentence, trackDenial } from '../../core/api/denied.ts';
import type { ReachabilityState } from '../../core/api/reachability.ts';
import type { Ports } from '../../ports.ts';

export interface DenialNews {
  note(reach: ReachabilityState): void;
  /** One sentence while it lasts, from a few seconds on. */
  sentence(): string | undefined;
}

export function createDenialNews(ports: Pick<Ports, 'clock' | 'watch' | 'log' | 'meter'>): DenialNews {
  let track: DenialTrack | undefined;
  let sentence: string | undefined;
  /** Outlasts an outage: that a server which is back refuses us as before is no news. */
  let said: string | undefined;
  return {
    note(reach) {
      const { denied, healthy } = ports.watch.view();
      const now = ports.clock.now();
      track = trackDenial(track, reach.verdict === 'unreachable' ? undefined : denied, now);
      sentence = denialSentence(track, now);
      for (const [cause, code] of Object.entries(DENIAL_CODES))
        ports.meter.gauge('checkpointer_api_denied', sentence !== undefined && track?.denial === cause ? 1 : 0, { code });
      if (sentence !== undefined && sentence !== said) ports.log.error(sentence);
      if (sentence === undefined && said !== undefined && healthy) ports.log.info('The API server accepts our requests again');
      said = healthy ? undefined : (sentence ?? said);
    },
    sentence: () => sentence,
  };
}
