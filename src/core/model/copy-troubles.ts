/**
 * Why a copy that is placed does not serve: what each word means, and what to do about it. The log, `status`, `/readyz`
 * and the reference have these sentences. Each tells of a moment, so none is told before there is a copy.
 */
import type { CopyTrouble } from './copy-stand.ts';
import type { ObstacleMeaning } from './reason-meaning.ts';

/** A copy that starts on a busy node is no news before this; nor is one that fails once and comes back. */
const PATIENCE_MS = 30_000;

export const COPY_TROUBLES: Readonly<Record<CopyTrouble, ObstacleMeaning>> = {
  'copy-refused': {
    states: ['active'],
    told: 'never',
    means: 'The kubelet does not have the copy: it refused it, or has not read its manifest. It is placed again, five times at most.',
    todo: "The kubelet's log tells why.",
  },
  'copy-starting': {
    states: ['active'],
    told: 'down',
    settles: PATIENCE_MS,
    means:
      'The copy is placed, and not all of it runs yet. Once the kubelet has taken it, the agent leaves it alone: it may wait for a mount, an image or an init container.',
    todo: "The kubelet's log tells what it waits for. With a kubelet before 1.34 it may have been refused: the log tells that, too.",
  },
  'copy-failing': {
    states: ['active'],
    told: 'down',
    settles: PATIENCE_MS,
    means: 'A container of the copy ended, and the copy has not run for 10 s since. The kubelet starts it again and again.',
    todo: "The container's log tells why: `crictl logs`.",
  },
  'network-not-ready': {
    states: ['active'],
    told: 'down',
    settles: true,
    means:
      'The copy is placed and needs an address of its own, and the container runtime says that the network of the node is not ready. The kubelet starts no such pod until it is.',
    todo: 'Find out why the network plugin (CNI) does not run. If it is a pod itself, annotate it as well: in an outage nothing else starts it.',
  },
};
