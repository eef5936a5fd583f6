/** The rows of `status`: the disk says what is there, the running agent says why. Reads nothing itself. */
import type { AgentStatus } from '../../agent/status.ts';
import type { Checkpoint, Placed } from '../../core/model/model.ts';
import { parseTime } from '../../core/model/time.ts';
import { manifestOf, reservesWhat } from '../../core/room/reserve.ts';
import { hindranceLines, MAX_HINDRANCE_LINES } from '../hindrance-lines.ts';
import type { Column } from '../output.ts';
import type { StoredCheckpoints } from './checkpoints.ts';
import { explained } from './explained.ts';
import type { StatusReason } from './status-reasons.ts';

export interface StatusRow {
  readonly namespace: string;
  readonly name: string;
  /** `damaged`, `unread` (whether it is whole could not be told) and `refused` beside the states of a checkpoint. */
  readonly state: string;
  readonly reason: string;
  /** The bare reason for which the copy does not start, or would not in an outage; else empty. */
  readonly obstacle: string;
  /** RFC 3339; empty where no agent answers. */
  readonly since: string;
  readonly revision: string;
  /** Seconds since the API server confirmed the parent, as far as the disk knows. */
  readonly ageSeconds: number | null;
  readonly bytes: number;
  /** What a placed copy reserves of its parent's requests, in words, and why so much; empty where none is placed. */
  readonly reserves: string;
  readonly reservesWhy: string;
  /** Sentences: what keeps the copy down, or would, or keeps it in its place; why the pod is refused; what to do. */
  readonly warnings: readonly string[];
}

const MISSING: StatusReason = 'manifest-missing';

export function statusRows(
  stored: StoredCheckpoints,
  manifests: ReadonlyMap<string, string | undefined> | undefined,
  agent: AgentStatus | undefined,
  wall: number,
): readonly StatusRow[] {
  const kept = stored.checkpoints.map((checkpoint): StatusRow => {
    const { parent, revision } = checkpoint.record;
    const told = agent?.checkpoints.find((candidate) => candidate.key === checkpoint.key);
    const placed = stored.ledger.placed.find((candidate) => candidate.key === checkpoint.key);
    const hindrance = agent?.hindrances?.find((candidate) => candidate.key === checkpoint.key);
    const warnings = warningsOf(checkpoint, agent);
    const reason = hindrance === undefined ? (warnings[0]?.reason ?? told?.reason) : told?.reason;
    // an agent that is just placing it has told the disk first
    const placing = told?.state === 'inactive';
    const missing = placed?.phase === 'placed' && !placing && manifests !== undefined && manifests.get(placed.file) !== placed.digest;
    const onDisk = placed === undefined ? 'inactive' : placed.phase === 'placed' ? 'active' : 'handing-back';
    const shown = checkpoint.problem ?? (missing ? MISSING : (reason ?? ''));
    const age = (wall - parseTime(checkpoint.confirmedAt)) / 1000;
    return {
      namespace: parent.namespace,
      name: parent.name,
      state: checkpoint.problem === undefined ? onDisk : checkpoint.unread === undefined ? 'damaged' : 'unread',
      reason: shown,
      obstacle: hindrance?.reason ?? '',
      since: told === undefined ? '' : new Date(told.sinceWall).toISOString(),
      revision,
      ageSeconds: Number.isFinite(age) ? Math.max(0, Math.round(age)) : null,
      bytes: checkpoint.bytes,
      ...reservationOf(checkpoint, placed),
      warnings: [...[...(hindrance === undefined ? [] : [hindrance]), ...warnings].map(({ message }) => message), ...explained(shown)],
    };
  });
  const refused = (agent?.refused ?? []).map(
    (pod): StatusRow => ({
      namespace: pod.namespace,
      name: pod.name,
      state: 'refused',
      reason: pod.reasons.map((reason) => reason.code).join(', '),
      obstacle: '',
      since: '',
      revision: '',
      ageSeconds: null,
      bytes: 0,
      reserves: '',
      reservesWhy: '',
      warnings: pod.reasons.map(({ message }) => message),
    }),
  );
  return [...kept, ...refused].sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

/** A copy that an older version placed reserves all that its parent does. */
function reservationOf({ manifest }: Checkpoint, placed: Placed | undefined): Pick<StatusRow, 'reserves' | 'reservesWhy'> {
  if (placed === undefined) return { reserves: '', reservesWhy: '' };
  const { reserves } = placed;
  return { reserves: reservesWhat(manifestOf(manifest), reserves ?? { zeroed: [] }), reservesWhy: reserves?.why ?? '' };
}

/** What would keep the copy from starting; of the agent's own, why its next pod does not take over. */
function warningsOf(
  checkpoint: Checkpoint,
  agent: AgentStatus | undefined,
): readonly { readonly reason: StatusReason; readonly message: string }[] {
  const takeover = checkpoint.record.self === true ? agent?.takeover : undefined;
  const own = takeover === undefined ? [] : [{ reason: `takeover-${takeover.trouble}` as const, message: takeover.message }];
  return [...own, ...(agent?.warnings ?? []).filter((warning) => warning.key === checkpoint.key)];
}

/** What concerns the node as a whole, a sentence each; then what keeps copies down, or would. */
export function statusNotes(agent: AgentStatus | undefined): readonly string[] {
  if (agent === undefined) return ['no agent answers on this node, so reasons are unknown; the log of its agent tells why'];
  const { takeover, api, contradiction, staticPodsUnread, strangers, podsTooMany, lacking } = agent;
  return [
    ...(takeover === undefined ? [] : [`the DaemonSet's pod does not take over; the standby stays in charge: ${takeover.message}`]),
    ...(lacking === undefined ? [] : [lacking]),
    ...(api.denied === undefined ? [] : [api.denied]),
    ...(api.tls === undefined ? [] : [api.tls]),
    ...(contradiction === undefined ? [] : [contradiction]),
    ...(staticPodsUnread === undefined ? [] : [staticPodsUnread]),
    ...(strangers === undefined ? [] : [strangers]),
    ...(podsTooMany === undefined ? [] : [podsTooMany]),
    ...hindranceLines(agent),
  ];
}

/** What the agent tells in no line of its own: why a pod is refused, what a kubelet denies, what waits too long. */
export function rowNotes(rows: readonly StatusRow[]): readonly string[] {
  const lines = rows.flatMap((row): readonly string[] => {
    const name = `${row.namespace}/${row.name}`;
    if (row.state === 'refused') return row.warnings.map((sentence) => `${name}: refused. ${sentence}`);
    // those have a line of their own, from the agent
    const told = row.obstacle !== '' || row.reason.startsWith('takeover-');
    return told || row.warnings.length === 0 ? [] : [`${name}: ${row.reason}. ${row.warnings.join(' ')}`];
  });
  const more = lines.length - MAX_HINDRANCE_LINES;
  return more > 0 ? [...lines.slice(0, MAX_HINDRANCE_LINES), `and ${more} more; --output json has them all`] : lines;
}

export const statusColumns: readonly Column<StatusRow>[] = [
  { header: 'NAMESPACE', cell: (row) => row.namespace },
  { header: 'NAME', cell: (row) => row.name },
  { header: 'STATE', cell: (row) => row.state },
  { header: 'REASON', cell: (row) => row.reason || '-' },
  { header: 'SINCE', cell: (row) => row.since || '-' },
  { header: 'REVISION', cell: (row) => row.revision.slice(0, 12) || '-' },
  { header: 'AGE', cell: (row) => (row.ageSeconds === null ? '-' : formatAge(row.ageSeconds)), align: 'right' },
  { header: 'SIZE', cell: (row) => formatBytes(row.bytes), align: 'right' },
  { header: 'RESERVES', cell: (row) => row.reserves || '-' },
];

/** As kubectl writes ages: the largest unit, and one below it while it matters. */
export function formatAge(seconds: number): string {
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 10_240) return `${bytes}B`;
  if (bytes < 10_485_760) return `${Math.round(bytes / 1024)}Ki`;
  return `${Math.round(bytes / 1_048_576)}Mi`;
}
