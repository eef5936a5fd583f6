/** Files of others in staticPodPath: what the product must never touch, move or overwrite. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { TESTSERVER_IMAGE } from './node/layout.ts';
import type { Node } from './node/node.ts';
import type { ForeignFile } from './scenario.ts';

/** A static pod that only waits. */
export function staticPod(name: string, args: readonly string[], hostNetwork = false): string {
  const container = { name: 'main', image: TESTSERVER_IMAGE, imagePullPolicy: 'IfNotPresent', args };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { hostNetwork, terminationGracePeriodSeconds: 1, containers: [container] },
  });
}

/** As the kubelet's directory wants it: under a name it ignores, then renamed. */
export function placeManifest(node: Node, name: string, content: string, mode: number): void {
  const temporary = join(node.paths.manifests, `.${name}.tmp`);
  writeFileSync(temporary, content);
  chmodSync(temporary, mode);
  renameSync(temporary, join(node.paths.manifests, name));
}

/** A part of a control plane as kubeadm writes it: YAML with comments, on the host network, mode 0600. It only waits. */
function controlPlanePod(component: string): string {
  return `# Written by somebody else. Keep this comment.
apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: 192.0.2.1:6443
  creationTimestamp: null
  labels:
    component: ${component}
    tier: control-plane
  name: foreign-${component}
  namespace: kube-system
spec:
  containers:
  - args:
    - pause
    image: ${TESTSERVER_IMAGE}
    imagePullPolicy: IfNotPresent
    name: ${component}   # one container, as ever
    resources: {}
  hostNetwork: true
  priorityClassName: system-node-critical
  securityContext:
    seccompProfile:
      type: RuntimeDefault
  terminationGracePeriodSeconds: 1
status: {}
`;
}

/** A file of somebody else whose name is like ours: nothing of ours may touch it, not even the uninstall. */
export const LOOK_ALIKE = 'podckpt-e2e-foreign-01234567.json';

/** Static pods that run out of {@link placeForeignFiles}, without the node's name. */
export const FOREIGN_PODS = ['foreign-pod', 'foreign-prefix', 'foreign-kube-apiserver', 'foreign-kube-scheduler'];

/** As after kubeadm and an administrator: a manifest, a link to one that lies elsewhere, and a directory of old ones. */
function placeControlPlane(node: Node): void {
  const elsewhere = join(node.paths.state, 'foreign-control-plane');
  const backup = join(node.paths.manifests, 'foreign-backup');
  for (const dir of [elsewhere, backup]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  placeManifest(node, 'foreign-kube-apiserver.yaml', controlPlanePod('kube-apiserver'), 0o600);
  writeFileSync(join(backup, 'foreign-kube-apiserver.yaml'), controlPlanePod('kube-apiserver'), { mode: 0o600 });
  writeFileSync(join(elsewhere, 'scheduler.yaml'), controlPlanePod('kube-scheduler'), { mode: 0o600 });
  symlinkSync(join(elsewhere, 'scheduler.yaml'), join(node.paths.manifests, 'foreign-kube-scheduler.yaml'));
}

/** Valid static pods, one under a name as ours are, a control plane, and two files that are no pods at all. */
export function placeForeignFiles(node: Node): void {
  placeControlPlane(node);
  placeManifest(node, 'foreign-pod.json', staticPod('foreign-pod', ['pause']), 0o640);
  placeManifest(node, LOOK_ALIKE, staticPod('foreign-prefix', ['pause']), 0o600);
  placeManifest(node, '.foreign-readme', 'Not a pod.\n', 0o644);
  placeManifest(node, 'foreign.json.bak', '{ "kind": "Pod", broken', 0o400);
}

/** Everything about the foreign files, links and directories that a touch would change. */
export function foreignFiles(node: Node): readonly ForeignFile[] {
  return readdirSync(node.paths.manifests, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
    .filter(({ path }) => path.slice(node.paths.manifests.length).includes('foreign'))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ entry, path }) => {
      const stat = lstatSync(path, { bigint: true });
      const bytes = entry.isSymbolicLink() ? readlinkSync(path) : entry.isFile() ? readFileSync(path) : '';
      const content = createHash('sha256').update(bytes).digest('hex');
      const name = path.slice(node.paths.manifests.length + 1);
      return { name, content, mode: Number(stat.mode & 0o7777n), inode: stat.ino, modifiedNs: stat.mtimeNs };
    });
}

/** What differs, in words; undefined when nothing does. */
export function foreignComplaint(before: readonly ForeignFile[], now: readonly ForeignFile[]): string | undefined {
  const shown = (files: readonly ForeignFile[]) =>
    files.map((file) => `${file.name} ${file.content.slice(0, 12)} ${file.mode.toString(8)} ${file.inode} ${file.modifiedNs}`).join('\n');
  return shown(before) === shown(now) ? undefined : `foreign files changed; before:\n${shown(before)}\nnow:\n${shown(now)}`;
}

/** A name that could be ours keeps an uninstall from ending: out of the way, where it is to end. */
export function hideLookAlike({ paths }: Node): void {
  if (existsSync(join(paths.manifests, LOOK_ALIKE))) renameSync(join(paths.manifests, LOOK_ALIKE), join(paths.state, LOOK_ALIKE));
}

/** As it was before {@link hideLookAlike}. */
export function showLookAlike({ paths }: Node): void {
  if (existsSync(join(paths.state, LOOK_ALIKE))) renameSync(join(paths.state, LOOK_ALIKE), join(paths.manifests, LOOK_ALIKE));
}
