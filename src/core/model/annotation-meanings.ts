/**
 * What each annotation on a parent is for, in sentences for the reference. Which values it takes is in `keys.ts`.
 * Data for documentation only: nothing of the agent reads it, so that the bundle goes without.
 */
import type { ParentAnnotation } from './keys.ts';

export interface AnnotationMeaning {
  /** What holds without it, as Markdown; '' says nothing. */
  readonly default: string;
  readonly means: string;
}

/** In the order of the documentation. */
export const ANNOTATION_MEANINGS: Readonly<Record<ParentAnnotation, AnnotationMeaning>> = {
  'checkpointer/enabled': { default: '', means: 'Keep a checkpoint of this pod.' },
  'checkpointer/secret-env': {
    default: '`"refuse"`',
    means:
      'What to do with values of Secrets in environment variables. `refuse`: refuse the pod. `inline`: accept that they stand in the manifest (mode 0600) and in the mirror pod. `env-file`: hand them over by file, which needs kubelet 1.35.',
  },
  'checkpointer/allow-duplicate': {
    default: '',
    means: 'Accept a pod of a StatefulSet, although two pods of one identity could then run.',
  },
  'checkpointer/hand-back': {
    default: '`"fast"`',
    means:
      'How the copy ends when it makes way: killed at once, or with its own termination grace. A copy that writes the data of its pod is always killed at once.',
  },
  'checkpointer/order': {
    default: '`"0"`',
    means: 'Which copies start first. A higher number waits until the copies with lower ones run, 30 s at most.',
  },
  'checkpointer/min-ready': {
    default: 'as `minReady`',
    means: 'How long the pod must be Ready before it is captured.',
  },
  'checkpointer/max-age': {
    default: 'as `maxAge`',
    means: 'Oldest confirmation by the API server with which a copy may still start.',
  },
  'checkpointer/overlap': {
    default: '',
    means:
      'Two writers are fine: pod and copy may run side by side where they write the same data (a `hostPath` or `nfs` volume that is not mounted read-only). Without it they never do.',
  },
  'checkpointer/requests': {
    default: '`"auto"`',
    means:
      'How much the copy keeps of the requests of its pod. `auto`: what has room beside everything else bound to the node; of the rest it requests zero. `keep`: all, even if others are evicted or rejected for it. `none`: nothing.',
  },
};
