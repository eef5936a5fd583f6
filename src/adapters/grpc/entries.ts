/**
 * The entries of a reply that is one list: each is made once, and is the same object for as long as it stays as it was.
 * So is the list while all of it does. With hundreds of pods, making all of them anew for every look costs more CPU
 * than all else that an agent does in an outage.
 *
 * Neither the order of a list nor that of labels can be gone by: Go gives both at random. So an entry is known by its
 * first bytes, which are its id, and is unchanged if everything before its labels is, and its length. That is enough
 * for what the runtime makes: labels and annotations of a container or a sandbox are given once.
 */
import { PortError } from '../../ports.ts';

export interface EntryKind<T> {
  /** For errors. */
  readonly reply: string;
  /** Throws for bytes that are no such entry. */
  readonly make: (bytes: Uint8Array) => T;
  /** Number of the first field that comes in any order. */
  readonly unorderedFrom: number;
}

interface Kept<T> {
  readonly length: number;
  /** So many of its bytes must be the same; the last one is the tag of the first field in any order. */
  readonly fixed: number;
  /** Those, as a text: two ranges of bytes cost several times as much to compare. */
  readonly text: string;
  readonly value: T;
}

/** The tag and length of an id of 64 letters, and the id. */
const ID_BYTES = 66;
/** Field 1, of a length that follows. */
const ENTRY_TAG = 0x0a;

/** Reads one reply after the other. Throws PortError invalid for bytes that are no such list. */
export function createEntries<T>(kind: EntryKind<T>): (reply: Buffer) => readonly T[] {
  let kept = new Map<string, Kept<T>>();
  let list: readonly T[] = [];

  function read(reply: Buffer): readonly T[] {
    const next = new Map<string, Kept<T>>();
    const found: T[] = [];
    let unchanged = true;
    for (let at = 0; at < reply.length; ) {
      if (reply[at] !== ENTRY_TAG) {
        at = fieldEnd(reply, at, reply.length);
        continue;
      }
      // this is done for every pod of the node, once a second: no function is called that is not needed
      let length = reply[at + 1] ?? 0;
      let start = at + 2;
      if (length >= 0x80) {
        length = varint(reply, at + 1, reply.length);
        start = varintEnd(reply, at + 1, reply.length);
      }
      const end = start + length;
      if (start > reply.length || end > reply.length) throw new RangeError('the entry ends behind the reply');
      const id = reply.toString('latin1', start, length < ID_BYTES ? end : start + ID_BYTES);
      const before = next.has(id) ? undefined : kept.get(id);
      if (before?.length === length && reply.toString('latin1', start, start + before.fixed) === before.text) {
        next.set(id, before);
        found.push(before.value);
      } else {
        unchanged = false;
        const value = kind.make(reply.subarray(start, end));
        const fixed = fixedBytes(reply, start, end, kind.unorderedFrom);
        if (fixed !== undefined) next.set(id, { length, fixed, text: reply.toString('latin1', start, start + fixed), value });
        found.push(value);
      }
      at = end;
    }
    kept = next;
    if (!unchanged || found.length !== list.length) list = found;
    return list;
  }

  return (reply) => {
    try {
      return read(reply);
    } catch {
      // without the reader's own words: they may quote the content
      throw new PortError('invalid', `the reply is no ${kind.reply}`);
    }
  };
}

/** undefined: the fields are in another order than that of their numbers, so that nothing is known of what is where. */
function fixedBytes(bytes: Buffer, start: number, end: number, unorderedFrom: number): number | undefined {
  let fixed: number | undefined;
  for (let at = start; at < end; at = fieldEnd(bytes, at, end)) {
    const isOrdered = varint(bytes, at, end) >>> 3 < unorderedFrom;
    if (!isOrdered) fixed ??= at + 1 - start;
    else if (fixed !== undefined) return undefined;
  }
  return fixed ?? end - start;
}

/** Where the field ends that begins here. Throws where it ends behind `limit`, or is none. */
function fieldEnd(bytes: Buffer, at: number, limit: number): number {
  const content = varintEnd(bytes, at, limit);
  const end = contentEnd(bytes, content, varint(bytes, at, limit) & 7, limit);
  if (end > limit) throw new RangeError('the field ends behind the message');
  return end;
}

function contentEnd(bytes: Buffer, at: number, wireType: number, limit: number): number {
  switch (wireType) {
    case 0:
      return varintEnd(bytes, at, limit);
    case 1:
      return at + 8;
    case 2:
      return varintEnd(bytes, at, limit) + varint(bytes, at, limit);
    case 5:
      return at + 4;
    default:
      throw new RangeError('no such field');
  }
}

/** Of a number of up to 32 bits; more than that is cut off. */
function varint(bytes: Buffer, at: number, limit: number): number {
  let value = 0;
  const end = varintEnd(bytes, at, limit);
  for (let index = at, shift = 0; index < end && shift < 32; index += 1, shift += 7) value |= ((bytes[index] ?? 0) & 0x7f) << shift;
  return value >>> 0;
}

function varintEnd(bytes: Buffer, at: number, limit: number): number {
  let end = at;
  while (end < limit && (bytes[end] ?? 0) >= 0x80) end += 1;
  if (end >= limit || end - at >= 10) throw new RangeError('the number does not end');
  return end + 1;
}
