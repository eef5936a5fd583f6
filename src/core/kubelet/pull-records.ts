/**
 * Will the kubelet give an image that is on the node to a copy? From 1.35 on it remembers with which credentials it
 * pulled an image, and denies it to a pod that has not got them (KEP-2535; pkg/kubelet/images/pullmanager). A copy has
 * no pull secret and no service account, so only an image that every pod of the node may use is good for it.
 *
 * Pure: the kubelet's record and its policy in, a verdict out. What is not looked at: records of pulls that have not
 * ended, because the kubelet turns them into records of the other kind when it starts.
 */

import { field, isObject, objectsIn, textField } from '../model/json.ts';
import { imageName } from '../text/image.ts';
import type { PullPolicy } from './kubelet-config.ts';

/** One ImagePulledRecord (kubelet.config.k8s.io/v1alpha1, v1beta1), without the credentials' hashes. */
export interface PullRecord {
  readonly imageRef: string;
  /** By name of the image as pods spelled it, without tag and digest. */
  readonly credentials: Readonly<Record<string, PullCredentials>>;
}
export interface PullCredentials {
  readonly nodePodsAccessible: boolean;
  /** How many pull secrets, and service accounts, the image was pulled with. */
  readonly secrets: number;
  readonly serviceAccounts: number;
}

/** `off`: this kubelet keeps no records. `none`: it keeps some, and none of this image. */
export type FoundPullRecord = PullRecord | 'none' | 'off';

export type PullVerdict =
  | { readonly kind: 'usable' }
  /** `message`: one sentence about the image: why, and what to do about it. Names no secret. */
  | { readonly kind: 'denied'; readonly cause: PullDenial; readonly message: string };
export type PullDenial =
  /** Pulled with a pull secret. */
  | 'pull-secret'
  /** Pulled by a credential provider with a service account's token. */
  | 'service-account'
  /** The record knows the image under other names only. */
  | 'other-name'
  /** Pulled, and the kubelet does not know with what. */
  | 'unknown-credentials'
  /** Not pulled by the kubelet, and its policy wants a check all the same. */
  | 'policy';

/** undefined: no such record; the kubelet would not understand it either. */
export function parsePullRecord(text: string): PullRecord | undefined {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return undefined;
  }
  const imageRef = textField(record, 'imageRef');
  if (field(record, 'kind') !== 'ImagePulledRecord' || imageRef === undefined) return undefined;
  const mapping = field(record, 'credentialMapping');
  const credentials = Object.entries(isObject(mapping) ? mapping : {}).map(([name, entry]) => [
    name,
    {
      nodePodsAccessible: field(entry, 'nodePodsAccessible') === true,
      secrets: objectsIn(entry, 'kubernetesSecrets').length,
      serviceAccounts: objectsIn(entry, 'kubernetesServiceAccounts').length,
    },
  ]);
  return { imageRef, credentials: Object.fromEntries(credentials) };
}

const USABLE: PullVerdict = { kind: 'usable' };

/** `image` as the copy's manifest has it, `imageId` as the runtime calls it. */
export function judgePull(image: string, imageId: string, found: FoundPullRecord, policy: PullPolicy): PullVerdict {
  if (found === 'off' || policy.gate === false || policy.mode === 'NeverVerify') return USABLE;
  // a record of something else under this image's name counts as none
  const record = found === 'none' || found.imageRef !== imageId ? undefined : found;
  if (!wantsCheck(image, record !== undefined, policy)) return USABLE;
  if (record === undefined) return denied(image, 'policy');
  const name = imageName(image);
  const own = Object.hasOwn(record.credentials, name) ? record.credentials[name] : undefined;
  if (own === undefined) return denied(image, 'other-name');
  if (own.nodePodsAccessible) return USABLE;
  if (own.secrets > 0) return denied(image, 'pull-secret');
  return denied(image, own.serviceAccounts > 0 ? 'service-account' : 'unknown-credentials');
}

function wantsCheck(image: string, pulledByKubelet: boolean, policy: PullPolicy): boolean {
  switch (policy.mode) {
    case 'NeverVerify':
      return false;
    case 'NeverVerifyPreloadedImages':
      return pulledByKubelet;
    case 'NeverVerifyAllowlistedImages':
      return !allowlisted(imageName(image), policy.allowlist);
    case 'AlwaysVerify':
      return true;
  }
}

/** Plain comparison of what was written, as the kubelet does it: `app` and `docker.io/library/app` are two names. */
function allowlisted(name: string, allowlist: readonly string[]): boolean {
  return allowlist.some((pattern) => (pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}

const CAUSES: Readonly<Record<PullDenial, string>> = {
  'pull-secret': 'was pulled with a pull secret',
  'service-account': "was pulled with a service account's token",
  'other-name': 'was pulled under another name only',
  'unknown-credentials': 'was pulled with credentials that the kubelet did not note',
  policy: "was not pulled by the kubelet, and the kubelet's policy wants its credentials checked",
};

function denied(image: string, cause: PullDenial): PullVerdict {
  const name = imageName(image);
  const message =
    `image ${image} ${CAUSES[cause]}, so the kubelet denies it to a copy, which has no credentials, unless it can pull it again; ` +
    `give the node itself credentials for the registry, or load the image onto the node beforehand and let its record go, ` +
    `or set imagePullCredentialsVerificationPolicy in the kubelet's configuration to NeverVerify, ` +
    `or to NeverVerifyAllowlistedImages with ${name} in preloadedImagesVerificationAllowlist`;
  return { kind: 'denied', cause, message };
}
