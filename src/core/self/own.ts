/** The agent's own pod: what the agent is on this node, and in which pod it runs. Pure. */
import { ENV_ROLE } from '../model/keys.ts';
import type { PodName, RawPod } from '../model/model.ts';
import { controllerUid } from '../turn/identity.ts';
import type { Role } from '../turn/policy.ts';

export interface OwnPod extends PodName {
  readonly uid: string;
}

export interface Place {
  readonly role: Role;
  readonly own?: OwnPod;
}

/** From POD_NAME, POD_NAMESPACE, POD_UID and the role in the environment; a sentence where that makes no sense. */
export function readPlace(env: Readonly<Record<string, string | undefined>>): Place | { readonly problem: string } {
  const role = env[ENV_ROLE] ?? '';
  if (role !== '' && role !== 'standby') {
    return {
      problem: `environment: ${ENV_ROLE} is ${JSON.stringify(role.slice(0, 60))}; leave it out, only the agent sets it ("standby")`,
    };
  }
  const [namespace = '', name = '', uid = ''] = [env['POD_NAMESPACE'], env['POD_NAME'], env['POD_UID']];
  const own = namespace !== '' && name !== '' && uid !== '' ? { own: { namespace, name, uid } } : {};
  if (role === 'standby') return { role, ...own };
  return 'own' in own ? { role: 'daemonset', ...own } : { role: 'process' };
}

/**
 * Another pod of our own controller on this node: the one before us, or the one that will follow. It captures itself
 * when its time has come; as an ordinary parent it would come back beside the standby.
 */
export function isSibling(pod: RawPod, ownUid: string | undefined, pods: ReadonlyMap<string, RawPod>): boolean {
  if (ownUid === undefined || pod.metadata?.uid === ownUid) return false;
  const controller = controllerUid(pods.get(ownUid));
  return controller !== undefined && controllerUid(pod) === controller;
}
