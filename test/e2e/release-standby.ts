/** The standby of a release's agent as a scenario sees it: on the disk, in the runtime, by its own words; and what must follow. */
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { agentPods, bothCaptured, NAMESPACE, type Pod, READY_LIMIT_MS, standbyWaits } from './chart-release.ts';
import type { Node } from './node/node.ts';
import { done, doneUnless, notYet, until } from './node/wait.ts';
import type { World } from './scenario.ts';
import { checkpointDir, ownManifests } from './status.ts';

/** From `helm upgrade` on: the old pod ends, the standby starts, perhaps makes way, and starts once more. Ten times what is seen. */
export const IN_CHARGE_LIMIT_MS = 240_000;
/** Where the chart lets the agent serve, and its standby in its stead. */
const AGENT_URL = 'http://127.0.0.1:9642';

export async function series(node: Node): Promise<string> {
  return await node.fetch(`${AGENT_URL}/metrics`);
}

/** The manifest that lies in staticPodPath and the revision it is of: what a broken upgrade must not change. */
export function standbyOnDisk(node: Node, pod: Pod): string {
  const manifests = ownManifests(node).map((name) => `${name} ${readFileSync(join(node.paths.manifests, name), 'utf8')}`);
  return [readlinkSync(join(checkpointDir(node, `${NAMESPACE}/${pod.name}`), 'current')), ...manifests].join('\n');
}

/** Waits until the standby answers in the pod's stead. */
export async function standbyInCharge(node: Node, sentence: string): Promise<void> {
  await until(
    sentence,
    async () => {
      const text = await series(node);
      const role = /^checkpointer_role_info\{role="(\w+)"\} 1$/m.exec(text)?.[1];
      return doneUnless(role === 'standby' && /^checkpointer_lock_held 1$/m.test(text) ? '' : `in charge: ${role ?? 'nobody'}`);
    },
    IN_CHARGE_LIMIT_MS,
    50,
  );
}

/** The pod that an upgrade made and that is not well. */
export async function newPod(node: Node, old: Pod): Promise<Pod> {
  return await until(
    'the pod of the upgrade',
    async () => {
      const found = (await agentPods(node)).find(({ uid }) => uid !== old.uid);
      return found === undefined ? notYet('none') : done(found);
    },
    READY_LIMIT_MS,
    100,
  );
}

/** What `kubectl logs` shows of the standby of a pod: its mirror pod bears the node's name too. */
export async function standbyLog(node: Node, pod: Pod): Promise<string> {
  return (await node.kubectl(['logs', `--namespace=${NAMESPACE}`, `${pod.name}-ckpt-${node.name}`])).stdout;
}

/** A command of the program, run as a person would run it while the standby is in charge. */
export async function inStandby(node: Node, pod: Pod, args: readonly string[]): Promise<string> {
  const mirror = `${pod.name}-ckpt-${node.name}`;
  return (await node.kubectl(['exec', `--namespace=${NAMESPACE}`, mirror, '--', '/usr/bin/pod-checkpointer', ...args])).stdout;
}

/** A rolled-back or repeated rollout is over: a Ready pod, its standby, and no other manifest of ours. */
export async function settled(world: World, pod: Pod): Promise<void> {
  const { node } = world;
  await standbyWaits(node, pod);
  await until(
    'one standby, that of the new pod',
    () => {
      const left = ownManifests(node);
      return doneUnless(left.length === 1 && left[0]?.includes(pod.name) === true ? '' : left.join(' '));
    },
    READY_LIMIT_MS,
    250,
  );
  await bothCaptured(world);
}
