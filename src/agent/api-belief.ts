/**
 * What the agent believes of the API server, from what the watch shows and what probes find. The judgement itself is
 * `core/api/reachability.ts`; here it is fed, and the probes are sent that it needs, beside the turns.
 */
import { nextRoundIn, type Silence, silenceAfter, silenceFrom, stirred, type Waiting } from '../core/api/probe-schedule.ts';
import { initialReachability, nextReachability, type ReachabilityEvent, type ReachabilityState } from '../core/api/reachability.ts';
import type { Millis, RuntimeView } from '../core/model/model.ts';
import { nothingFromApiRuns } from '../core/turn/here.ts';
import { doubted } from '../core/turn/witness.ts';
import type { Ports } from '../ports.ts';
import type { AgentSettings } from './settings.ts';

export interface ApiBelief {
  /** As of this moment. A turn takes it once: a probe that ends meanwhile is for the next one. */
  now(): ReachabilityState;
  /** Takes in whether the watch is healthy; that it became so, or no longer is, is news. */
  learnFromWatch(): void;
  /** The kubelet starts the parent, so the server must have been there: an older verdict proves nothing. */
  learnFromSign(at: Millis): void;
  /** What the kubelet has from an API server that does not answer us; undefined: nothing, or nothing any more. */
  learnFromWitness(words: string | undefined): void;
  /** The kubelet has something new from an API server: one may answer us any moment. */
  learnFromKubelet(at: Millis): void;
  /** What a turn has done and left: a copy just placed may be a server, and a parent may lack both pod and copy. */
  learnFromTurn(told: { readonly placed: boolean; readonly uncovered: boolean }, at: Millis): void;
  /** When the API server or the kubelet last gave a sign of life that was news. */
  lastSign(): Millis | undefined;
  /** Whether anything runs here that the kubelet got from the API server: the fast path at boot rests on it. */
  learnFromRuntime(view: RuntimeView): void;
  /**
   * Sends a round of probes where one is due. Milliseconds until one is; undefined: none is needed, or one is out, and
   * its end is told.
   */
  probeWhenDue(waiting: Waiting): Millis | undefined;
}

export interface ApiBeliefListener {
  /** The verdict is another one. */
  changed(before: ReachabilityState, after: ReachabilityState): void;
  /** A round of probes has ended. */
  probed(): void;
}

export interface ApiBeliefOptions {
  /** Numbers in [0, 1): so that the nodes of a site do not ask at the same moments. Left out: 0. */
  readonly random?: (() => number) | undefined;
  /** There is a watch, which is opened when the agent starts. */
  readonly watchOpens?: boolean;
}

export function createApiBelief(
  ports: Pick<Ports, 'clock' | 'watch' | 'probe'>,
  policy: AgentSettings['reachability'],
  listener: ApiBeliefListener,
  { random = () => 0, watchOpens = false }: ApiBeliefOptions = {},
): ApiBelief {
  let reach = initialReachability(ports.clock.now());
  let silence = silenceFrom(ports.clock.now());
  let sign: Millis | undefined;
  let uncovered = false;
  let jitter = random();
  let witness: string | undefined;
  let watchWasHealthy = false;
  let nothingRunsHere = false;
  let lastRound: Millis | undefined;
  let probing = false;

  function learn(event: ReachabilityEvent): void {
    tellChange(() => {
      reach = nextReachability(reach, event, policy);
      learnSilence(silenceAfter(silence, reach, event.at));
    });
    // the first answer after an outage: the watch need not sit out its back-off
    if (event.kind === 'round' && reach.lastAnswer === event.at && !ports.watch.view().healthy) ports.watch.retryNow();
  }

  function learnSilence(next: Silence): void {
    if (next.endedAt !== undefined && next.endedAt !== silence.endedAt) sign = next.endedAt;
    silence = next;
  }

  function learnFromKubelet(at: Millis): void {
    sign = at;
    silence = stirred(silence, at);
  }

  /** The verdict that is told is the one that counts, with the witness heard. */
  function tellChange(change: () => void): void {
    const before = doubted(reach, witness);
    change();
    const after = doubted(reach, witness);
    if (before.verdict !== after.verdict) listener.changed(before, after);
  }

  async function probe(from: Millis): Promise<void> {
    probing = true;
    lastRound = from;
    jitter = random();
    const probes = await ports.probe.probe(policy.deadlineMs);
    probing = false;
    // a watch that has become healthy meanwhile is the better evidence
    if (!ports.watch.view().healthy) learn({ kind: 'round', from, at: ports.clock.now(), probes, nothingRunsHere });
    listener.probed();
  }

  return {
    now: () => doubted(reach, witness),
    learnFromWatch() {
      const { healthy, synced } = ports.watch.view();
      const at = ports.clock.now();
      if (healthy && synced && (reach.verdict !== 'reachable' || !watchWasHealthy)) learn({ kind: 'success', at });
      if (!healthy && watchWasHealthy) learn({ kind: 'lost', at });
      watchWasHealthy = healthy;
    },
    learnFromSign(at) {
      learn({ kind: 'sign', at });
      learnFromKubelet(at);
    },
    learnFromKubelet,
    learnFromTurn(told, at) {
      uncovered = told.uncovered;
      if (told.placed) silence = stirred(silence, at);
    },
    lastSign: () => sign,
    learnFromWitness(words) {
      if (words !== undefined && witness === undefined) learnFromKubelet(ports.clock.now());
      tellChange(() => {
        witness = words;
      });
    },
    learnFromRuntime(view) {
      nothingRunsHere = nothingFromApiRuns(view);
    },
    probeWhenDue(waiting) {
      // its end wakes the loop; a turn before that could only find the next one due, again and again
      if (probing) return undefined;
      const now = ports.clock.now();
      const { healthy, synced } = ports.watch.view();
      const opens = watchOpens && !synced;
      const wait = { watchHealthy: healthy, watchOpens: opens, lastRound, waiting, uncovered, silence, jitter, now };
      const due = nextRoundIn(reach, wait, policy);
      if (due === undefined || due > 0) return due;
      void probe(now);
      return undefined;
    },
  };
}
