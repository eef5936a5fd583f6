/** Checkpoints of the agent's own pod, placed and running, for the tests of the standby. */
import { manifestFileName } from '../../src/core/model/keys.ts';
import { aCheckpoint, aContainer, aPlaced, aSandbox } from '../fakes/builders.ts';

export const NAMESPACE = 'checkpointer';
export const own = (name: string, uid: string, revision = 'r1') =>
  aCheckpoint({
    parent: { namespace: NAMESPACE, name, uid, resourceVersion: '1', controller: { kind: 'DaemonSet', name: 'agent', uid: 'ds' } },
    self: true,
    revision,
  });
export const placedOf = (checkpoint: ReturnType<typeof own>, more: object = {}) =>
  aPlaced({ key: checkpoint.key, file: manifestFileName(checkpoint.record.parent), self: true, why: 'standby-kept', ...more });
export const standbyRuns = (name: string, sandboxId: string) => ({
  sandbox: aSandbox({
    id: sandboxId,
    uid: `uid-${sandboxId}`,
    namespace: NAMESPACE,
    annotations: {
      'kubernetes.io/config.source': 'file',
      'checkpointer/copy-of': `${NAMESPACE}/${name}`,
      'checkpointer/revision': 'r1',
    },
  }),
  container: aContainer({ id: `c-${sandboxId}`, sandboxId, podUid: `uid-${sandboxId}` }),
});
