/** The parent under another uid, by the runtime's word alone: what runs here under its name, or as its DaemonSet's next pod. */

import { describe, expect, it } from 'vitest';
import { type Checkpoint, type RevisionRecord, type RuntimeView, type Sandbox, seen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND } from '../../../src/core/turn/mind.ts';
import { namesakes } from '../../../src/core/turn/namesakes.ts';
import { watchTargets } from '../../../src/core/turn/watch-targets.ts';
import {
  aCheckpoint,
  aContainer,
  aLedger,
  anObservation,
  aPlaced,
  aReach,
  aSandbox,
  copyContainer,
  copySandbox,
  parentDied,
  policy,
} from '../../fakes/builders.ts';
import { one, over, placedFile, verdictOf } from './turns.ts';

const API = { 'kubernetes.io/config.source': 'api' };
const LABELS = { app: 'web', tier: 'edge' };

function labelled(change: Partial<RevisionRecord>, labels: Record<string, string>): Checkpoint {
  const made = aCheckpoint(change);
  const manifest = JSON.parse(made.manifest) as { metadata: Record<string, unknown> };
  manifest.metadata['labels'] = labels;
  return { ...made, manifest: `${JSON.stringify(manifest)}\n` };
}
const parent = { ...aCheckpoint().record.parent, name: 'web-abcde', controller: { kind: 'DaemonSet', name: 'web', uid: 'ds' } };
const ofDaemonSet = labelled({ parent }, { ...LABELS, 'checkpointer/copy': 'true' });

/** A pod of another uid, its container in this state. */
function aPodHere(change: Partial<Sandbox>, state: 'running' | 'exited' | 'created' = 'running'): RuntimeView {
  const sandbox = aSandbox({ id: 's2', uid: 'u2', ...change });
  const container = { id: 'p2', sandboxId: 's2', podUid: sandbox.uid, podName: sandbox.name, podNamespace: sandbox.namespace, state };
  return { sandboxes: [...parentDied.sandboxes, sandbox], containers: [...parentDied.containers, aContainer(container)] };
}
const next = (change: Partial<Sandbox> = {}): RuntimeView =>
  aPodHere({ name: 'web-fghjk', labels: { ...LABELS, 'controller-revision-hash': 'h2' }, annotations: API, ...change });

describe('a pod that was made anew under its name', () => {
  const again = aPodHere({});

  it('is the parent although its uid is another: no copy starts beside it', () => {
    expect(verdictOf(one({ runtime: seen(again) }))).toBe('inactive: parent-running');
  });

  it('is known by its container, too, while its sandbox is not in the list', () => {
    expect(namesakes(aCheckpoint(), { ...again, sandboxes: [] })).toMatchObject([{ uid: 'u2' }]);
  });

  it('is an orphan where the kubelet has forgotten it, and its sandbox is stopped when the copy starts', () => {
    const result = over([0, 30_000], { runtime: seen(aPodHere({}, 'exited')) });

    expect(verdictOf(result)).toBe('active: parent-orphaned');
    expect(result.actions[0]).toMatchObject({ do: 'place', stopOrphans: ['s2'] });
  });

  it('gets the place of the copy when the kubelet makes its container', () => {
    const view = aPodHere({}, 'created');
    const result = one({ runtime: seen(view), manifests: placedFile, api: aReach('unsure') }, aLedger([aPlaced()]));

    expect(verdictOf(result)).toBe('handing-back: parent-started');
    expect(result.actions).toMatchObject([{ do: 'withdraw' }, { do: 'remember', memory: { toUid: 'u2' } }]);
  });

  it('is waited for by the close watch', () => {
    const o = anObservation({ api: aReach('reachable'), runtime: seen(again) });

    expect(watchTargets([aCheckpoint()], aLedger([aPlaced()]), EMPTY_MIND, o, policy)).toMatchObject([{ podUids: ['u1', 'u2'] }]);
  });

  it('is in another namespace another pod', () => {
    expect(verdictOf(one({ runtime: seen(aPodHere({ namespace: 'default' })) }))).toBe('active: parent-absent');
  });

  it('is never our copy, whatever its name', () => {
    const copy = { ...copySandbox, name: 'web-1' };
    const view = { sandboxes: [copy], containers: [{ ...copyContainer, podName: 'web-1' }] };

    expect(namesakes(aCheckpoint(), view)).toEqual([]);
  });
});

describe('the next pod of a DaemonSet, for an agent without a watch', () => {
  it('is the parent by the labels that the captured pod had', () => {
    expect(verdictOf(one({ runtime: seen(next()) }, aLedger(), ofDaemonSet))).toBe('inactive: parent-running');
  });

  it('is the parent by its name and the mark of a revision where the template has other labels now', () => {
    const changed = next({ labels: { app: 'web', tier: 'core', 'controller-revision-hash': 'h2' } });

    expect(verdictOf(one({ runtime: seen(changed) }, aLedger(), ofDaemonSet))).toBe('inactive: parent-running');
  });

  it("is the kubelet's to start where the kubelet lists it", () => {
    const dead = next();
    const view = { ...dead, containers: parentDied.containers };

    expect(verdictOf(one({ runtime: seen(view), kubelet: seen(new Set(['kube-system/web-fghjk'])) }, aLedger(), ofDaemonSet))).toBe(
      'inactive: kubelet-has-parent',
    );
  });

  it.each([
    ['a pod of another DaemonSet', { name: 'webhook-fghjk' }],
    ['a static pod', { annotations: { 'kubernetes.io/config.source': 'file' } }],
    ['a pod of another namespace', { namespace: 'default' }],
    ['a pod without its labels or a generated name', { name: 'web-1', labels: { app: 'web' } }],
  ])('is not %s', (_, change) => {
    expect(verdictOf(one({ runtime: seen(next(change)) }, aLedger(), ofDaemonSet))).toBe('active: parent-absent');
  });

  it('is nobody beside a pod of no DaemonSet: a ReplicaSet may run two on one node', () => {
    const replica = labelled({ parent: { ...parent, controller: { kind: 'ReplicaSet', name: 'web', uid: 'rs' } } }, LABELS);

    expect(verdictOf(one({ runtime: seen(next()) }, aLedger(), replica))).toBe('active: parent-absent');
  });

  it('has a long name cut before its last five letters', () => {
    const name = 'x'.repeat(63);
    const long = labelled({ parent: { ...parent, controller: { kind: 'DaemonSet', name, uid: 'ds' } } }, LABELS);

    expect(namesakes(long, next({ name: `${name.slice(0, 58)}fghjk` }))).toMatchObject([{ uid: 'u2' }]);
  });
});
