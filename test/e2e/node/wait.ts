/**
 * Waiting for conditions, the only way the end-to-end tests wait. Never sleeps for a fixed time and hopes.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** A condition's answer: `done` with what was waited for, or `not yet` with what was seen instead. `never`: waiting is no use. */
export type Answer<T> = { readonly done: true; readonly value: T } | { readonly done: false; readonly saw: string; readonly never?: true };

export function done(): Answer<void>;
export function done<T>(value: T): Answer<T>;
export function done<T>(value?: T): Answer<T | undefined> {
  return { done: true, value };
}

export function notYet(saw: string): Answer<never> {
  return { done: false, saw };
}

/** Ends the wait at once: it can never come true any more. */
export function never(saw: string): Answer<never> {
  return { done: false, saw, never: true };
}

/** Done when nothing is wrong; else not yet, with the complaint. */
export function doneUnless(complaint: string | undefined): Answer<void> {
  return complaint === undefined || complaint === '' ? done() : notYet(complaint);
}

/**
 * Polls `condition` until it is done and gives its value. An exception counts as "not yet". Throws after `limitMs` with
 * what was seen last.
 *
 * @param everyMs pause between two polls, milliseconds
 */
export async function until<T>(what: string, condition: () => Promise<Answer<T>> | Answer<T>, limitMs: number, everyMs = 100): Promise<T> {
  const end = performance.now() + limitMs;
  let saw = 'nothing yet';
  for (;;) {
    const answer = await answerOf(condition);
    if (answer.done) return answer.value;
    if (answer.never === true) throw new Error(`${what}: ${answer.saw}`);
    saw = answer.saw;
    if (performance.now() >= end) throw new Error(`${what}: not within ${limitMs / 1000} s; last seen: ${saw}`);
    await delay(everyMs);
  }
}

async function answerOf<T>(condition: () => Promise<Answer<T>> | Answer<T>): Promise<Answer<T>> {
  try {
    return await condition();
  } catch (error) {
    return notYet(messageOf(error));
  }
}

/**
 * Lets `durationMs` pass and polls `complaint` all the while; throws at the first one. For the few promises that are
 * about time itself ("nothing happens for three minutes").
 */
export async function holds(
  what: string,
  complaint: () => Promise<string | undefined> | string | undefined,
  durationMs: number,
  everyMs = 250,
): Promise<void> {
  const end = performance.now() + durationMs;
  do {
    const text = await complaint();
    if (text !== undefined) throw new Error(`${what}: ${text}`);
    await delay(everyMs);
  } while (performance.now() < end);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
