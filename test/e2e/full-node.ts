/**
 * A full node: two CPUs, of which a captured DaemonSet asks 1200m, a Deployment 500m and a bare pod 100m. With it in place there is
 * no room for a copy that asks for as much as its parent.
 */
import { agentReachesApi, kubeletConfigured } from './evidence.ts';
import type { Node } from './node/node.ts';
import { doneUnless, until } from './node/wait.ts';
import { expect } from './scenario.ts';
import { apply, captured, type Pods, podsOf, podsReady, remove, type Server, serverObject } from './servers.ts';
import { keptCpu } from './status.ts';
import { NAMESPACE } from './workload.ts';

export const PARENT = 'full-node';
export const BYSTANDERS = ['full-node-large', 'full-node-small'] as const;
export const ALL = [PARENT, ...BYSTANDERS] as const;
export type Full = Pods<(typeof ALL)[number]>;
export const PARENT_PORT = 8084;

const PARENT_CPU = 1_200;
const ALLOCATABLE_CPU = 2_000;
/** The parent does not start without it. */
const CONFIG = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: PARENT, namespace: NAMESPACE }, data: { room: 'none' } };

const SERVERS: readonly Server[] = [
  {
    kind: 'DaemonSet',
    name: PARENT,
    port: PARENT_PORT,
    hostNetwork: true,
    enabled: true,
    cpu: `${PARENT_CPU}m`,
    env: [{ name: 'ROOM', valueFrom: { configMapKeyRef: { name: PARENT, key: 'room' } } }],
  },
  { kind: 'Deployment', name: BYSTANDERS[0], port: 8080, cpu: '500m' },
  { kind: 'Pod', name: BYSTANDERS[1], port: 8080, cpu: '100m' },
];

/** `1200m`, `2`, `0`: thousandths of a CPU. */
export function milliOf(quantity: string): number {
  const [, number, milli] = /^(\d+(?:\.\d+)?)(m?)$/.exec(quantity) ?? [];
  return number === undefined ? Number.NaN : Number(number) * (milli === 'm' ? 1 : 1_000);
}

interface PodJson {
  readonly spec: { readonly containers: readonly { readonly resources?: { readonly requests?: Readonly<Record<string, string>> } }[] };
  readonly status: { readonly phase: string };
}

/** What the pods of `kubectl get pods --output=json` ask for together, in thousandths of a CPU; those that ended ask for nothing. */
export function requestedIn(json: string): number {
  const pods = (JSON.parse(json) as { items: PodJson[] }).items.filter(({ status }) => !/^(Failed|Succeeded)$/.test(status.phase));
  const requests = pods.flatMap(({ spec }) => spec.containers.map(({ resources }) => milliOf(resources?.requests?.['cpu'] ?? '0')));
  return requests.reduce((sum, one) => sum + one, 0);
}

async function cpuOf(node: Node, which: 'capacity' | 'allocatable'): Promise<number> {
  return milliOf((await node.kubectl(['get', 'node', node.name, `--output=jsonpath={.status.${which}.cpu}`])).stdout);
}

/** Two CPUs, the pods on them, the parent captured, and no room left for its like. */
export async function fullNode(node: Node): Promise<Full> {
  await removeFullNode(node);
  const earlier = async () => doneUnless((await podsOf(node, ALL)).map(({ checkpoint }) => checkpoint).join(' '));
  await until('no such pods of an earlier scenario', earlier, 120_000, 250);
  const spare = (await cpuOf(node, 'capacity')) - ALLOCATABLE_CPU;
  expect(spare >= 0, `this computer has too few CPUs: ${-spare}m more are needed`);
  await kubeletConfigured(node, spare === 0 ? {} : { systemReserved: { cpu: `${spare}m` } });
  const left = async () => doneUnless((await cpuOf(node, 'allocatable')) === ALLOCATABLE_CPU ? '' : 'other CPUs are allocatable');
  await until('two CPUs allocatable', left, 60_000, 250);
  await apply(node, [CONFIG, ...SERVERS.map(serverObject)]);
  const pods = await podsReady(node, ALL, 120_000, { restarts: 0 });
  await captured(node, [pods[PARENT].checkpoint]);
  const room = ALLOCATABLE_CPU - (await requestedOn(node));
  expect(room >= 0 && room < PARENT_CPU, `there should be no room for ${PARENT_CPU}m more; there is for ${room}m`);
  return pods;
}

async function requestedOn(node: Node): Promise<number> {
  const there = ['get', 'pods', '--all-namespaces', `--field-selector=spec.nodeName=${node.name}`, '--output=json'];
  return requestedIn((await node.kubectl(there)).stdout);
}

/** Waits until the agent has on its disk what all pods ask for together. It writes that once a minute; after a start it does at once. */
export async function requestsWritten(node: Node): Promise<void> {
  const since = Date.now();
  await node.agent.stop();
  await node.agent.start();
  await agentReachesApi(node, since);
  const asked = await requestedOn(node);
  const written = () => doneUnless(keptCpu(node) === asked ? '' : `${keptCpu(node)}m, not ${asked}m`);
  await until('what all pods ask for written down', written, 90_000, 250);
}

export async function removeFullNode(node: Node): Promise<void> {
  await remove(node, SERVERS);
  await removeConfig(node);
}

export async function removeConfig(node: Node): Promise<void> {
  await node.kubectl(['delete', 'configmap', PARENT, `--namespace=${NAMESPACE}`, '--ignore-not-found']);
}

export async function applyConfig(node: Node): Promise<void> {
  await apply(node, [CONFIG]);
}

/** How the kubelet calls it when it has no place for a pod, or makes one. */
const TURNED_AWAY = /^(OutOf|Preempt|Evict|UnexpectedAdmission|FailedScheduling$)/;

interface EventJson {
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject: { readonly name: string };
}

/** What `kubectl get events --output=json` says of pods that were turned away since then, as sentences. */
export function turnedAwayIn(json: string, since: number): readonly string[] {
  return (JSON.parse(json) as { items: EventJson[] }).items
    .filter(({ involvedObject, reason = '' }) => involvedObject.name.startsWith(PARENT) && TURNED_AWAY.test(reason))
    .filter(({ lastTimestamp, eventTime }) => Date.parse(lastTimestamp ?? eventTime ?? '') + 1_000 > since)
    .map(({ involvedObject, reason, message = '' }) => `${involvedObject.name}: ${reason} ${message}`);
}

export async function nobodyTurnedAway(node: Node, since: number): Promise<void> {
  const { stdout } = await node.kubectl(['get', 'events', `--namespace=${NAMESPACE}`, '--output=json']);
  const told = turnedAwayIn(stdout, since);
  expect(told.length === 0, told.join('; '));
}
