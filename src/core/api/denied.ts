/**
 * Does the API server refuse the agent, and for how long? That is no outage, so nothing is started for it. It is
 * no evidence either, so nothing is retired. What is left is to say so. Pure.
 */
import type { Millis } from '../model/model.ts';
import { since } from '../model/since.ts';

/** HTTP 401 and HTTP 403. */
export type Denial = 'unauthorized' | 'forbidden';

/** The metric's label of each. */
export const DENIAL_CODES: Readonly<Record<Denial, string>> = { unauthorized: '401', forbidden: '403' };

const SENTENCES: Readonly<Record<Denial, string>> = {
  unauthorized:
    'The API server does not accept our token (HTTP 401): nothing is captured or retired until it does, and what is stored starts in an outage as ever; check the service account, and restart the pod where the account was made anew',
  forbidden:
    'The API server does not let us list and watch pods (HTTP 403): nothing is captured or retired until it does, and what is stored starts in an outage as ever; check the cluster role and its binding',
};

/** A server that has just started, or a token that was just renewed, is refused for a moment. */
export const DENIAL_MS: Millis = 5_000;

export interface DenialTrack {
  readonly denial: Denial;
  readonly since: Millis;
}

/** `denial`: how the server refuses now; undefined: as far as is known it does not. */
export function trackDenial(before: DenialTrack | undefined, denial: Denial | undefined, now: Millis): DenialTrack | undefined {
  if (denial === undefined) return undefined;
  const same = before?.denial === denial ? before.since : undefined;
  return { denial, since: since(same, true, now) };
}

/** The sentence for people once it has lasted; undefined: all is well, or it is too early to tell. */
export function denialSentence(track: DenialTrack | undefined, now: Millis): string | undefined {
  return track !== undefined && now - track.since >= DENIAL_MS ? SENTENCES[track.denial] : undefined;
}
