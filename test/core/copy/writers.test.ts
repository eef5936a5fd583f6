/** Which containers write data that the copy of their pod would write as well, and what that means for the hand-back. */
import { describe, expect, it } from 'vitest';
import { asStandby } from '../../../src/core/copy/standby-copy.ts';
import { writersOf } from '../../../src/core/copy/writers.ts';
import type { Json } from '../../../src/core/model/model.ts';
import { accepted, OPTIONS, run, tinyPod } from '../pods.ts';

const mount = (name: string, more: Json = {}): Json => ({ name, mountPath: `/${name}`, ...more });
const hostPath = { name: 'data', hostPath: { path: '/srv/data' } };
/** A pod with one volume that its only container mounts. */
const spec = (volume: Json, mounted: Json = {}, more: Json = {}): Json => ({
  containers: [{ name: 'main', volumeMounts: [mount('data', mounted)] }],
  volumes: [{ name: 'data', ...volume }],
  ...more,
});
const RO = { readOnly: true };
const FS_GROUP = { securityContext: { fsGroup: 2000 } };

describe('the writers of a pod', () => {
  it.each<[string, Json]>([
    ['a hostPath', spec({ hostPath: { path: '/srv/data', type: 'Directory' } })],
    ['nfs', spec({ nfs: { server: 'nas', path: '/export' } })],
    ['a block-like volume', spec({ iscsi: { targetPortal: '192.0.2.1', iqn: 'iqn', lun: 0 } })],
    ['a kind that nobody has heard of', spec({ newKind: {} })],
    ['a block-like volume that only the kubelet writes, for the group', spec({ fc: {} }, RO, FS_GROUP)],
    ['a block device', { containers: [{ name: 'main', volumeDevices: [{ name: 'data' }] }], volumes: [{ name: 'data', fc: {} }] }],
  ])('are those that mount %s', (_, given) => {
    expect(writersOf(given)).toEqual(['main']);
  });

  it.each<[string, Json]>([
    ['a hostPath that is mounted read-only', spec({ hostPath: { path: '/srv/data' } }, RO)],
    ['the same in a pod with an fsGroup: the kubelet leaves it alone', spec({ hostPath: { path: '/srv/data' } }, RO, FS_GROUP)],
    ['nfs that is read-only for all', spec({ nfs: { server: 'nas', path: '/export', readOnly: true } })],
    ['an emptyDir, be it with an fsGroup', spec({ emptyDir: {} }, {}, FS_GROUP)],
    ['what becomes stored files', spec({ secret: { secretName: 's' } })],
    ['an image', spec({ image: { reference: 'app:1' } })],
    ['a volume without a kind, which is an emptyDir', spec({})],
    ['nothing of it', { containers: [{ name: 'main' }], volumes: [hostPath] }],
  ])('are not those that mount %s', (_, given) => {
    expect(writersOf(given)).toEqual([]);
  });

  it('are found among init containers and sidecars too, in the order of the spec', () => {
    const initContainers = [
      { name: 'migrate', volumeMounts: [mount('data')] },
      { name: 'look', volumeMounts: [mount('data', RO)] },
      { name: 'sync', restartPolicy: 'Always', volumeMounts: [mount('data')] },
    ];
    const containers = [{ name: 'main', volumeMounts: [mount('data', RO), mount('data', { mountPath: '/again' })] }, { name: 'proxy' }];

    expect(writersOf({ initContainers, containers, volumes: [hostPath] })).toEqual(['migrate', 'sync', 'main']);
  });
});

describe('a pod that shares data', () => {
  const withPort = { ports: [{ containerPort: 80, hostPort: 80 }] };

  it('hands back by its container on the pod network as well', () => {
    const result = accepted(run(tinyPod({ volumes: [hostPath] })));

    expect(result).toMatchObject({ handBack: 'container', writers: ['main'] });
  });

  it('keeps the mode of a host port, for the kubelet would reject it otherwise', () => {
    expect(accepted(run(tinyPod({ volumes: [hostPath] }, withPort)))).toMatchObject({ handBack: 'first-sign', writers: ['main'] });
  });

  it('overlaps where two writers are fine', () => {
    const result = accepted(run(tinyPod({ volumes: [hostPath] }), { ...OPTIONS, overlap: true }));

    expect(result.handBack).toBe('overlap');
    expect(result).not.toHaveProperty('writers');
  });

  it('is no matter for the agent itself: a lock keeps it and its standby apart', () => {
    const pod = tinyPod({ volumes: [hostPath], hostNetwork: true });

    expect(asStandby(pod, accepted(run(pod)))).not.toHaveProperty('writers');
  });
});

describe('a pod that shares nothing', () => {
  it('overlaps, as ever', () => {
    const result = accepted(run(tinyPod({ volumes: [{ name: 'scratch', emptyDir: {} }] })));

    expect(result.handBack).toBe('overlap');
    expect(result).not.toHaveProperty('writers');
  });
});
