/**
 * What else keeps a pod from being taken that is refused as a whole already: people mend it once, not in rounds. Only
 * what its spec says; nothing was captured. Pure.
 */
import type { RawPod } from '../model/model.ts';
import type { Refusal, RefusalCode } from '../model/refusal.ts';
import type { Selection } from '../select/select.ts';
import { sanitize } from './sanitize.ts';

/** What only a capture can tell, or this node's kubelet and configuration. */
const OF_A_CAPTURE: readonly RefusalCode[] = [
  'volume-not-captured',
  'sub-path-missing',
  'env-not-captured',
  'env-value',
  'secret-env-file',
  'needs-newer-kubelet',
];
/** What follows from an option whose value is the mistake. */
const OF_AN_OPTION: readonly RefusalCode[] = ['secret-env', 'field-reference'];

export function furtherReasons(
  pod: RawPod,
  { reasons, options }: Extract<Selection, { kind: 'refused' }>,
  nodeName: string,
): readonly Refusal[] {
  const judged = sanitize(pod, { volumes: {}, containers: {} }, { nodeName }, options);
  if (judged.ok) return [];
  return newTo(reasons, judged.reasons).filter(({ code }) => !OF_A_CAPTURE.includes(code));
}

/** Those of `later` that are neither told already nor follow from what is told. */
export function newTo(told: readonly Refusal[], later: readonly Refusal[]): readonly Refusal[] {
  const badOption = told.some(({ code }) => code === 'bad-value' || code === 'unknown-key');
  const leftOut = [...(badOption ? OF_AN_OPTION : []), ...told.map(({ code }) => code)];
  return later.filter(({ code }) => !leftOut.includes(code));
}
