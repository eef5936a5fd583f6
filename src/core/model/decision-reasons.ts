/**
 * Why a checkpoint is in its state, in sentences for the reference: one row for every reason of a decision but the
 * obstacles (`obstacles.ts`). The agent reads nothing of this; `status` has some of the sentences. A test holds the
 * states against the decision tables.
 */
import { COPY_TROUBLES } from './copy-troubles.ts';
import type { Obstacle, Reason } from './model.ts';
import { LOCAL_TRUTH_UNKNOWN, type ReasonMeaning } from './obstacles.ts';

/** Why the copy runs, does not run, or ends. In the order of an outage. */
export const DECISION_REASONS: Readonly<Record<Exclude<Reason, Obstacle>, ReasonMeaning>> = {
  'api-reachable': { states: ['inactive'], means: 'The API server answers. No copy has to start.' },
  'api-unsure': {
    states: ['inactive'],
    means:
      'Whether the API server can be reached is not certain. Or none answers the agent, but the kubelet got pods from one in the last minute. In doubt nothing starts.',
    todo: 'Wait some seconds. Where it stays so, `checkpointer_api_probes_total` tells how the probes end.',
  },
  'local-truth-unknown': LOCAL_TRUTH_UNKNOWN,
  'parent-running': { states: ['inactive'], means: 'No API server answers, but the pod itself runs. No copy is needed.' },
  'kubelet-has-parent': {
    states: ['inactive'],
    means: 'No API server answers and the pod does not run, but the kubelet has it and may start it. It has `stuckGrace` for that.',
  },
  'parent-orphan-grace': {
    states: ['inactive'],
    means: 'No API server answers, and the kubelet has forgotten the pod, of which something is left. The copy starts after `orphanGrace`.',
  },
  'parent-absent': {
    states: ['active'],
    means: 'The copy starts: no API server answers, the kubelet does not have the pod, and nothing of it is left.',
  },
  'parent-orphaned': {
    states: ['active'],
    means: 'The copy starts: no API server answers, and what is left of the pod has been without a kubelet for `orphanGrace`.',
  },
  'parent-stuck': {
    states: ['active'],
    means: 'The copy starts: no API server answers, and the kubelet has not got the pod to run for `stuckGrace`.',
    todo: "The kubelet's log tells why the pod does not start.",
  },
  'hand-back-failed': {
    states: ['active'],
    means: 'The copy starts again: it made way for the pod, the pod does not run, and no API server answers.',
    todo: 'Find out why the pod ended, such as a bad rollout. From the second time on the copy ignores that pod for 5, 15, then 60 minutes.',
  },
  'kubelet-blind': {
    states: ['active'],
    means:
      'The API server answers the agent and wants the pod here, and nothing of the pod runs. The kubelet has reached no API server since it started, for `kubeletBlindGrace` at least. The copy runs until the kubelet starts the pod.',
    todo: 'Find out why the kubelet does not reach the API server. Most often its certificate has expired: its log tells, and so does `openssl x509 -enddate`.',
  },
  ...COPY_TROUBLES,
  'copy-serving': { states: ['active'], means: 'The copy serves. The API server is not known to be back.' },
  'awaiting-parent': { states: ['active'], means: 'The API server is back. The copy serves until the pod takes over.' },
  'hand-back-overdue': {
    states: ['active'],
    means:
      'The API server has been back for longer than `handBackTimeout`, and the pod has not taken over. The copy stays, unless the pod has been there for two minutes and cannot become Ready beside it.',
    todo: 'Find out why the pod does not start or does not become Ready: `kubectl describe pod`.',
  },
  'parent-started': {
    states: ['handing-back'],
    means:
      "The copy makes way. On the host network, or where both write the same data: the kubelet starts the pod. With an address of its own: the pod is Ready, or could not become so beside the copy. With a host port there: the API server's first sign.",
  },
  'copy-not-needed': {
    states: ['handing-back'],
    means: 'The API server is back, and nothing of the copy runs. Its manifest is taken away.',
  },
  'copy-leaving': { states: ['handing-back'], means: 'The manifest is taken away. The containers of the copy are ending.' },
  'handed-back': { states: ['inactive'], means: 'Nothing of the copy runs any more. Its place is free for the pod.' },
  'parent-leaving': {
    states: ['inactive', 'active'],
    means:
      'The API server shows the pod to be gone: deleted, ended, on another node or no longer opted in. The checkpoint is kept for `retireGrace`, and beside a copy of a DaemonSet for ten minutes at least.',
    todo: 'Nothing, if that is what you wanted.',
  },
  'parent-gone': {
    states: ['retired'],
    means: 'The pod is gone for good, confirmed by one more read of the API server. A copy ends first; then the checkpoint is removed.',
  },
  'standby-kept': { states: ['active'], means: "The standby, a copy of the agent's own pod, lies in its place, as it should." },
  'standby-superseded': {
    states: ['inactive', 'active'],
    means: 'A later pod of the agent takes the place of this one. This standby is left as it is until the later one runs.',
  },
  'standby-replaced': { states: ['retired'], means: "The standby of the agent's later pod has taken over. This one is removed." },
};
