/** What the kubelet shows that it can only have from an API server, and what is no news. */
import { describe, expect, it } from 'vitest';
import { seen, unseen } from '../../../src/core/model/model.ts';
import { kubeletSign } from '../../../src/core/turn/kubelet-sign.ts';
import { anObservation, aSandbox } from '../../fakes/builders.ts';

const lists = (now: number, ...names: string[]) => anObservation({ now, kubelet: seen(new Set(names)) });
const runs = (now: number, ...uids: string[]) =>
  anObservation({
    now,
    kubelet: unseen('refused'),
    runtime: seen({ sandboxes: uids.map((uid, index) => aSandbox({ id: `s${now}${index}`, uid, name: uid })), containers: [] }),
  });

describe('a sign of the kubelet', () => {
  it('is a pod that it did not list before', () => {
    const offline = kubeletSign(undefined, lists(1_000, 'kube-system/etcd-n1'));
    const online = kubeletSign(offline, lists(2_000, 'kube-system/etcd-n1', 'kube-system/web-1'));

    expect(offline.at).toBeUndefined();
    expect(online.at).toBe(2_000);
  });

  it('is given once: a list that stays, or shrinks, or could not be read is none', () => {
    const online = kubeletSign(undefined, lists(1_000, 'kube-system/web-1', 'kube-system/dns-1'));
    const same = kubeletSign(online, lists(2_000, 'kube-system/web-1', 'kube-system/dns-1'));
    const fewer = kubeletSign(same, lists(3_000, 'kube-system/web-1'));
    const unknown = kubeletSign(fewer, anObservation({ now: 4_000, kubelet: unseen('refused') }));

    expect([online, same, fewer, unknown, kubeletSign(unknown, lists(5_000, 'kube-system/web-1'))].map(({ at }) => at)).toEqual([
      1_000, 1_000, 1_000, 1_000, 1_000,
    ]);
  });

  it('is a pod that it runs and did not run before; another sandbox of the same pod is none', () => {
    const first = kubeletSign(undefined, runs(1_000, 'u1'));
    const again = kubeletSign(first, runs(2_000, 'u1'));
    const another = kubeletSign(again, runs(3_000, 'u1', 'u2'));

    expect([again.at, another.at]).toEqual([1_000, 3_000]);
  });
});
