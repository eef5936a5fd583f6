/** What is said where TLS keeps the agent from a server. */
import { expect, it } from 'vitest';
import { TLS_REMEDIES, tlsSentence, tlsTroubleIn } from '../../../src/core/api/tls-trouble.ts';
import type { Probe, TlsReason } from '../../../src/core/model/model.ts';

const probe = (endpoint: string, tls?: TlsReason, learnt = false): Probe => ({
  endpoint,
  outcome: tls === undefined ? 'refused' : 'tls',
  at: 0,
  direct: true,
  detail: `said of ${endpoint}`,
  ...(tls === undefined ? {} : { tls }),
  ...(learnt ? { learnt } : {}),
});

it('is the first server that was configured; an address that was learnt may be another machine by now', () => {
  expect(tlsTroubleIn([probe('a'), probe('b', 'name', true), probe('c', 'authority'), probe('d', 'other')])).toEqual({
    endpoint: 'c',
    reason: 'authority',
    said: 'said of c',
  });
  expect(tlsTroubleIn([probe('a'), probe('b', 'name', true)])).toBeUndefined();
});

it.each(Object.keys(TLS_REMEDIES) as TlsReason[])('is one sentence with the words of the library and what to do: %s', (reason) => {
  expect(tlsSentence({ endpoint: 'https://a', reason, said: 'bad' })).toBe(
    `TLS with the API server at https://a fails: bad; ${TLS_REMEDIES[reason]}`,
  );
  expect(tlsSentence(undefined)).toBeUndefined();
});
