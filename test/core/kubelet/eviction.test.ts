/** The kubelet's thresholds, and whether the machine is below one of them. */
import { describe, expect, it } from 'vitest';
import {
  type Amount,
  DEFAULT_THRESHOLDS,
  type MachineLook,
  memoryIn,
  type Signal,
  shortages,
  thresholdsOf,
} from '../../../src/core/kubelet/eviction.ts';
import { seen, unseen } from '../../../src/core/model/model.ts';

const GIB = 2 ** 30;
const plenty: Amount = { available: 50 * GIB, capacity: 100 * GIB };
const machine = (amounts: Partial<Record<Signal, Amount | string>> = {}, thresholds = DEFAULT_THRESHOLDS): MachineLook => {
  const of = (signal: Signal) => {
    const amount = amounts[signal] ?? plenty;
    return typeof amount === 'string' ? unseen(amount) : seen(amount);
  };
  return {
    thresholds: seen(thresholds),
    amounts: {
      'memory.available': of('memory.available'),
      'nodefs.available': of('nodefs.available'),
      'nodefs.inodesFree': of('nodefs.inodesFree'),
      'imagefs.available': of('imagefs.available'),
      'imagefs.inodesFree': of('imagefs.inodesFree'),
    },
  };
};
const short = (look: MachineLook): boolean => {
  const found = shortages(look);
  return found.known && found.value.length > 0;
};

describe('the thresholds of a kubelet', () => {
  it('are its defaults where the file says nothing of them', () => {
    expect(thresholdsOf({})).toEqual(DEFAULT_THRESHOLDS);
    expect(thresholdsOf({ evictionHard: null })).toEqual(DEFAULT_THRESHOLDS);
    expect(thresholdsOf({ evictionHard: 'none' })).toEqual(DEFAULT_THRESHOLDS);
  });

  it('are only those of evictionHard where it stands, even where it is empty', () => {
    expect(thresholdsOf({ evictionHard: { 'nodefs.available': '1Gi' } })).toEqual([{ signal: 'nodefs.available', below: '1Gi' }]);
    expect(thresholdsOf({ evictionHard: {} })).toEqual([]);
  });

  it('are merged with the defaults where the file says so', () => {
    const merged = thresholdsOf({ evictionHard: { 'nodefs.available': '1Gi' }, mergeDefaultEvictionSettings: true });

    expect(merged).toHaveLength(DEFAULT_THRESHOLDS.length);
    expect(merged.filter(({ signal }) => signal === 'nodefs.available')).toEqual([{ signal: 'nodefs.available', below: '1Gi' }]);
  });

  it('are the soft ones as well, and none of what is not watched here', () => {
    expect(thresholdsOf({ evictionSoft: { 'memory.available': '1Gi' } })).toEqual([
      ...DEFAULT_THRESHOLDS,
      { signal: 'memory.available', below: '1Gi' },
    ]);
    expect(thresholdsOf({ evictionHard: { 'pid.available': '5%' }, evictionSoft: { 'memory.available': 1048576 } })).toEqual([
      { signal: 'memory.available', below: '1048576' },
    ]);
  });
});

describe('a node', () => {
  it('is short of nothing where there is plenty', () => {
    expect(shortages(machine())).toEqual(seen([]));
  });

  it.each<[Signal, Amount, Amount]>([
    ['memory.available', { available: 99 * 2 ** 20, capacity: GIB }, { available: 100 * 2 ** 20, capacity: GIB }],
    ['nodefs.available', { available: 9.9, capacity: 100 }, { available: 10, capacity: 100 }],
    ['nodefs.inodesFree', { available: 4, capacity: 100 }, { available: 5, capacity: 100 }],
    ['imagefs.available', { available: 14, capacity: 100 }, { available: 15, capacity: 100 }],
    ['imagefs.inodesFree', { available: 4, capacity: 100 }, { available: 5, capacity: 100 }],
  ])('is short of %s below the default, and not at it', (signal, below, at) => {
    expect(short(machine({ [signal]: below }))).toBe(true);
    expect(short(machine({ [signal]: at }))).toBe(false);
  });

  it('is not short of inodes on a file system that counts none', () => {
    expect(shortages(machine({ 'nodefs.inodesFree': { available: 0, capacity: 0 } }))).toEqual(seen([]));
  });

  it.each([['0%'], ['100%'], ['200%'], ['-5%'], ['nonsense'], ['0'], ['-1Gi'], ['%']])('is not judged by %s', (below) => {
    expect(shortages(machine({ 'nodefs.available': { available: 0, capacity: 100 } }, [{ signal: 'nodefs.available', below }]))).toEqual(
      seen([]),
    );
  });

  it('is short although something else could not be read', () => {
    expect(short(machine({ 'memory.available': 'hangs', 'nodefs.available': { available: 1, capacity: 100 } }))).toBe(true);
  });

  it('is not known to have enough while something that has a threshold could not be read', () => {
    expect(shortages(machine({ 'imagefs.available': 'hangs' }))).toEqual(unseen('imagefs.available: hangs'));
    expect(shortages(machine({ 'imagefs.available': 'hangs' }, [{ signal: 'memory.available', below: '1' }]))).toEqual(seen([]));
    expect(shortages({ ...machine(), thresholds: unseen('no file') })).toEqual(unseen('no file'));
  });
});

describe('the memory that is available', () => {
  // as /proc/meminfo of a machine with 8 GiB has it
  const meminfo = [
    'MemTotal:        8000000 kB',
    'MemFree:          100000 kB',
    'MemAvailable:    3000000 kB',
    'Buffers:          100000 kB',
    'Cached:          4000000 kB',
    'SwapCached:        10000 kB',
    'Active(file):    1000000 kB',
    'Inactive(file):  2500000 kB',
    'AnonPages:       3000000 kB',
    '',
  ].join('\n');

  it('is what anonymous memory and the page cache that is in use leave', () => {
    expect(memoryIn(meminfo)).toEqual({ available: (8_000_000 - (3_000_000 + 4_110_000 - 2_500_000)) * 1024, capacity: 8_000_000 * 1024 });
  });

  it('is unknown where the file does not tell', () => {
    for (const name of ['MemTotal', 'AnonPages', 'Cached', 'Inactive(file)'])
      expect(
        memoryIn(meminfo.replace(`\n${name}:`, '\nX:').replace(/^MemTotal:/, name === 'MemTotal' ? 'X:' : 'MemTotal:')),
      ).toBeUndefined();
    expect(memoryIn('')).toBeUndefined();
  });
});
