/**
 * A whole site loses power and comes back at one instant, but its API servers later: how many handshakes a second do
 * its nodes cost them? Every node follows the agent's own belief and schedule (`core/api/`); nothing is sent, and time
 * is a number.
 *
 * Each node is the worst of its kind. It boots in the same millisecond as all others, its standby decides (which has no
 * watch, and so probes on while the server answers), and its copies wait on the host network until the kubelet has its
 * pods. Then the DaemonSet's agent takes over, whose watch is open before its first round would be due.
 */

import { nextRoundIn, type Silence, silenceAfter, silenceFrom, stirred } from '../../src/core/api/probe-schedule.ts';
import { initialReachability, nextReachability, type ReachabilityPolicy } from '../../src/core/api/reachability.ts';
import type { Millis, Probe } from '../../src/core/model/model.ts';

export interface HerdOptions {
  readonly nodes: number;
  /** When the API servers answer, after the nodes' power came back. */
  readonly serverUpAt: Millis;
  /** What is counted. */
  readonly lastsMs: Millis;
  readonly random: () => number;
  /** Slower than the boot of any other node by up to this; 0: all in one instant. */
  readonly bootSpreadMs?: Millis;
}

export interface Herd {
  /** Handshakes that probes cost one endpoint, in each second. */
  readonly handshakes: readonly number[];
  /** Attempts to connect that found nobody, in each second: a packet and its refusal. */
  readonly refused: readonly number[];
  /** Connections of the watches, in each second: one a node, and no probe. */
  readonly watches: readonly number[];
  /** From a node's first round to its verdict, the slowest node; from the server's being there to its first answer. */
  readonly slowestVerdictMs: Millis;
  readonly slowestAnswerMs: Millis;
}

const POLICY: ReachabilityPolicy = { probes: 3, windowMs: 6_000, bootFastPath: true };
const ROUND_TRIP_MS: Millis = 2;
/** From verdict to manifest. */
const PLACED_AFTER_MS: Millis = 200;
/** A kubelet that started offline has its pods so long after the server is back (seen: 8 to 48 s). */
const KUBELET_FIRST_MS: Millis = 8_000;
const KUBELET_LAST_MS: Millis = 48_000;
/** Then its parents come, */
const HANDED_BACK_AFTER_MS: Millis = 1_500;
/** and the DaemonSet's pod of the agent, for which the standby makes way. */
const TAKEN_OVER_AFTER_MS: Millis = 5_000;

export function herd(options: HerdOptions): Herd {
  const seconds = Math.ceil(options.lastsMs / 1_000);
  const counts = { handshakes: row(seconds), refused: row(seconds), watches: row(seconds) };
  let slowestVerdictMs = 0;
  let slowestAnswerMs = 0;
  for (let node = 0; node < options.nodes; node += 1) {
    const life = liveThrough(options, (what, at) => {
      const second = Math.floor(at / 1_000);
      if (second < seconds) counts[what][second] = (counts[what][second] ?? 0) + 1;
    });
    slowestVerdictMs = Math.max(slowestVerdictMs, life.verdictMs);
    slowestAnswerMs = Math.max(slowestAnswerMs, life.answerMs);
  }
  return { ...counts, slowestVerdictMs, slowestAnswerMs };
}

function row(seconds: number): number[] {
  return new Array<number>(seconds).fill(0);
}

/** One node from its boot until its DaemonSet's agent has a watch. */
function liveThrough(
  { serverUpAt, lastsMs, random, bootSpreadMs = 0 }: HerdOptions,
  count: (what: 'handshakes' | 'refused' | 'watches', at: Millis) => void,
): { readonly verdictMs: Millis; readonly answerMs: Millis } {
  const bootedAt = random() * bootSpreadMs;
  const kubeletAt = Math.max(serverUpAt, bootedAt) + KUBELET_FIRST_MS + random() * (KUBELET_LAST_MS - KUBELET_FIRST_MS);
  let reach = initialReachability(bootedAt);
  let silence: Silence = silenceFrom(bootedAt);
  let lastRound: Millis | undefined;
  let placedAt = Number.POSITIVE_INFINITY;
  let verdictMs = 0;
  let answerMs = 0;
  let jitter = random();
  let now = bootedAt;
  const wait = (at: Millis) => {
    const waiting = at >= placedAt && at < kubeletAt + HANDED_BACK_AFTER_MS ? ('copies' as const) : ('nobody' as const);
    return { watchHealthy: false, lastRound, waiting, uncovered: false, silence, jitter, now: at };
  };
  /** What may happen here before the next round, and move it. */
  const stirs = (): Millis[] =>
    [placedAt, kubeletAt, kubeletAt + HANDED_BACK_AFTER_MS, kubeletAt + TAKEN_OVER_AFTER_MS].filter((at) => at > now);
  while (now < lastsMs) {
    const due = nextRoundIn(reach, wait(now), POLICY) ?? 0;
    const stir = Math.min(...stirs());
    if (due > 0 && stir < now + due) {
      now = stir;
      if (now === placedAt || now === kubeletAt) silence = stirred(silence, now);
      if (now === kubeletAt + TAKEN_OVER_AFTER_MS) {
        count('watches', now);
        break;
      }
      continue;
    }
    now += due;
    if (now >= lastsMs) break;
    const up = now >= serverUpAt;
    count(up ? 'handshakes' : 'refused', now);
    lastRound = now;
    jitter = random();
    const before = reach;
    reach = nextReachability(reach, roundAt(now, up), POLICY);
    silence = silenceAfter(silence, reach, now + ROUND_TRIP_MS);
    if (up && before.lastAnswer === undefined) answerMs = now - Math.max(serverUpAt, bootedAt);
    if (reach.verdict === 'unreachable' && placedAt === Number.POSITIVE_INFINITY) {
      verdictMs = now + ROUND_TRIP_MS - bootedAt;
      placedAt = now + PLACED_AFTER_MS;
    }
  }
  return { verdictMs, answerMs };
}

function roundAt(from: Millis, up: boolean) {
  const at = from + ROUND_TRIP_MS;
  const probe: Probe = { endpoint: 'https://api', outcome: up ? 'ok' : 'refused', at, detail: '', direct: true };
  return { kind: 'round', from, at, probes: [probe], nothingRunsHere: true } as const;
}

/** Numbers in [0, 1) that are the same in every run with this seed (an additive sequence through a 32-bit mixer). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
