/**
 * gRPC's message framing: one flag byte, four length bytes, the message. Knows nothing of HTTP/2 or protobuf.
 * Never accepts a compressed message (none is asked for) or one larger than the limit.
 */
import { PortError } from '../../ports.ts';

const PREFIX_BYTES = 5;

/** The most that a frame's four length bytes can announce. */
export const MAX_FRAME_BYTES = 2 ** 32 - 1;

export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(PREFIX_BYTES + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

export interface FrameReader {
  /** Messages that this chunk completed. Throws PortError invalid, after which the reader must not be used. */
  push(chunk: Buffer): readonly Buffer[];
  /** Bytes of a message that was begun and not finished. */
  pending(): number;
}

/** `maxBytes` is checked against the announced length, before anything of the message is kept. */
export function createFrameReader(maxBytes: number): FrameReader {
  let chunks: Buffer[] = [];
  let held = 0;
  /** Bytes needed before anything can be done: a prefix, or a prefix and its message. */
  let wanted = PREFIX_BYTES;

  function announced(buffer: Buffer): number {
    if (buffer[0] !== 0) throw new PortError('invalid', 'the reply is compressed, which was not asked for');
    const length = buffer.readUInt32BE(1);
    if (length > maxBytes) throw new PortError('invalid', `the reply is larger than accepted: ${length} bytes, limit ${maxBytes}`);
    return length;
  }

  function push(chunk: Buffer): readonly Buffer[] {
    chunks.push(chunk);
    held += chunk.length;
    const messages: Buffer[] = [];
    // Joined only when a whole unit is there, so a large message in many chunks is copied once, not once a chunk.
    while (held >= wanted) {
      const joined = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      wanted = PREFIX_BYTES + announced(joined);
      if (joined.length < wanted) {
        chunks = [joined];
        break;
      }
      messages.push(joined.subarray(PREFIX_BYTES, wanted));
      const rest = joined.subarray(wanted);
      chunks = rest.length > 0 ? [rest] : [];
      held = rest.length;
      wanted = PREFIX_BYTES;
    }
    return messages;
  }

  return { push, pending: () => held };
}
