/**
 * What keeps a copy from starting: what each obstacle means, what to do about it, and when a person is told of it.
 * The log, `status`, `/readyz` and the reference have these sentences; a test holds the states against the decisions.
 */
import type { CopyTrouble } from './copy-stand.ts';
import { COPY_TROUBLES } from './copy-troubles.ts';
import type { Obstacle, Reason } from './model.ts';
import type { ObstacleMeaning } from './reason-meaning.ts';

export type { ObstacleMeaning, ReasonMeaning } from './reason-meaning.ts';

/** Why a copy that should start does not; the last two, why one that is placed may not run. */
export const OBSTACLES: Readonly<Record<Obstacle, ObstacleMeaning>> = {
  'parent-deleted': {
    states: ['inactive'],
    told: 'never',
    means:
      'The pod was deleted, and the API server went on answering for 10 s after its containers had ended. It stays deleted, also over a reboot.',
    todo: 'Nothing, if that is what you wanted. The pods of a DaemonSet are not judged so.',
  },
  'opted-out': {
    states: ['inactive'],
    told: 'never',
    means: 'The pod no longer has the annotation. Its checkpoint is removed after `retireGrace`.',
    todo: 'Nothing, if that is what you wanted.',
  },
  'not-honoured': {
    states: ['inactive'],
    told: 'never',
    means: 'The namespace of the pod is not among `namespaces` any more. Its checkpoint is removed after `retireGrace`.',
    todo: 'Add the namespace to `namespaces`, if it should be there.',
  },
  'checkpoint-damaged': {
    states: ['inactive'],
    told: 'ahead',
    means: 'What is stored is not whole, or not what was stored.',
    todo: '`pod-checkpointer verify` tells what is wrong. The pod is captured anew while the API server answers. Check the disk.',
  },
  'checkpoint-unread': {
    states: ['inactive'],
    told: 'ahead',
    settles: true,
    means: 'What is stored could not be read, so nobody knows whether it is whole. It is read again after two seconds, later every minute.',
    todo: "The log has the system's word. Look for a disk that fails, or too many open files.",
  },
  'checkpoint-expired': {
    states: ['inactive'],
    told: 'ahead',
    means: 'The API server last confirmed the pod longer ago than the age allowed, or in the future by the clock of the node.',
    todo: "Correct the node's clock, or raise `checkpointer/max-age` or `maxAge`.",
  },
  'checkpoint-of-other-node': {
    states: ['inactive'],
    told: 'ahead',
    means: 'It was made on a node with another name or machine id, as on a cloned disk. It is not retired here either.',
    todo: 'The pods that run here are captured anew while the API server answers. The rest stays until an uninstall with `purgeOnUninstall`, or `pod-checkpointer cleanup --purge`, removes all that is stored.',
  },
  'checkpoint-of-other-cluster': {
    states: ['inactive'],
    told: 'ahead',
    means: 'It was made in another cluster: not one CA certificate is the same. It is not retired here either.',
    todo: 'The pods that run here are captured anew while the API server answers. The rest stays until an uninstall with `purgeOnUninstall`, or `pod-checkpointer cleanup --purge`, removes all that is stored.',
  },
  'image-missing': {
    states: ['inactive'],
    told: 'ahead',
    means: 'An image of the copy is not on the node.',
    todo: 'Load it onto the node.',
  },
  'node-under-pressure': {
    states: ['inactive'],
    told: 'down',
    means:
      'The kubelet ended the pod, most likely by an eviction, nobody deleted it, and the node is short of memory or disk by the thresholds of the kubelet. The kubelet never evicts a copy, so it starts only when nothing has been short for `endedGrace`.',
    todo: 'Free what is short. Where the kubelet has thresholds of its own, name its configuration file in `kubeletConfig`.',
  },
  'parent-ended': {
    states: ['inactive'],
    told: 'down',
    means:
      'The kubelet ended the pod, and nobody deleted it: it was evicted, made way for another pod, or came to its end. The copy starts `endedGrace` after that, or after the node was last short of memory or disk. Where nobody can tell whether it is short, ten minutes must pass as well.',
    todo: "The kubelet's log tells why the pod ended.",
  },
  'active-limit-reached': {
    states: ['inactive'],
    told: 'down',
    means: 'As many copies run as `limits.active` allows.',
    todo: 'Raise `limits.active`.',
  },
  'manifest-name-taken': {
    states: ['inactive'],
    told: 'ahead',
    means: "A file that the agent did not place has the name of the copy's manifest. It is left alone.",
    todo: 'Move the file away from `staticPodPath`.',
  },
  superseded: {
    states: ['inactive'],
    told: 'never',
    means: 'A later pod of the same DaemonSet has the place of this one, and its copy starts instead.',
  },
  'waiting-for-lower-order': {
    states: ['inactive'],
    told: 'never',
    means: 'Copies with a lower `checkpointer/order` start first. It waits 30 s at most.',
  },
  'manifest-not-ours': {
    states: ['active'],
    told: 'down',
    means: "In the place of the copy's manifest lies something that the agent did not write. It is left alone.",
    todo: 'Move it away from `staticPodPath`, and find who put it there.',
  },
  'activation-refused': {
    states: ['active'],
    told: 'down',
    means:
      'The manifest was placed five times, and nothing of the copy has ever appeared: the kubelet refuses it, or does not read the directory.',
    todo: "The kubelet's log tells why. Check `staticPodPath`.",
  },
};

/** No obstacle, and keeps a copy down like one. */
export const LOCAL_TRUTH_UNKNOWN: ObstacleMeaning = {
  states: ['inactive', 'active'],
  told: 'down',
  settles: true,
  means:
    'The container runtime or the kubelet could not be asked what runs, or which images are there; or what they tell contradicts the API server. Unknown starts and ends nothing.',
  todo: '`checkpointer_source_up` and the log name the source. Check `criSocket` and `podResourcesSocket`.',
};

/** What keeps a copy down, or would. */
export type Hindering = Obstacle | CopyTrouble | 'local-truth-unknown';

export function meaningOf(reason: Hindering): ObstacleMeaning {
  if (reason === 'local-truth-unknown') return LOCAL_TRUTH_UNKNOWN;
  return isCopyTrouble(reason) ? COPY_TROUBLES[reason] : OBSTACLES[reason];
}

export function isCopyTrouble(reason: Reason): reason is CopyTrouble {
  return Object.hasOwn(COPY_TROUBLES, reason);
}
