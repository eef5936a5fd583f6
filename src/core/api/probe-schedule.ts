/**
 * When is the next round of probes due? Quick while it matters, slower with the age of an outage, and never all nodes
 * of a site at once. Pure: chance comes in as a number.
 *
 * Each round is a new connection to every endpoint. While a server is away that costs the node a wake-up and the wire a
 * packet; once it is back it costs the server a TLS handshake, from every node that lost it at the same moment. So what
 * a long outage has slowed down stays slow for two minutes after its end, but for nodes where something waits for it.
 */
import type { Millis } from '../model/model.ts';
import { FAST_PATH_SPAN_MS, type ReachabilityPolicy, type ReachabilityState } from './reachability.ts';

/** So many quick rounds at the start: the runtime, whose word the fast path needs, may come up after us. */
const START_UP_ROUNDS = 20;
/** While copies are placed the first sign of the server must be seen before the kubelet acts on it (0.4 s at best). */
export const HAND_BACK_PACE_MS: Millis = 250;
/**
 * Where no watch tells, the server answers and nothing waits (a refused token, a standby in charge). An outage is
 * judged 8 s after it began at the latest: this pace takes 1.5 s at worst, the window 6 s, turns and probes the rest.
 *
 * Each round is a new connection to the server, but such nodes are few. Were a thousand refused at once, each endpoint
 * would see 700 handshakes a second.
 */
export const STEADY_PACE_MS: Millis = 1_500;
/** While the verdict is open or negative, however wide the window is. */
export const SLOWEST_DOUBT_PACE_MS: Millis = 3_000;
/** A silence that is younger is asked about as quickly as ever. */
export const FRESH_MS: Millis = 30_000;
/** A silence is asked about at intervals of a tenth of its age beyond that, */
const AGE_SHARE = 0.1;
/** and at least this often. */
export const SLOWEST_PACE_MS: Millis = 15_000;
/** A copy whose manifest must be gone before the kubelet has its pods (8 s after the server is back, at best). */
export const FIRST_SIGN_PACE_MS: Millis = 2_000;
/** A slow interval is longer by up to this share of itself, so that nodes which began together drift apart. */
export const JITTER_SHARE = 1 / 3;
/** A watch that is being opened for the first time has this long to make the first round needless. */
export const HEAD_START_MS: Millis = 500;
/** So long after its last sign the server, or the kubelet, is expected to do something soon. */
export const SIGN_MS: Millis = 120_000;

/** Since when, and until when, does nobody answer? */
export interface Silence {
  /** When it began: the last one, if it is over. */
  readonly from: Millis;
  /** When an answer ended it. */
  readonly endedAt?: Millis;
  /** Something happened here after which an answer may come any moment: the kubelet gave a sign, a copy was placed. */
  readonly stirredAt?: Millis;
}

/** Of a process that has just started. */
export function silenceFrom(at: Millis): Silence {
  return { from: at };
}

/** With what one event has made of the belief. An answer that does not last does not end a silence. */
export function silenceAfter(silence: Silence, after: ReachabilityState, at: Millis): Silence {
  const { from, endedAt } = silence;
  if (answers(after)) return endedAt === undefined ? { from, endedAt: at } : silence;
  if (endedAt === undefined) return silence;
  return at - endedAt < SIGN_MS ? { from } : { from: at };
}

export function stirred(silence: Silence, at: Millis): Silence {
  return { ...silence, stirredAt: at };
}

/** For whom does the first sign of the server have to be seen? */
export type Waiting = 'nobody' | 'copies' | 'first-sign';

/** What the next round of probes waits for. */
export interface ProbeWait {
  /** A healthy watch is better evidence than any probe. */
  readonly watchHealthy: boolean;
  /** The watch is being opened for the first time, and may soon tell more than a probe. */
  readonly watchOpens?: boolean;
  /** When the last round began; undefined: there was none. */
  readonly lastRound: Millis | undefined;
  /** The copies that wait to hand back, by the most urgent. */
  readonly waiting: Waiting;
  /** Some parent does not run, and no copy stands in for it: a verdict is waited for. */
  readonly uncovered: boolean;
  readonly silence: Silence;
  /** In [0, 1), drawn anew for each round. */
  readonly jitter: number;
  readonly now: Millis;
}

/** Milliseconds until the next round is due; undefined: none is needed, for a quiet agent asks nothing. */
export function nextRoundIn(state: ReachabilityState, wait: ProbeWait, policy: ReachabilityPolicy): Millis | undefined {
  if (wait.watchHealthy) return undefined;
  if (wait.lastRound === undefined) return wait.watchOpens === true ? Math.max(0, wait.silence.from + HEAD_START_MS - wait.now) : 0;
  return Math.max(0, wait.lastRound + paceOf(state, wait, policy) - wait.now);
}

/** Milliseconds from the begin of one round to that of the next. */
function paceOf(state: ReachabilityState, wait: ProbeWait, policy: ReachabilityPolicy): Millis {
  if (startsUp(state, policy)) return FAST_PATH_SPAN_MS;
  const quick = quickPace(state, wait, policy);
  const calm = calmPace(state, wait, policy);
  return calm <= quick ? quick : calm;
}

/** As if the silence had begun, or ended, this moment. */
function quickPace(state: ReachabilityState, { waiting, silence, now }: ProbeWait, policy: ReachabilityPolicy): Millis {
  const longAnswering = silence.endedAt !== undefined && now - silence.endedAt >= SIGN_MS;
  if (waiting !== 'nobody' && !longAnswering) return HAND_BACK_PACE_MS;
  return state.verdict === 'reachable' ? STEADY_PACE_MS : doubtPace(policy);
}

/** By the age of the silence; where one has just ended, by the age that it had. With the jitter. */
function calmPace(state: ReachabilityState, { waiting, uncovered, silence, jitter, now }: ProbeWait, policy: ReachabilityPolicy): Millis {
  const { from, endedAt, stirredAt = from } = silence;
  const over = answers(state) && endedAt !== undefined;
  if (over && (uncovered || now - endedAt >= SIGN_MS)) return 0;
  const age = over ? endedAt - from : now - Math.max(from, stirredAt);
  const byAge = AGE_SHARE * Math.max(0, age - FRESH_MS);
  if (waiting === 'first-sign') return Math.min(byAge, FIRST_SIGN_PACE_MS);
  // a verdict that is still open is not put off
  const slowest = over || state.verdict === 'unreachable' ? SLOWEST_PACE_MS : doubtPace(policy) / (1 + JITTER_SHARE);
  return Math.min(byAge, slowest) * (1 + JITTER_SHARE * jitter);
}

function doubtPace({ windowMs, probes }: ReachabilityPolicy): Millis {
  return Math.min(windowMs / Math.max(1, probes - 1), SLOWEST_DOUBT_PACE_MS);
}

/** The last word of the server was an answer. */
function answers({ verdict, good }: ReachabilityState): boolean {
  return verdict === 'reachable' || good > 0;
}

/** The fast path may still be taken. */
function startsUp(state: ReachabilityState, policy: ReachabilityPolicy): boolean {
  return policy.bootFastPath && !state.everAnswered && state.verdict === 'unsure' && state.failed.rounds < START_UP_ROUNDS;
}
