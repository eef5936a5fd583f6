/**
 * What a scenario is, and what its steps share. A scenario begins and ends with the API server up, both parents Ready and
 * no copy placed, so that any of them can run alone (after the ones it needs).
 */
import type { Node } from './node/node.ts';
import type { Members } from './self-hosted/pods.ts';
import type { Inside, Parents, Which } from './workload.ts';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 's' | 'count' | 'MiB' | '%' | 'bytes';
  /** What the project promises for it, at most. */
  readonly promised?: number;
}

export interface ForeignFile {
  readonly name: string;
  readonly content: string;
  readonly mode: number;
  readonly inode: bigint;
  readonly modifiedNs: bigint;
}

export interface Settings {
  /** How often the hand-back scenario cuts the power. */
  readonly rounds: number;
  /** How often the power of the self-hosted control plane is cut. */
  readonly selfHostedRounds: number;
  /** How long the API server is away in the outage scenario, milliseconds. */
  readonly outageMs: number;
  /** How long the idle agent is watched, milliseconds. */
  readonly idleMs: number;
  /** The agent's retireGrace, milliseconds. */
  readonly retireGraceMs: number;
}

/** What steps hand to later steps. */
export interface Memory {
  parents?: Parents;
  /** The self-hosted control plane, once there is one. */
  members?: Members;
  inside: Partial<Record<Which, Inside>>;
  foreign: readonly ForeignFile[];
  /** When the node last booted after a shared power cut, milliseconds since 1970. */
  bootedAt?: number;
  /** When the API server was started after it. */
  apiStartedAt?: number;
}

/**
 * A check fails at so many times what is promised: in between it may as well be the machine, and the report says that the
 * promise was not kept.
 */
export const TIMES_PROMISED = 10;

export interface PromiseOptions {
  /** Where the limit follows from something else that was measured, milliseconds. */
  readonly failsAt?: number;
  /** What else is known, for a failure's message. */
  readonly because?: string;
}

export interface World {
  readonly node: Node;
  readonly settings: Settings;
  readonly memory: Memory;
  /** Keeps a measured value for the report. */
  figure(name: string, value: number, unit: Figure['unit']): void;
  /** Keeps a measured time for the report, beside what is promised at most, milliseconds. Fails at ten times the promise. */
  promise(name: string, value: number, promised: number, more?: PromiseOptions): void;
  say(line: string): void;
}

export interface Step {
  readonly part: 'given' | 'when' | 'then';
  /** A sentence. */
  readonly say: string;
  readonly run: (world: World) => Promise<void>;
}

/** Does what the scenario shows depend on the version of the kubelet (and of the runtime that comes with it)? And why. */
export interface KubeletDependence {
  readonly matters: boolean;
  /** Half a sentence, also in README.md. */
  readonly why: string;
}
export const dependsOnKubelet = (why: string): KubeletDependence => ({ matters: true, why });
export const sameOnEveryKubelet = (why: string): KubeletDependence => ({ matters: false, why });

/** Steps around a power cut that neighbours in the list share. For scenarios whose figures the others do not change. */
export interface AroundPowerCut {
  /** With the API server. */
  readonly before: readonly Step[];
  /** What is changed while the power is off. */
  readonly dark?: (stage: Pick<World, 'node'>) => Promise<void>;
  /** After the boot, without the API server. */
  readonly offline: readonly Step[];
  /** With the API server again, until all is as before. The others are at the same. */
  readonly after: readonly Step[];
  /** What takes a time for which all may wait together, such as the retire grace. */
  readonly atLast?: readonly Step[];
  /** After a failure: lets go of what the others would wait for. */
  readonly giveUp?: (stage: Pick<World, 'node'>) => Promise<void>;
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** Ids of scenarios whose effects this one builds on; they run first. */
  readonly needs: readonly string[];
  /** Takes minutes and covers a variant: runs only when `--only` asks for it. */
  readonly onRequest?: true;
  /** Whether a run of all nodes has it on each of them, or on the first, the newest only. With `--only` it runs wherever it is asked for. */
  readonly kubelet: KubeletDependence;
  steps(settings: Settings): readonly Step[] | AroundPowerCut;
}

export function given(say: string, run: Step['run']): Step {
  return { part: 'given', say, run };
}
export function when(say: string, run: Step['run']): Step {
  return { part: 'when', say, run };
}
/** The "then" of a scenario; not called so because an object or module with a `then` looks like a promise. */
export function check(say: string, run: Step['run']): Step {
  return { part: 'then', say, run };
}

/** What an earlier step must have left. */
export function remembered<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`an earlier step should have left ${what}`);
  return value;
}

export function expect(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(sentence);
}
