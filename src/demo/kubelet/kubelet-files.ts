/**
 * The file source of the kubelet stand-in (`pkg/kubelet/config/file.go`, `file_linux.go`): the directory is listed at
 * start and every 20 s, and the events between are followed. Every name without a leading dot is read.
 *
 * As the real one: a bad file met on an event changes nothing; met by the list it is left out, and the pod that it
 * used to define is gone. Refusals are log lines, nothing else. JSON only.
 */
import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { codeOf } from '../../core/model/errors.ts';
import type { RawPod } from '../../core/model/model.ts';
import { forbiddenReference } from './kubelet-references.ts';
import type { KubeletProcess, SourcedPod } from './kubelet-types.ts';

const LIST_MS = 20_000;
const MAX_MANIFEST_BYTES = 10 * 1024 * 1024;
const MIRROR = 'kubernetes.io/config.mirror';

/**
 * `deliver` gets the complete set of static pods after every change, and once at the start. Runs until the process
 * dies.
 */
export async function followFiles(process: KubeletProcess, deliver: (pods: readonly SourcedPod[]) => void): Promise<void> {
  const { staticPodPath, nodeName } = process.options;
  /** By namespace/name, as the real store: two files with one name are one pod. */
  let store = new Map<string, { readonly file: string; readonly pod: SourcedPod }>();
  let last: readonly SourcedPod[] | undefined;
  let watcher: FSWatcher | undefined;
  let work = Promise.resolve();

  const publish = (): void => {
    const pods = [...store.values()].map(({ pod }) => pod);
    if (last !== undefined && isDeepStrictEqual(last, pods)) return;
    last = pods;
    deliver(pods);
  };
  const list = async (): Promise<void> => {
    const found = new Map<string, { readonly file: string; readonly pod: SourcedPod }>();
    for (const file of (await readdir(staticPodPath).catch(() => [])).filter((name) => !name.startsWith('.')).sort()) {
      try {
        const pod = await readManifest(join(staticPodPath, file), nodeName);
        if (pod !== undefined) found.set(`${pod.namespace}/${pod.name}`, { file, pod });
      } catch (error) {
        process.log(`Could not process manifest file ${file}: ${reasonOf(error)}`);
      }
    }
    store = found;
    publish();
  };
  const event = async (file: string): Promise<void> => {
    try {
      const pod = await readManifest(join(staticPodPath, file), nodeName);
      if (pod !== undefined) store.set(`${pod.namespace}/${pod.name}`, { file, pod });
    } catch (error) {
      if (codeOf(error) === 'ENOENT') {
        for (const [name, entry] of store) if (entry.file === file) store.delete(name);
      } else {
        process.log(`Unable to process watch event: can't process config file ${file}: ${reasonOf(error)}`);
      }
    }
    publish();
  };
  const inTurn = (job: () => Promise<void>): void => {
    work = work.then(() => (process.signal.aborted ? undefined : job()));
  };
  const startWatching = (): void => {
    if (watcher !== undefined) return;
    try {
      watcher = watch(staticPodPath, { persistent: false });
      watcher.on('change', (_type, name) => {
        const file = String(name ?? '');
        if (file !== '' && !file.startsWith('.')) inTurn(() => event(file));
      });
      watcher.on('error', () => {
        watcher = undefined;
      });
    } catch {
      watcher = undefined; // no such directory yet: the next list tries again
    }
  };

  process.signal.addEventListener('abort', () => watcher?.close());
  while (!process.signal.aborted) {
    startWatching();
    inTurn(list);
    await work;
    await process.wait(LIST_MS);
  }
}

/** undefined: no regular file. Throws with the kubelet's reason for whatever it would not run. */
async function readManifest(path: string, nodeName: string): Promise<SourcedPod | undefined> {
  const found = await stat(path);
  if (!found.isFile()) return undefined;
  if (found.size >= MAX_MANIFEST_BYTES) throw new Error('the file is too large');
  return staticPod(await readFile(path, 'utf8'), path, nodeName);
}

/** The static pod that this text defines on this node. Content, node and path all go into its uid. */
export function staticPod(text: string, path: string, nodeName: string): SourcedPod {
  const pod = JSON.parse(text) as RawPod;
  if (pod.apiVersion !== 'v1' || pod.kind !== 'Pod' || !pod.metadata?.name || pod.spec === undefined)
    throw new Error('no v1 Pod with a name');
  if (pod.metadata.annotations?.[MIRROR] !== undefined) throw new Error('a mirror pod is not run');
  const forbidden = forbiddenReference(pod);
  if (forbidden !== undefined) throw new Error(`static pods may not reference ${forbidden}`);
  const name = `${pod.metadata.name}-${nodeName.toLowerCase()}`;
  const namespace = pod.metadata.namespace ?? 'default';
  const hash = createHash('md5').update(JSON.stringify(pod)).update(`host:${nodeName}`).update(`file:${path}`).digest('hex');
  const uid = pod.metadata.uid ?? hash;
  const annotations = { ...pod.metadata.annotations, 'kubernetes.io/config.hash': uid, 'kubernetes.io/config.source': 'file' };
  const { status: _status, ...rest } = pod;
  return { source: 'file', uid, namespace, name, pod: { ...rest, metadata: { ...pod.metadata, name, namespace, uid, annotations } } };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'failed';
}
