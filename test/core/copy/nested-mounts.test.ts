/** Mount points that the kubelet makes in its own volumes, and nobody in a hostPath. */
import { describe, expect, test } from 'vitest';
import { nestedMountPoints } from '../../../src/core/copy/nested-mounts.ts';

/** Volume and path. */
type Mounts = readonly (readonly [string, string])[];

/** The first is an init container's. */
function pod(containers: readonly Mounts[]): unknown {
  const [init = {}, ...main] = containers.map((mounts, index) => ({
    name: `c${index}`,
    volumeMounts: mounts.map(([name, mountPath]) => ({ name, mountPath })),
  }));
  return { spec: { initContainers: [init], containers: main } };
}

describe('directories for what is mounted beneath a stored volume', () => {
  test.each<[string, readonly Mounts[], readonly string[]]>([
    ['nothing beneath it', [[], [['v', '/etc/app']]], []],
    [
      'another volume beneath it',
      [
        [],
        [
          ['v', '/etc/app'],
          ['w', '/etc/app/conf'],
        ],
      ],
      ['conf'],
    ],
    [
      'the volume itself beneath it',
      [
        [],
        [
          ['v', '/etc/app'],
          ['v', '/etc/app/again'],
        ],
      ],
      ['again'],
    ],
    [
      'only the outermost of several',
      [
        [],
        [
          ['v', '/a'],
          ['w', '/a/b'],
          ['x', '/a/b/c'],
          ['y', '/a/b2/c'],
        ],
      ],
      ['b', 'b2/c'],
    ],
    [
      'a neighbour that only begins alike',
      [
        [],
        [
          ['v', '/a'],
          ['w', '/a-b'],
          ['x', '/a.b/c'],
        ],
      ],
      [],
    ],
    [
      'spellings of one path',
      [
        [],
        [
          ['v', '/a//b/'],
          ['w', '/a/./b/c/'],
        ],
      ],
      ['c'],
    ],
    [
      'mounted in an init container',
      [
        [
          ['v', '/i'],
          ['w', '/i/x'],
        ],
        [
          ['v', '/m'],
          ['w', '/n'],
        ],
      ],
      ['x'],
    ],
    ['mounts of other containers do not count', [[], [['v', '/a']], [['w', '/a/b']]], []],
    [
      'two containers',
      [
        [],
        [
          ['v', '/a'],
          ['w', '/a/z'],
        ],
        [
          ['v', '/a'],
          ['w', '/a/b'],
        ],
      ],
      ['b', 'z'],
    ],
    [
      'mounted at the root, where the kubelet makes none either',
      [
        [],
        [
          ['v', '/'],
          ['w', '/etc'],
        ],
      ],
      [],
    ],
  ])('%s', (_name, containers, expected) => {
    expect(nestedMountPoints(pod(containers), 'v')).toEqual(expected);
  });

  test('never throws, whatever the pod is', () => {
    for (const odd of [undefined, 1, [], {}, { spec: { containers: [1, { volumeMounts: [{ name: 'v' }, 2] }] } }])
      expect(nestedMountPoints(odd, 'v')).toEqual([]);
  });
});
