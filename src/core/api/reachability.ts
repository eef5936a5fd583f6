/**
 * Is there an API server? Probe results over time become reachable, unreachable or unsure, with hysteresis.
 *
 * Pure: a state, one event, the next state. Anything that speaks HTTP as an API server does (401, 403, 429 and every
 * `Status` included) and any TLS verification failure is NOT an outage: the first proves that a server is there, the
 * second that something else is wrong, and starting copies would mend neither. The one exception is a certificate out
 * of its time: such a server serves nobody who verifies.
 */
import type { Millis, Probe, ProbeOutcome, Reachability } from '../model/model.ts';
import { type TlsTrouble, tlsTroubleIn } from './tls-trouble.ts';

export interface ReachabilityPolicy {
  /** Failed rounds until unreachable. */
  readonly probes: number;
  /** The failed rounds must span at least this long. */
  readonly windowMs: Millis;
  readonly bootFastPath: boolean;
}

/** Fast path: this many failed rounds that span this long, in milliseconds, are enough. */
export const FAST_PATH_ROUNDS = 2;
export const FAST_PATH_SPAN_MS = 500;
/**
 * What is there and serves nobody is only an outage after this long without an answer anywhere: a server that has lost
 * its storage, a balancer with no server behind it, a server whose certificate nobody accepts any more.
 */
export const DWELL_MS = 60_000;
/** Good rounds in a row that make an unreachable server reachable. */
export const GOOD_ROUNDS = 2;
/** A watch is opened anew every few minutes. So short a doubt is no break for those who count in minutes. */
export const BRIEF_DOUBT_MS = 10_000;

export interface ReachabilityState {
  readonly verdict: Reachability;
  /** Since when the verdict stands. */
  readonly since: Millis;
  /** When it last became reachable, and ceased to be; brief doubts in between are passed over. */
  readonly reachable?: { readonly from: Millis; readonly until?: Millis };
  /** A probe or a request has been answered since this process started. */
  readonly everAnswered: boolean;
  /** Consecutive rounds without an answer; `from` is the time at which the first began. */
  readonly failed: { readonly rounds: number; readonly from: Millis; readonly hard: boolean };
  /** Since the last answer: rounds in which something was there that serves nobody, and when the first ended. */
  readonly dwell?: { readonly rounds: number; readonly from: Millis };
  readonly good: number;
  /** Last moment of any answer: the first sign after an outage. */
  readonly lastAnswer?: Millis;
  /** The last round met a server that TLS kept us from. */
  readonly tls?: TlsTrouble;
  /** Words for people: what the last round saw. */
  readonly evidence: string;
}

export type ReachabilityEvent =
  /** Probes, sent at `from`; the last of them ended at `at`. */
  | {
      readonly kind: 'round';
      readonly from: Millis;
      readonly at: Millis;
      readonly probes: readonly Probe[];
      readonly nothingRunsHere: boolean;
    }
  /** An authenticated request succeeded, or the open watch showed life. */
  | { readonly kind: 'success'; readonly at: Millis }
  /** A sign from elsewhere that the server is back (the kubelet starts a parent): an older verdict proves nothing. */
  | { readonly kind: 'sign'; readonly at: Millis }
  /** The watch broke: what was reachable no longer is for sure. */
  | { readonly kind: 'lost'; readonly at: Millis };

const NO_FAILURES = { rounds: 0, from: 0, hard: true } as const;

/** Before anything was asked; `at` is the moment from which the verdict stands. */
export function initialReachability(at: Millis): ReachabilityState {
  return { verdict: 'unsure', since: at, everAnswered: false, failed: NO_FAILURES, good: 0, evidence: 'nothing asked yet' };
}

/** What is believed after this event. Pure, and total: any event may come in any state. */
export function nextReachability(state: ReachabilityState, event: ReachabilityEvent, policy: ReachabilityPolicy): ReachabilityState {
  switch (event.kind) {
    case 'success':
      return settle(
        { ...withoutTrouble(answered(state, event.at)), good: GOOD_ROUNDS, evidence: 'requests succeed' },
        'reachable',
        event.at,
      );
    case 'sign':
      if (state.verdict !== 'unreachable') return state;
      return settle({ ...withoutDwell(state), failed: NO_FAILURES, good: 0, evidence: 'a local sign that it is back' }, 'unsure', event.at);
    case 'lost':
      return state.verdict === 'reachable' ? settle({ ...state, good: 0, evidence: 'the watch ended' }, 'unsure', event.at) : state;
    case 'round': {
      const tls = tlsTroubleIn(event.probes);
      return { ...withoutTrouble(afterRound(state, event, policy)), ...(tls === undefined ? {} : { tls }) };
    }
  }
}

/** `idle`: what answered serves nobody. */
type RoundClass = 'answer' | 'storage' | 'murky' | 'idle' | 'failed';

const OUTCOME_CLASS: Readonly<Record<ProbeOutcome, RoundClass>> = {
  ok: 'answer',
  answered: 'answer',
  storage: 'storage',
  tls: 'murky',
  refused: 'failed',
  reset: 'failed',
  timeout: 'failed',
  unroutable: 'failed',
  dns: 'failed',
  gateway: 'idle',
  expired: 'idle',
};

/** A learnt address that fails to verify may be another machine's by now: it delays a verdict, and forbids none. */
function classOf({ outcome, learnt }: Probe): RoundClass {
  return outcome === 'tls' && learnt === true ? 'idle' : OUTCOME_CLASS[outcome];
}

/** A round speaks with the voice of its most reassuring endpoint: one answer anywhere is an answer. */
function classify(probes: readonly Probe[]): RoundClass {
  const classes = new Set(probes.map(classOf));
  for (const candidate of ['answer', 'storage', 'murky', 'idle'] as const) if (classes.has(candidate)) return candidate;
  return probes.length === 0 ? 'murky' : 'failed';
}

/** What was refused or silent needs no more words; what was there and did not serve us does. */
function told({ endpoint, outcome, detail, tls }: Probe): string {
  return outcome === 'gateway' || tls !== undefined ? `${endpoint}: ${outcome} (${detail})` : `${endpoint}: ${outcome}`;
}

type Round = Extract<ReachabilityEvent, { kind: 'round' }>;

function afterRound(state: ReachabilityState, round: Round, policy: ReachabilityPolicy): ReachabilityState {
  const evidence = round.probes.map(told).join(', ') || 'no endpoint to ask';
  switch (classify(round.probes)) {
    case 'answer': {
      const next = { ...answered(state, round.at), good: state.good + 1, evidence };
      return settle(next, next.good >= GOOD_ROUNDS || state.verdict === 'reachable' ? 'reachable' : 'unsure', round.at);
    }
    case 'storage':
      return afterIdle({ ...state, everAnswered: true, lastAnswer: round.at }, round, evidence, policy);
    case 'idle':
      return afterIdle(state, round, evidence, policy);
    case 'murky':
      return settle({ ...withoutDwell(state), failed: NO_FAILURES, good: 0, evidence }, 'unsure', round.at);
    case 'failed':
      return afterFailure(state, round, evidence, policy);
  }
}

/** Rounds that fail in between do not end the dwell: nobody was served then either. */
function afterIdle(state: ReachabilityState, round: Round, evidence: string, policy: ReachabilityPolicy): ReachabilityState {
  const dwell = { rounds: (state.dwell?.rounds ?? 0) + 1, from: state.dwell?.from ?? round.at };
  const next = { ...state, failed: NO_FAILURES, dwell, good: 0, evidence };
  const over = dwell.rounds >= policy.probes && round.at - dwell.from >= DWELL_MS;
  return settle(next, over ? 'unreachable' : keepUnreachable(state), round.at);
}

function afterFailure(state: ReachabilityState, round: Round, evidence: string, policy: ReachabilityPolicy): ReachabilityState {
  const hard = isHard(round.probes);
  const first = state.failed.rounds === 0;
  const failed = {
    rounds: state.failed.rounds + 1,
    // its begin, as the pace counts: from its end on, a slow first round would put off the verdict by a whole round
    from: first ? Math.max(round.from, state.lastAnswer ?? round.from) : state.failed.from,
    hard: hard && (first || state.failed.hard),
  };
  const span = round.at - failed.from;
  const ordinary = failed.rounds >= policy.probes && span >= policy.windowMs;
  const fast =
    policy.bootFastPath &&
    !state.everAnswered &&
    round.nothingRunsHere &&
    failed.hard &&
    failed.rounds >= FAST_PATH_ROUNDS &&
    span >= FAST_PATH_SPAN_MS;
  const next = { ...state, failed, good: 0, evidence };
  return settle(next, ordinary || fast ? 'unreachable' : keepUnreachable(state), round.at);
}

/**
 * Nobody listens, and that is certain. The service address alone proves nothing: kube-proxy may be what is missing. Nor
 * does an address without a way to it: this node's network may be what is not up yet.
 */
function isHard(probes: readonly Probe[]): boolean {
  const servers = probes.filter((probe) => probe.direct);
  const ofService = probes.filter((probe) => !probe.direct);
  return (
    servers.length > 0 &&
    servers.every((probe) => probe.outcome === 'refused') &&
    ofService.every((probe) => probe.outcome === 'refused' || probe.outcome === 'unroutable')
  );
}

function keepUnreachable(state: ReachabilityState): Reachability {
  return state.verdict === 'unreachable' ? 'unreachable' : 'unsure';
}

function withoutDwell(state: ReachabilityState): ReachabilityState {
  const { dwell: _, ...rest } = state;
  return rest;
}

function withoutTrouble(state: ReachabilityState): ReachabilityState {
  const { tls: _, ...rest } = state;
  return rest;
}

function withoutReachable(state: ReachabilityState): ReachabilityState {
  const { reachable: _, ...rest } = state;
  return rest;
}

function answered(state: ReachabilityState, at: Millis): ReachabilityState {
  return { ...withoutDwell(state), everAnswered: true, lastAnswer: at, failed: NO_FAILURES };
}

function settle(state: ReachabilityState, verdict: Reachability, at: Millis): ReachabilityState {
  if (verdict === state.verdict) return state;
  const next = { ...state, verdict, since: at };
  // what follows an outage is a beginning
  if (verdict === 'unreachable') return withoutReachable(next);
  if (verdict === 'reachable') return { ...next, reachable: { from: inBriefDoubt(state, at) ? reachableFrom(state) : at } };
  return state.verdict === 'reachable' ? { ...next, reachable: { from: reachableFrom(state), until: at } } : next;
}

/** Of a reachable server: since when, but for brief doubts. */
export function reachableFrom(state: Pick<ReachabilityState, 'since' | 'reachable'>): Millis {
  return state.reachable?.from ?? state.since;
}

/** In doubt for so short a time that it counts as no break. */
export function inBriefDoubt({ verdict, reachable }: Pick<ReachabilityState, 'verdict' | 'reachable'>, now: Millis): boolean {
  return verdict === 'unsure' && reachable?.until !== undefined && now - reachable.until <= BRIEF_DOUBT_MS;
}
