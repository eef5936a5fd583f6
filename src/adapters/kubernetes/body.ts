/**
 * Reply bodies as text and as lines, with a cap on each. Never keeps more than the cap in memory.
 */
import { ApiFailure } from './failure.ts';

/**
 * The whole body as UTF-8. Beyond `maxBytes`: `fail` throws ApiFailure `too-large`, `cut` returns the first `maxBytes`,
 * for error replies whose status is all we need.
 */
export async function readBody(body: AsyncIterable<unknown>, maxBytes: number, beyond: 'fail' | 'cut'): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    const chunk = piece as Buffer;
    if (size + chunk.length > maxBytes) {
      if (beyond === 'fail') throw new ApiFailure('too-large', `the reply is larger than ${maxBytes} bytes`);
      chunks.push(chunk.subarray(0, maxBytes - size));
      break;
    }
    chunks.push(chunk);
    size += chunk.length;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The whole body, piece by piece. Beyond `maxBytes`: throws ApiFailure `too-large`. */
export async function readPieces(body: AsyncIterable<unknown>, maxBytes: number, take: (piece: Buffer) => void): Promise<void> {
  let size = 0;
  for await (const piece of body) {
    const chunk = piece as Buffer;
    size += chunk.length;
    if (size > maxBytes) throw new ApiFailure('too-large', `the reply is larger than ${maxBytes} bytes`);
    take(chunk);
  }
}

/**
 * Lines without their newline; empty ones are skipped. An unfinished last line is dropped: the peer had not said it
 * yet. Throws ApiFailure `too-large` for a line beyond `maxBytes`, finished or not.
 */
export async function* splitLines(body: AsyncIterable<unknown>, maxBytes: number): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    let rest = piece as Buffer;
    for (let newline = rest.indexOf(10); newline !== -1; newline = rest.indexOf(10)) {
      held.push(rest.subarray(0, newline));
      size += newline;
      rest = rest.subarray(newline + 1);
      refuseLong(size, maxBytes);
      if (size > 0) yield Buffer.concat(held).toString('utf8');
      held = [];
      size = 0;
    }
    if (rest.length > 0) held.push(rest);
    size += rest.length;
    refuseLong(size, maxBytes);
  }
}

function refuseLong(size: number, maxBytes: number): void {
  if (size > maxBytes) throw new ApiFailure('too-large', `a line of the watch is longer than ${maxBytes} bytes`);
}
