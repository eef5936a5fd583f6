/** Names: that they are valid, unambiguous and short enough, whatever the parent is called. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDnsLabel, isDnsSubdomain } from '../../../src/core/model/json.ts';
import {
  checkpointKey,
  copyFullName,
  copyPodName,
  looksLikeManifestFile,
  manifestFileName,
  parseCheckpointKey,
} from '../../../src/core/model/keys.ts';

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/).filter(isDnsLabel);
const podName = fc
  .array(label, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('.'))
  .filter(isDnsSubdomain);
const pod = fc.record({ namespace: label, name: podName });

describe('checkpointKey', () => {
  it('is read back to the pod it was made from', () => {
    fc.assert(
      fc.property(pod, (name) => {
        expect(parseCheckpointKey(checkpointKey(name))).toEqual(name);
      }),
    );
  });

  it.each(['', 'kube-system', '_x', 'a_', 'a_b_c', 'A_b', '../a_b', 'a_../b', `${'a'.repeat(64)}_b`])('does not read %j', (key) => {
    expect(parseCheckpointKey(key)).toBeUndefined();
  });
});

describe('copyPodName', () => {
  it('is the name of the parent with a suffix', () => {
    expect(copyPodName({ namespace: 'kube-system', name: 'etcd' }, 'node-1')).toBe('etcd-ckpt');
  });

  it('gives a valid pod name and a usable log directory with any node name of common length', () => {
    fc.assert(
      fc.property(pod, label, (parent, node) => {
        const name = copyPodName(parent, node) ?? '';
        const full = copyFullName(name, node);
        expect(isDnsSubdomain(full)).toBe(true);
        expect(`${parent.namespace}_${full}_${'0'.repeat(32)}`.length).toBeLessThanOrEqual(255);
      }),
    );
  });

  it('keeps cut names apart', () => {
    const parents = ['a', 'b'].map((end) => ({ namespace: 'x', name: `${'n'.repeat(240)}${end}` }));
    const [first, second] = parents.map((parent) => copyPodName(parent, 'node-1'));
    expect(first).not.toBe(second);
  });

  it('is undefined when the node name leaves no room', () => {
    expect(copyPodName({ namespace: 'x', name: 'a' }, 'n'.repeat(230))).toBeUndefined();
  });

  it('expects the node name in lower case, as the kubelet writes it', () => {
    expect(copyFullName('etcd-ckpt', 'Node-1')).toBe('etcd-ckpt-node-1');
  });
});

describe('manifestFileName', () => {
  it('fits a directory entry and looks like one of ours', () => {
    fc.assert(
      fc.property(pod, (parent) => {
        const file = manifestFileName(parent);
        expect(file.length).toBeLessThanOrEqual(255);
        expect(looksLikeManifestFile(file)).toBe(true);
      }),
    );
  });

  it('differs where the readable parts are alike', () => {
    expect(manifestFileName({ namespace: 'a-b', name: 'c' })).not.toBe(manifestFileName({ namespace: 'a', name: 'b-c' }));
  });

  it('does not take a foreign name for one of ours', () => {
    for (const name of ['etcd.yaml', 'podckpt-a-b.json', '.podckpt-a-b-01234567.tmp', 'podckpt-a-b-01234567.json.bak']) {
      expect(looksLikeManifestFile(name)).toBe(false);
    }
  });
});
