/** Lists of the runtime and the kubelet: what has not changed is the same object, whatever the order. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createEntries } from '../../src/adapters/grpc/entries.ts';
import { frame } from '../../src/adapters/grpc/grpc-frames.ts';
import { createCodec, type Messages } from '../../src/adapters/grpc/messages.ts';

const codec = createCodec();

interface Given {
  readonly id: string;
  readonly state?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** As long as a real one: two ids may begin alike. */
const idOf = (text: string): string => text.padStart(64, '0');

function listOf(...all: readonly Given[]): Buffer {
  const containers = all.map(({ id, state = 1, labels = {} }) => ({ id: idOf(id), podSandboxId: 's', state, createdAt: '7', labels }));
  // as one of several in a larger piece of memory, like what the connection hands over
  return frame(codec.encode('ListContainersResponse', { containers } as never)).subarray(5);
}

function reader() {
  const make = vi.fn((bytes: Uint8Array) => {
    const { id, state, labels } = codec.decode('Container', bytes);
    return { id, state, labels: { ...labels } };
  });
  return { make, read: createEntries({ reply: 'ListContainersResponse', make, unorderedFrom: 8 }) };
}

describe('the entries of a list', () => {
  it('are made once while nothing changes, and the list is the same, too', () => {
    const { make, read } = reader();
    const first = read(listOf({ id: 'a', labels: { x: '1', y: '2' } }, { id: 'b' }));

    expect(read(listOf({ id: 'b' }, { id: 'a', labels: { y: '2', x: '1' } }))).toBe(first);
    expect(first.map(({ id }) => id)).toEqual([idOf('a'), idOf('b')]);
    expect(make).toHaveBeenCalledTimes(2);
  });

  it.each<[string, readonly Given[]]>([
    ['a state', [{ id: 'a', state: 2 }, { id: 'b' }]],
    ['a state that is no longer said', [{ id: 'a', state: 0 }, { id: 'b' }]],
    ['one that is new', [{ id: 'a' }, { id: 'b' }, { id: 'c' }]],
    ['one that is gone', [{ id: 'a' }]],
    ['all that are gone', []],
    ['one in place of another', [{ id: 'a' }, { id: 'c' }]],
    ['one that is there twice', [{ id: 'a' }, { id: 'a' }]],
    ['a label more', [{ id: 'a', labels: { z: '' } }, { id: 'b' }]],
  ])('show %s at once', (_what, then) => {
    const { read } = reader();
    const before = read(listOf({ id: 'a' }, { id: 'b' }));

    const after = read(listOf(...then));

    expect(after).not.toBe(before);
    expect(after).toEqual(then.map(({ id, state = 1, labels = {} }) => ({ id: idOf(id), state, labels })));
  });

  it('keep the objects of those that have not changed beside one that has', () => {
    const { read } = reader();
    const [a, b] = read(listOf({ id: 'a' }, { id: 'b' }));
    const [changed, same] = read(listOf({ id: 'a', state: 2 }, { id: 'b' }));

    expect(same).toBe(b);
    expect(changed).not.toBe(a);
    expect(a).toMatchObject({ state: 1 });
  });

  it('are made anew each time where the fields come in another order', () => {
    const { read } = reader();
    const entry = (state: number): Buffer => {
      const [labels, id] = [Buffer.from(codec.encode('Container', { labels: { a: 'b' } })), codec.encode('Container', { id: idOf('a') })];
      const bytes = Buffer.concat([id, labels, codec.encode('Container', { state })]);
      return Buffer.concat([Buffer.from([0x0a, 0x80 | (bytes.length & 0x7f), bytes.length >> 7]), bytes]);
    };

    expect(read(entry(1))).toMatchObject([{ state: 1 }]);
    expect(read(entry(2))).toMatchObject([{ state: 2 }]);
  });

  it('say the same as the whole reply decoded, whatever came before', () => {
    const given = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      state: fc.nat(3),
      labels: fc.dictionary(fc.constantFrom('k', 'l'), fc.constantFrom('', 'v'), { maxKeys: 2 }),
    });
    fc.assert(
      fc.property(fc.array(fc.uniqueArray(given, { selector: ({ id }) => id, maxLength: 4 }), { maxLength: 6 }), (replies) => {
        const { read } = reader();
        // what a container is labelled with is given once
        const labels = new Map(replies.flat().map((one) => [one.id, one.labels]));
        for (const reply of replies) {
          const bytes = listOf(...reply.map((one) => ({ ...one, labels: labels.get(one.id) ?? {} })));
          const whole: Messages['ListContainersResponse'] = codec.decode('ListContainersResponse', bytes);
          const sorted = (all: readonly { readonly id: string }[]) => [...all].sort((a, b) => (a.id < b.id ? -1 : 1));
          const expected = whole.containers.map((one) => ({ id: one.id, state: one.state, labels: { ...one.labels } }));
          expect(sorted(read(bytes))).toEqual(sorted(expected));
        }
      }),
    );
  });

  it('skip what a newer server adds, and refuse what is no such list, without quoting it', () => {
    const { read } = reader();
    const list = listOf({ id: 'a' });
    expect(read(Buffer.concat([Buffer.from([0x18, 0x80, 0x01]), list, Buffer.from([0x12, 0x01, 0x41])]))).toHaveLength(1);
    for (let length = 1; length < list.length; length += 1) {
      expect(() => read(list.subarray(0, length))).toThrow('the reply is no ListContainersResponse');
    }
    expect(() => read(Buffer.from('secret, and no list'))).toThrow(/^the reply is no ListContainersResponse$/);
    expect(read(list)).toHaveLength(1);
  });
});
