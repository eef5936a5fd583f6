/**
 * Reasons that only `status` gives, beside those of the decisions, in sentences for the reference. `status` itself has
 * the first; for the others the agent has sentences that say more.
 */
import type { ImageWarning } from '../../agent/capture/images.ts';
import type { Trouble } from '../../core/self/takeover.ts';

export type StatusReason = 'manifest-missing' | ImageWarning['reason'] | `takeover-${Trouble}`;

export const STATUS_REASONS: Readonly<Record<StatusReason, { readonly means: string; readonly todo: string }>> = {
  'manifest-missing': {
    means: 'The copy is placed, and its manifest is not in `staticPodPath`, or is not the one that was placed.',
    todo: 'Find who changes files there. While no API server answers, the agent puts a missing one back.',
  },
  'image-denied': {
    means: 'The kubelet would deny the copy an image that is on the node, because it was pulled with a pull secret.',
    todo: 'Give the node credentials of its own for the registry, or load the image beforehand.',
  },
  'takeover-not-started': {
    means: "The standby is in charge: the kubelet has the DaemonSet's pod and has started no container of it for a minute.",
    todo: 'The events of that pod tell why: `kubectl describe pod`.',
  },
  'takeover-ending': {
    means: "The standby is in charge: the container of the DaemonSet's pod has ended, and is not started anew for now.",
    todo: 'Its last state tells why: `kubectl describe pod`.',
  },
  'takeover-blocked': {
    means: "The standby is in charge: the DaemonSet's pod runs, but lost the node's lock at once when it had it. It gets it again later.",
    todo: 'Its last state tells why: `kubectl describe pod`.',
  },
};
