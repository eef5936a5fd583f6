/**
 * Every metric there is, in one list: the registry, the reference and the dashboards follow from it. Data only.
 * No label may ever hold the name or the content of a secret or configmap.
 */

import { DENIAL_CODES } from '../core/api/denied.ts';
import { TLS_REMEDIES } from '../core/api/tls-trouble.ts';
import type { HandBackMode, ProbeOutcome, Reachability, State } from '../core/model/model.ts';
import { TROUBLES } from '../core/self/takeover.ts';
import type { Role } from '../core/turn/policy.ts';

export interface MetricSpec {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One sentence, with the unit. */
  readonly help: string;
  /** By label: its values where the set is closed, null where it is not. */
  readonly labels: Readonly<Record<string, readonly string[] | null>>;
  /** Upper bounds, for histograms, in the unit of the name. */
  readonly buckets?: readonly number[];
}

/** All members of a union: one that is missing or too many does not compile. */
function all<T extends string>(values: Readonly<Record<T, true>>): readonly T[] {
  return Object.keys(values) as T[];
}

const STATES = all<State>({ inactive: true, active: true, 'handing-back': true, retired: true });
const REACHABILITY = all<Reachability>({ reachable: true, unreachable: true, unsure: true });
/** `unknown`: it failed before the checkpoint could tell. */
const HAND_BACK_MODES = all<HandBackMode | 'unknown'>({ overlap: true, container: true, 'first-sign': true, unknown: true });
const OUTCOMES = all<ProbeOutcome>({
  ok: true,
  answered: true,
  refused: true,
  reset: true,
  timeout: true,
  unroutable: true,
  dns: true,
  tls: true,
  expired: true,
  gateway: true,
  storage: true,
});
const ROLES = all<Role>({ daemonset: true, standby: true, process: true });
const SOURCES = ['api', 'runtime', 'kubelet', 'manifests'];

/** In the order of a scrape. */
export const metricsList: readonly MetricSpec[] = [
  {
    name: 'checkpointer_build_info',
    type: 'gauge',
    help: 'Always 1; the labels tell the versions of the program and of Node.js.',
    labels: { version: null, node_version: null },
  },
  {
    name: 'checkpointer_checkpoints',
    type: 'gauge',
    help: 'Checkpoints on this node, by state; the standby, which is always active, is not counted.',
    labels: { state: STATES },
  },
  {
    name: 'checkpointer_checkpoint_info',
    type: 'gauge',
    help: 'Always 1; one series for each checkpoint, with its state and the reason for it; in good times, what would keep its copy from starting.',
    labels: { namespace: null, pod: null, state: STATES, reason: null },
  },
  {
    name: 'checkpointer_checkpoint_age_seconds',
    type: 'gauge',
    help: 'Seconds since the API server last confirmed the parent of the checkpoint.',
    labels: { namespace: null, pod: null },
  },
  {
    name: 'checkpointer_refused',
    type: 'gauge',
    help: 'Annotated pods on this node that cannot be checkpointed, by reason; a pod with two reasons counts twice.',
    labels: { reason: null },
  },
  {
    name: 'checkpointer_api_reachability',
    type: 'gauge',
    help: '1 for what is held true of the API server, 0 for the other two.',
    labels: { state: REACHABILITY },
  },
  {
    name: 'checkpointer_api_denied',
    type: 'gauge',
    help: '1 while the API server answers and refuses the requests of the agent, by HTTP status; nothing is captured or retired then.',
    labels: { code: Object.values(DENIAL_CODES) },
  },
  {
    name: 'checkpointer_api_tls_failing',
    type: 'gauge',
    help: '1 while a server is there and TLS keeps the agent from it, by why; the log, status and /readyz have the sentence.',
    labels: { reason: Object.keys(TLS_REMEDIES) },
  },
  {
    name: 'checkpointer_api_probes_total',
    type: 'counter',
    help: 'Probes of the API server on fresh connections, by how they ended.',
    labels: { result: OUTCOMES },
  },
  {
    name: 'checkpointer_api_requests_total',
    type: 'counter',
    help: 'Requests to the API server, by verb and by HTTP status or kind of failure.',
    labels: { verb: null, code: null },
  },
  {
    name: 'checkpointer_watch_restarts_total',
    type: 'counter',
    help: 'Times the watch of the pods was opened anew, by cause.',
    labels: { cause: null },
  },
  {
    name: 'checkpointer_source_up',
    type: 'gauge',
    help: '1 when the source answered when it was last asked, else 0.',
    labels: { source: SOURCES },
  },
  {
    name: 'checkpointer_captures_total',
    type: 'counter',
    help: 'Captures of parents, by result.',
    labels: { result: ['saved', 'unchanged', 'refused', 'failed'] },
  },
  {
    name: 'checkpointer_activations_total',
    type: 'counter',
    help: 'Copies that were to be started: placed, placed once more, seen running, or not placed because that failed.',
    labels: { result: ['placed', 'retried', 'running', 'failed'] },
  },
  {
    name: 'checkpointer_activation_duration_seconds',
    type: 'histogram',
    help: 'Seconds from the decision to start a copy until all its serving containers run.',
    labels: {},
    buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120],
  },
  {
    name: 'checkpointer_hand_backs_total',
    type: 'counter',
    help: 'Hand-backs to the parent, by result and by when the copy leaves: overlap, when the parent is Ready; container, when the kubelet starts it; first-sign, of the API server; turned-over: the parent could not become Ready beside its copy, which then left.',
    labels: { mode: HAND_BACK_MODES, result: ['done', 'failed', 'turned-over'] },
  },
  {
    name: 'checkpointer_hand_back_gap_seconds',
    type: 'histogram',
    help: 'Seconds in a hand-back during which neither copy nor parent ran; 0 where they overlapped.',
    labels: {},
    buckets: [0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60],
  },
  {
    name: 'checkpointer_retirements_total',
    type: 'counter',
    help: 'Checkpoints removed because their parent is gone, by reason.',
    labels: { reason: null },
  },
  { name: 'checkpointer_disk_writes_total', type: 'counter', help: 'Files written to the disk of the host.', labels: {} },
  { name: 'checkpointer_store_bytes', type: 'gauge', help: 'Bytes that the stored checkpoints take.', labels: {} },
  {
    name: 'checkpointer_token_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'Earliest expiry of a service account token in the checkpoint, in seconds since 1970.',
    labels: { namespace: null, pod: null },
  },
  {
    name: 'checkpointer_image_missing',
    type: 'gauge',
    help: '1 for a checkpoint of which an image is not on this node, so that its copy could not start.',
    labels: { namespace: null, pod: null },
  },
  {
    name: 'checkpointer_image_denied',
    type: 'gauge',
    help: '1 for a checkpoint whose copy the kubelet would deny an image that is on this node, so that it could not start.',
    labels: { namespace: null, pod: null },
  },
  { name: 'checkpointer_lock_held', type: 'gauge', help: "1 while this process holds the node's lock and acts, else 0.", labels: {} },
  {
    name: 'checkpointer_role_info',
    type: 'gauge',
    help: "Always 1; the label tells whether this is the agent in the DaemonSet's pod, its standby, or a bare process.",
    labels: { role: ROLES },
  },
  {
    name: 'checkpointer_yield_blocked',
    type: 'gauge',
    help: '1 while the standby keeps the lock although a pod of the DaemonSet runs, because that pod failed when it had the lock.',
    labels: {},
  },
  {
    name: 'checkpointer_takeover_failing',
    type: 'gauge',
    help: "1 while the standby is in charge because the DaemonSet's pod on this node does not take over, by what is wrong with that pod.",
    labels: { reason: TROUBLES },
  },
  {
    name: 'checkpointer_tick_duration_seconds',
    type: 'histogram',
    help: 'Seconds that one turn of the loop took: ask, decide and act.',
    labels: {},
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  {
    name: 'checkpointer_last_tick_timestamp_seconds',
    type: 'gauge',
    help: 'End of the last turn of the loop, in seconds since 1970.',
    labels: {},
  },
  { name: 'process_resident_memory_bytes', type: 'gauge', help: 'Memory of this process that is in RAM, in bytes.', labels: {} },
  { name: 'process_cpu_seconds_total', type: 'counter', help: 'CPU time of this process, user and system, in seconds.', labels: {} },
  { name: 'process_open_fds', type: 'gauge', help: 'Open file descriptors of this process.', labels: {} },
  { name: 'process_start_time_seconds', type: 'gauge', help: 'Start of this process, in seconds since 1970.', labels: {} },
];
