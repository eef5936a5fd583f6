/** Files of others in staticPodPath: what the product must never touch, move or overwrite. */
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
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

/** A valid static pod, one under our own prefix, and two that are no pods at all. */
export function placeForeignFiles(node: Node): void {
  placeManifest(node, 'foreign-pod.json', staticPod('foreign-pod', ['pause']), 0o640);
  placeManifest(node, 'podckpt-e2e-foreign-0123456789.json', staticPod('foreign-prefix', ['pause']), 0o600);
  placeManifest(node, '.foreign-readme', 'Not a pod.\n', 0o644);
  placeManifest(node, 'foreign.json.bak', '{ "kind": "Pod", broken', 0o400);
}

/** Everything about the foreign files that a touch would change. */
export function foreignFiles(node: Node): readonly ForeignFile[] {
  return readdirSync(node.paths.manifests)
    .filter((name) => name.includes('foreign'))
    .sort()
    .map((name) => {
      const path = join(node.paths.manifests, name);
      const stat = statSync(path, { bigint: true });
      const content = createHash('sha256').update(readFileSync(path)).digest('hex');
      return { name, content, mode: Number(stat.mode & 0o7777n), inode: stat.ino, modifiedNs: stat.mtimeNs };
    });
}

/** What differs, in words; undefined when nothing does. */
export function foreignComplaint(before: readonly ForeignFile[], now: readonly ForeignFile[]): string | undefined {
  const shown = (files: readonly ForeignFile[]) =>
    files.map((file) => `${file.name} ${file.content.slice(0, 12)} ${file.mode.toString(8)} ${file.inode} ${file.modifiedNs}`).join('\n');
  return shown(before) === shown(now) ? undefined : `foreign files changed; before:\n${shown(before)}\nnow:\n${shown(now)}`;
}
