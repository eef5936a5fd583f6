/**
 * The API source of the kubelet stand-in: reflectors with client-go's back-off (0.8 s doubling to 30 s, jitter 1.0; its
 * `reflector.go`). Each has its own, so after an outage services may come long after the pods, or before them.
 */
import type { KubeletProcess, SourcedPod } from './kubelet-types.ts';

const BACKOFF_FIRST_MS = 800;
const BACKOFF_MAX_MS = 30_000;
/** Stands for an open watch. */
const POLL_MS = 200;
const POLL_FLOOR_MS = 20;

/** Runs until the process dies. `deliver` gets this node's pods after every successful list. */
export async function followPods(process: KubeletProcess, deliver: (pods: readonly SourcedPod[]) => void): Promise<void> {
  const { api } = process.options;
  // The pods are listed only after a reflector of its own has read the node (`pkg/kubelet/config/apiserver.go`).
  await reflect(
    process,
    () => api.pods(),
    () => 'done',
  );
  await reflect(
    process,
    () => api.pods(),
    (pods) => {
      deliver(
        pods.flatMap((pod): SourcedPod[] => {
          const { uid, name, namespace = 'default' } = pod.metadata ?? {};
          return uid === undefined || name === undefined ? [] : [{ source: 'api', uid, name, namespace, pod }];
        }),
      );
      return 'again';
    },
  );
}

export async function followServices(process: KubeletProcess): Promise<void> {
  await reflect(
    process,
    () => process.options.api.services(),
    () => {
      process.servicesRead = true;
      return 'done';
    },
  );
}

async function reflect<T>(process: KubeletProcess, ask: () => Promise<T>, use: (answer: T) => 'again' | 'done'): Promise<void> {
  let delay = BACKOFF_FIRST_MS;
  while (!process.signal.aborted) {
    const answer = await ask().then(
      (value) => ({ value }),
      () => undefined,
    );
    if (process.signal.aborted) return;
    if (answer === undefined) {
      await process.wait(delay * (1 + process.options.random()));
      delay = Math.min(BACKOFF_MAX_MS, delay * 2);
    } else {
      if (use(answer.value) === 'done') return;
      delay = BACKOFF_FIRST_MS;
      await process.sleep(Math.max(POLL_FLOOR_MS, process.scaled(POLL_MS)));
    }
  }
}
