/** Tells that TLS keeps the agent from a server, once for each server and reason, and that it does so no longer. */
import type { ReachabilityState } from '../../core/api/reachability.ts';
import { TLS_REMEDIES, tlsSentence } from '../../core/api/tls-trouble.ts';
import type { Ports } from '../../ports.ts';

export function createTlsNews({ log, meter }: Pick<Ports, 'log' | 'meter'>): (reach: ReachabilityState) => void {
  const said = new Set<string>();
  return ({ tls, verdict }) => {
    for (const reason of Object.keys(TLS_REMEDIES)) meter.gauge('checkpointer_api_tls_failing', tls?.reason === reason ? 1 : 0, { reason });
    const sentence = tlsSentence(tls);
    if (tls !== undefined && sentence !== undefined) {
      // of an expired certificate the words change with the clock
      const about = `${tls.endpoint} ${tls.reason}`;
      if (!said.has(about)) log.warn(sentence);
      said.add(about);
    } else if (said.size > 0 && verdict === 'reachable') {
      log.info('TLS with the API server works again');
      said.clear();
    }
  };
}
