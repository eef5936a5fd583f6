/** What is to be seen of the self-hosted control plane: from the API server, from the runtime, from the product. */
import { findInLog, readAgentLog } from '../agent-log.ts';
import type { CriPod } from '../node/cri.ts';
import type { Node } from '../node/node.ts';
import { done, never, notYet, until } from '../node/wait.ts';
import { checkpointStatus, ownManifests } from '../status.ts';
import { isLiving } from '../workload.ts';
import { API, COMPONENTS, type Component, NAMESPACE } from './objects.ts';

/** A parent as the API server shows it. */
export interface Member {
  readonly component: Component;
  readonly name: string;
  /** namespace/name, as the product names its checkpoint. */
  readonly checkpoint: string;
  readonly uid: string;
  readonly node: string;
  readonly address: string;
  readonly ready: boolean;
  readonly leaving: boolean;
  readonly restarts: number;
}
export type Members = Readonly<Record<Component, Member>>;

interface PodJson {
  readonly metadata: {
    name: string;
    uid: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  readonly spec: { nodeName?: string };
  readonly status?: {
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { restartCount: number }[];
  };
}

/** All pods of the control plane but mirror pods: copies carry the same labels. */
export async function membersInApi(node: Node): Promise<readonly Member[]> {
  const query = ['get', 'pods', `--namespace=${NAMESPACE}`, '--selector=tier=self-hosted', '--output=json'];
  const { items } = JSON.parse((await node.kubectl(query)).stdout) as { items: PodJson[] };
  return items
    .filter((pod) => pod.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined)
    .flatMap((pod) => {
      const component = COMPONENTS.find((one) => one === pod.metadata.labels?.['app']);
      if (component === undefined) return [];
      return {
        component,
        name: pod.metadata.name,
        checkpoint: `${NAMESPACE}/${pod.metadata.name}`,
        uid: pod.metadata.uid,
        node: pod.spec.nodeName ?? '',
        address: pod.status?.podIP ?? '',
        ready: pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false,
        leaving: pod.metadata.deletionTimestamp !== undefined,
        restarts: pod.status?.containerStatuses?.[0]?.restartCount ?? 0,
      };
    });
}

function shown(member: Member): string {
  return `${member.name} ${member.leaving ? 'leaving' : member.ready ? 'Ready' : 'not Ready'}, ${member.restarts} restarts`;
}

/** Everything in the runtime that is, or says it is, a copy of a control-plane pod and lives. */
export function livingCopies(pods: readonly CriPod[]): readonly CriPod[] {
  return pods.filter(
    (pod) => pod.source === 'file' && pod.annotations['checkpointer/copy-of']?.startsWith(`${NAMESPACE}/`) && isLiving(pod),
  );
}

export interface Expected {
  /** Restart counts by uid; less is waited for, more fails at once. */
  readonly restarts?: ReadonlyMap<string, { readonly least: number; readonly most: number }>;
  /** Pods that must not be the ones found. */
  readonly not?: readonly string[];
  /** How the agent's own pods are named: the standby of one of them may live. */
  readonly agent?: string;
}

/** One Ready pod of every component, its container running, no copy, every checkpoint there and at rest. */
export async function settled(node: Node, expected: Expected, limitMs: number): Promise<Members> {
  return await until('the control plane at rest, on its parents', async () => await look(node, expected), limitMs, 500);
}

async function look(node: Node, { restarts, not = [], agent }: Expected) {
  const isStandby = (name: string): boolean => agent !== undefined && name.includes(agent);

  const members = await membersInApi(node);
  const complaints: string[] = [];
  const found: Partial<Record<Component, Member>> = {};
  for (const component of COMPONENTS) {
    const own = members.filter((member) => member.component === component);
    const [only] = own;
    if (only === undefined || own.length > 1 || !only.ready || only.leaving || not.includes(only.uid)) {
      complaints.push(own.map(shown).join(' and ') || `no ${component}`);
      continue;
    }
    const allowed = restarts?.get(only.uid);
    if (allowed !== undefined && only.restarts > allowed.most) return never(`restarted too often: ${shown(only)}, not ${allowed.most}`);
    if (allowed !== undefined && only.restarts < allowed.least) complaints.push(`${shown(only)}, not yet ${allowed.least}`);
    found[component] = only;
  }
  const pods = await node.cri.pods();
  complaints.push(
    ...livingCopies(pods).flatMap(({ name }) => (isStandby(name) ? [] : [`${name} lives`])),
    ...ownManifests(node).filter((file) => !isStandby(file)),
  );
  for (const member of Object.values(found)) if (runningOf(pods, member.uid) === undefined) complaints.push(`${member.name} does not run`);
  if (complaints.length > 0) return notYet(complaints.join('; '));
  const list = await checkpointStatus(node);
  const restless = Object.values(found).filter(
    (member) => !list.some((entry) => entry.checkpoint === member.checkpoint && entry.state === 'inactive'),
  );
  return restless.length === 0 ? done(found as Members) : notYet(`checkpoints: ${JSON.stringify(list)}`);
}

export function runningOf(pods: readonly CriPod[], uid: string) {
  return pods
    .filter((pod) => pod.uid === uid && pod.source === 'api')
    .flatMap((pod) => pod.containers)
    .find((container) => container.state === 'RUNNING');
}

/**
 * Restart counts that a power cut after these must lead to: one more each. Whoever starts on a port may meet the copy on it,
 * where the kernel takes longer to end the copy than the parent takes to start; that costs one more.
 */
export function restartsAfter(members: Members): NonNullable<Expected['restarts']> {
  return new Map(
    Object.values(members).map(({ component, uid, restarts }) => {
      const least = restarts + 1;
      return [uid, { least, most: component === API ? least + 1 : least }];
    }),
  );
}

/** How often a copy's manifest was placed since then, by checkpoint. */
export function activations(node: Node, since: number, checkpoint?: string): number {
  return findInLog(readAgentLog(node.paths.agentLog), { event: 'placed', since, ...(checkpoint === undefined ? {} : { checkpoint }) })
    .length;
}

export function lastWords(node: Node): string {
  const lines = readAgentLog(node.paths.agentLog).slice(-3);
  return `the agent's last lines: ${lines.map((line) => [line.msg.split('\n')[0], line.checkpoint, line.to, line.reason].filter(Boolean).join(' ')).join(' | ')}`;
}
