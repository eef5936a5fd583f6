/** Four times the checkpoints are four times the work of a turn, not sixteen times. Counted, not timed. */
import { describe, expect, it } from 'vitest';
import type { Checkpoint, RawPod, RuntimeContainer, Sandbox } from '../../../src/core/model/model.ts';
import { EMPTY_MIND } from '../../../src/core/turn/mind.ts';
import type { Observation } from '../../../src/core/turn/observation.ts';
import { turn } from '../../../src/core/turn/turn.ts';
import { withIndex } from '../../../src/core/turn/view-index.ts';
import { watchTargets } from '../../../src/core/turn/watch-targets.ts';
import { aCheckpoint, aContainer, aLedger, anObservation, aPlaced, aPod, aReach, aSandbox, policy } from '../../fakes/builders.ts';

interface Node {
  readonly checkpoints: readonly Checkpoint[];
  readonly o: Observation;
  /** How often a field of anything was read so far. */
  looks(): number;
}

/** Every other parent is a DaemonSet's pod. Half of the copies are placed, where `down`, and nothing of the other half is here. */
function node(size: number, down: boolean): Node {
  let looks = 0;
  const counted = <T extends object>(value: T): T =>
    new Proxy(value, {
      get: (target, key) => {
        looks += 1;
        return Reflect.get(target, key);
      },
    });
  const checkpoints: Checkpoint[] = [];
  const pods = new Map<string, RawPod>();
  const sandboxes: Sandbox[] = [];
  const containers: RuntimeContainer[] = [];
  for (let index = 0; index < size; index += 1) {
    const name = `p${index}`;
    const uid = `u${index}`;
    const controller = { kind: index % 2 === 0 ? 'DaemonSet' : 'ReplicaSet', name: `c${index}`, uid: `c${index}` };
    const parent = { namespace: 'kube-system', name, uid, resourceVersion: '1', controller };
    checkpoints.push(counted(aCheckpoint({ parent, order: index % 3 }, { key: `kube-system_${name}` })));
    pods.set(uid, counted(aPod({ uid, name })));
    if (down && index % 2 === 1) continue;
    sandboxes.push(counted(aSandbox({ id: `s${index}`, uid, name })));
    containers.push(counted(aContainer({ id: `k${index}`, sandboxId: `s${index}`, podUid: uid, podName: name })));
  }
  const image = checkpoints[0]?.record.images.map((one) => [one.image, { known: true as const, value: true }] as const) ?? [];
  const o = anObservation({
    api: aReach(down ? 'unreachable' : 'reachable'),
    watch: { synced: true, healthy: !down, pods },
    runtime: { known: true, value: { sandboxes, containers } },
    kubelet: { known: true, value: new Set(down ? [] : checkpoints.map(({ record }) => `kube-system/${record.parent.name}`)) },
    manifests: { known: true, value: [] },
    images: new Map(image),
  });
  return { checkpoints, o, looks: () => looks };
}

function looksOf(size: number, down: boolean): number {
  const { checkpoints, o, looks } = node(size, down);
  const placed = checkpoints
    .filter((_, index) => down && index % 4 === 0)
    .map(({ key }) => aPlaced({ key, file: `podckpt-${key.replace('_', '-')}-01234567.json` }));
  const first = turn(EMPTY_MIND, checkpoints, aLedger(placed), o, policy);
  const before = looks();
  const second = turn(first.mind, checkpoints, aLedger(placed), { ...o, now: o.now + 1_000 }, policy);
  watchTargets(checkpoints, aLedger(placed), second.mind, { ...o, runtime: withIndex(o.runtime) }, policy);
  expect([first.errors.size, second.errors.size, second.verdicts.length]).toEqual([0, 0, size]);
  return looks() - before;
}

describe('a turn', () => {
  it.each([
    ['in good times', false],
    ['in an outage, with copies placed and copies to be placed', true],
  ])('%s looks at each checkpoint, pod, sandbox and container a fixed number of times', (_, down) => {
    const [few, many] = [looksOf(60, down), looksOf(240, down)];
    expect(few).toBeGreaterThan(60 * 10);
    expect(many / few).toBeLessThan(4.5);
  });
});
