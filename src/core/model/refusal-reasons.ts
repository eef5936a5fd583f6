/**
 * Why a pod is refused, in sentences for the reference: one row for every code.
 *
 * What a pod's own refusal says is made where it is refused. The agent reads nothing of this: its bundle goes without.
 */
import type { RefusalCode } from './refusal.ts';

export interface RefusalReason {
  /** What the pod is or has. */
  readonly pod: string;
  readonly why: string;
  readonly todo: string;
}

const HOST_PATH = 'Use a hostPath volume, or do not opt it in.';
const SUCCESSOR = 'Nothing: its successor is captured.';
const BY_ITSELF = 'It comes back after a reboot by itself.';

/** In the order of the codes. */
export const REFUSAL_REASONS: Readonly<Record<RefusalCode, RefusalReason>> = {
  malformed: {
    pod: 'is not whole, or not as an API server accepts it',
    why: 'Only of what an API server accepted is it known what it means. `render`, whose pods nobody has judged, looks for what people get wrong.',
    todo: 'Correct the place named, or give the pod as the API server has it.',
  },
  'unknown-key': {
    pod: 'has a key under `checkpointer/` that nobody reads',
    why: 'A typo must not look like coverage.',
    todo: 'Correct or remove it.',
  },
  'bad-value': {
    pod: 'has an option with a value that it does not take, or options without `checkpointer/enabled`',
    why: 'A typo must not look like coverage.',
    todo: 'Use one of the values named.',
  },
  'namespace-not-honoured': {
    pod: 'is in a namespace that is not in `namespaces`',
    why: 'Who may write pods there would decide what runs without an API server.',
    todo: 'Add the namespace to `namespaces`.',
  },
  'mirror-pod': { pod: 'is the mirror of a static pod', why: BY_ITSELF, todo: 'Remove the annotation from its manifest.' },
  'static-pod': { pod: 'is a static pod', why: BY_ITSELF, todo: 'Remove the annotation from its manifest.' },
  'own-copy': { pod: 'is a copy made by the agent', why: 'A copy of a copy is never made.', todo: 'Remove the annotation from it.' },
  terminating: { pod: 'is being deleted', why: 'What is going away must not come back.', todo: SUCCESSOR },
  finished: { pod: 'has run to its end', why: 'It will not run again.', todo: SUCCESSOR },
  job: {
    pod: 'belongs to a Job or CronJob',
    why: 'Work that ends must not be run again.',
    todo: 'Remove the annotation from the template.',
  },
  'stateful-set': {
    pod: 'belongs to a StatefulSet',
    why: 'Two pods of one identity could run.',
    todo: '`checkpointer/allow-duplicate: "true"` accepts that.',
  },
  'restart-policy': {
    pod: 'has a `restartPolicy` other than `Always`',
    why: 'It may end, and must not be run again.',
    todo: 'Use `Always`, or do not opt it in.',
  },
  'runtime-class': {
    pod: 'has a `runtimeClassName`',
    why: 'The kubelet asks the API server what it means.',
    todo: "Make its handler the runtime's default, and remove the field.",
  },
  'unknown-field': {
    pod: 'has a field that this version does not know',
    why: 'What it would do in a copy is not known.',
    todo: 'Remove it, or use a newer version.',
  },
  'needs-newer-kubelet': {
    pod: 'has a field or option such as an image volume or `fileKeyRef`, or a hostname that only `hostnameOverride` can keep',
    why: 'The kubelet of this node, as far as its version is known, would refuse it in a static pod, or pass over it.',
    todo: 'Upgrade the kubelet, set `kubeletVersion`, or remove the field; for a name with a dot set `spec.hostname`.',
  },
  'name-too-long': {
    pod: 'has a name that leaves no room',
    why: "The copy's name and its directory would be too long.",
    todo: 'Shorten the name of the pod, or of the node.',
  },
  hostname: {
    pod: 'has a dot in its name, a `subdomain` and `setHostnameAsFQDN`',
    why: "Its hostname is made of all three and the cluster's domain. A copy has another name, and no field can hold that hostname.",
    todo: 'Set `spec.hostname`.',
  },
  'annotations-too-large': {
    pod: 'has annotations of almost 256 KiB',
    why: "There is no room for the copy's own.",
    todo: 'Shorten them.',
  },
  'reserved-text': {
    pod: 'contains the text `@revision@`',
    why: 'In what is stored it stands for a directory.',
    todo: 'Write it otherwise.',
  },
  'active-deadline': {
    pod: 'has `activeDeadlineSeconds`',
    why: 'They would count anew, and end the copy some time after each start.',
    todo: 'Remove the field, or do not opt it in.',
  },
  'resource-claim': {
    pod: 'has resource claims',
    why: 'Their devices are given out through the API server.',
    todo: 'Remove them, or do not opt it in.',
  },
  'extended-resource': {
    pod: 'asks for devices of a plugin',
    why: 'The kubelet cannot truly grant them before the API server is back.',
    todo: 'Remove them, or do not opt it in.',
  },
  windows: { pod: 'is for Windows', why: 'Windows nodes are not supported.', todo: 'Do not opt it in.' },
  'host-users': {
    pod: 'has `hostUsers: false` on the host network',
    why: 'Kubelets refuse that in static pods.',
    todo: 'Remove one of the two.',
  },
  'ip-notation': {
    pod: 'has an address with leading zeros, or an IPv4-mapped one',
    why: 'Newer kubelets refuse that in static pods.',
    todo: 'Write it plainly.',
  },
  'named-port': {
    pod: 'is on the host network, and a probe or hook names a port that its container does not declare',
    why: "The copy has no list of ports, so that it does not keep the pod out. The name must become the port's number.",
    todo: 'Correct the name, or write the number.',
  },
  'persistent-volume': {
    pod: 'has a persistent volume claim, or an ephemeral volume',
    why: 'Without the API server nothing attaches it, and nothing keeps a second pod from writing to it.',
    todo: HOST_PATH,
  },
  'csi-volume': { pod: 'has a CSI volume', why: 'Its driver is looked up through the API server.', todo: HOST_PATH },
  'attached-volume': {
    pod: 'has a volume that is attached or locked: iscsi, fc, rbd, cephfs, or a disk of a cloud',
    why: 'The kubelet asks the API server whether it is attached, or its data could be damaged.',
    todo: 'Mount it on the host and use a hostPath volume, or do not opt it in.',
  },
  'api-volume': {
    pod: 'has a volume such as azureFile or glusterfs',
    why: 'The kubelet reads its endpoints or secrets through the API server.',
    todo: HOST_PATH,
  },
  'git-repo-volume': {
    pod: 'has a `gitRepo` volume',
    why: 'Current kubelets have it switched off.',
    todo: 'Clone in an init container.',
  },
  'pod-certificate': {
    pod: 'has a certificate issued to this very pod',
    why: 'Its key belongs to one pod, and it expires soon.',
    todo: 'Use a certificate from a Secret, or do not opt it in.',
  },
  'block-device': {
    pod: 'has `volumeDevices`',
    why: 'A block device needs a claim, and a claim needs the API server.',
    todo: 'Remove them, or do not opt it in.',
  },
  'volume-not-captured': {
    pod: 'has a volume whose files could not be read',
    why: 'A copy without them would not be the pod.',
    todo: 'See the message. It is tried again when they change.',
  },
  'sub-path-missing': {
    pod: 'has a `subPath` or `subPathExpr` that names nothing in its volume',
    why: 'The copy would find nothing there.',
    todo: 'Correct the path, or remove the mount.',
  },
  'secret-env': {
    pod: 'has values of a Secret in environment variables',
    why: 'Who may read pods could read them in the copy.',
    todo: 'Mount the Secret as files, or choose another `checkpointer/secret-env`.',
  },
  'secret-env-file': {
    pod: 'has `checkpointer/secret-env: "env-file"`',
    why: 'There is no `agentImage`, or such a file cannot hold the value.',
    todo: 'Set `agentImage`, mount the Secret as files, or use `"inline"`.',
  },
  'env-not-captured': {
    pod: 'has environment variables, or one in a `subPathExpr`, that are not known, or not any more',
    why: 'The runtime tells them only of containers that it still has whole.',
    todo: 'Restart the pod, or write the path as `subPath`.',
  },
  'env-name': { pod: 'has a variable with an odd name', why: 'The kubelet refuses it in static pods.', todo: 'Rename the variable.' },
  'env-value': {
    pod: 'has a variable with a value that is no text',
    why: 'A manifest cannot express it.',
    todo: 'Mount it as a file.',
  },
  'field-reference': {
    pod: 'refers to a field of its own that has no value in a static pod, or that this version does not know',
    why: 'The copy would get nothing for it.',
    todo: 'Write the value.',
  },
  'internal-api-reference': {
    pod: 'would still refer to an object of the API server',
    why: 'That is a mistake of pod-checkpointer.',
    todo: 'Report it, please.',
  },
  limit: {
    pod: 'is one too many, or its files are too large',
    why: 'The node keeps no more than `limits` allow.',
    todo: 'Raise `limits`, or keep large data out of Secrets and ConfigMaps.',
  },
  'capture-failed': {
    pod: 'could not be captured four times in a row',
    why: 'The message has the cause, such as a full disk. It is tried on.',
    todo: 'Mend what the message names.',
  },
};
