/** Reading verbose status, and the wire numbers, held against bytes written by hand. */
import { describe, expect, it } from 'vitest';
import { detailsOf } from '../../../src/adapters/cri/details.ts';
import { createFrameReader, frame } from '../../../src/adapters/grpc/grpc-frames.ts';
import { createCodec, type Messages, millisOfNanos, nanosOfMillis } from '../../../src/adapters/grpc/messages.ts';

const codec = createCodec();

function reply(info: Record<string, string>, status: Record<string, unknown> = {}): Messages['ContainerStatusResponse'] {
  return codec.decode('ContainerStatusResponse', codec.encode('ContainerStatusResponse', { status: { id: 'c', ...status }, info }));
}
const verbose = (value: unknown): Record<string, string> => ({ info: JSON.stringify(value) });

describe('details of a container', () => {
  it('take the environment of the kubelet, not of the process, where both are there', () => {
    const info = { config: { envs: [{ key: 'B', value: '$(A)' }, { key: 'A' }] }, runtimeSpec: { process: { env: ['PATH=/bin'] } } };
    expect(detailsOf(reply(verbose(info)), 'c').env).toEqual([
      { name: 'A', value: '' },
      { name: 'B', value: '$(A)' },
    ]);
  });

  it('have no environment where the kubelet gave none', () => {
    expect(detailsOf(reply(verbose({ config: {}, runtimeSpec: { process: { env: ['PATH=/bin'] } } })), 'c').env).toEqual([]);
  });

  it('fall back to the whole process environment where there is no config, the last of a name winning', () => {
    const info = { runtimeSpec: { process: { env: ['PATH=/bin', 'X=1', 'X=a=b', '=odd', 'nothing'] } } };
    expect(detailsOf(reply(verbose(info)), 'c').env).toEqual([
      { name: 'PATH', value: '/bin' },
      { name: 'X', value: 'a=b' },
    ]);
  });

  it('take the image id from the config where the field is empty', () => {
    expect(detailsOf(reply(verbose({ config: { image: { image: 'sha256:1' } } })), 'c').imageId).toBe('sha256:1');
    expect(detailsOf(reply(verbose({ config: { image: { image: 'sha256:1' } } }), { imageId: 'sha256:2' }), 'c').imageId).toBe('sha256:2');
  });

  it('prefer the image reference as the pod wrote it', () => {
    const status = { image: { image: 'other-tag' } };
    expect(detailsOf(reply(verbose({ config: { image: { user_specified_image: 'mine' } } }), status), 'c').image).toBe('mine');
    expect(detailsOf(reply(verbose({ config: {} }), status), 'c').image).toBe('other-tag');
  });

  it.each([
    ['no verbose information', {}],
    ['no JSON', { info: 'token=hunter2' }],
    ['no object', { info: '["hunter2"]' }],
    ['no environment', { info: '{"hunter2":1}' }],
    ['an odd environment', { info: '{"config":{"envs":"hunter2"}}' }],
  ])('are refused as invalid with %s, without a word of the content', (_what, info) => {
    let caught: unknown;
    try {
      detailsOf(reply(info as Record<string, string>), 'container c');
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ name: 'PortError', kind: 'invalid', message: expect.stringContaining('container c') });
    expect((caught as Error).message).not.toContain('hunter2');
    expect((caught as Error).cause).toBeUndefined();
  });
});

describe('messages on the wire', () => {
  it('use the field numbers of CRI v1', () => {
    const container = Buffer.concat([
      Buffer.from([0x0a, 1, 0x63]), // 1: id "c"
      Buffer.from([0x12, 1, 0x73]), // 2: pod_sandbox_id "s"
      Buffer.from([0x30, 2]), // 6: state EXITED
      Buffer.from([0x38, 0x80, 0x80, 0xd0, 0x94, 0xfc, 0xf1, 0xb9, 0xb3, 0x18]), // 7: created_at
      Buffer.from([0x42, 6, 0x0a, 1, 0x6b, 0x12, 1, 0x76]), // 8: labels {k: v}
      Buffer.from([0x52, 1, 0x69]), // 10: image_id "i"
      Buffer.from([0x9a, 0x06, 1, 0x78]), // 99: not known to us
    ]);
    const bytes = Buffer.concat([Buffer.from([0x0a, container.length]), container]);
    expect(codec.decode('ListContainersResponse', bytes).containers[0]).toMatchObject({
      id: 'c',
      podSandboxId: 's',
      state: 2,
      labels: { k: 'v' },
      imageId: 'i',
      metadata: null,
    });
    expect(Buffer.from(codec.encode('StopContainerRequest', { containerId: 'c', timeout: '30' }))).toEqual(
      Buffer.from([0x0a, 1, 0x63, 0x10, 30]),
    );
    expect(Buffer.from(codec.encode('ImageStatusRequest', { image: { image: 'i' } }))).toEqual(Buffer.from([0x0a, 3, 0x0a, 1, 0x69]));
  });

  it('keep nanoseconds exact to the millisecond, and take times before 1970 for none', () => {
    expect(millisOfNanos('1795249912123999999')).toBe(1_795_249_912_123);
    expect(millisOfNanos('-6795364578871345152')).toBe(0);
    expect(millisOfNanos('0')).toBe(0);
    for (const nanos of ['1795249912123999999', '1795249912124000000', '-6795364578871345152', '0', '4294967295', '4294967296']) {
      const { createdAt } = codec.decode('ContainerEventResponse', codec.encode('ContainerEventResponse', { createdAt: nanos }));
      expect(createdAt).toMatchObject({ low: expect.any(Number), high: expect.any(Number) });
      expect(millisOfNanos(createdAt)).toBe(millisOfNanos(nanos));
    }
    const bytes = codec.encode('ContainerEventResponse', { createdAt: nanosOfMillis(1_795_249_912_123) });
    expect(millisOfNanos(codec.decode('ContainerEventResponse', bytes).createdAt)).toBe(1_795_249_912_123);
  });
});

describe('message frames', () => {
  it('are put together whatever the chunks are', () => {
    const wire = Buffer.concat([frame(Buffer.from('one')), frame(new Uint8Array()), frame(Buffer.from('three'))]);
    for (let size = 1; size <= wire.length; size += 1) {
      const reader = createFrameReader(10);
      const found: string[] = [];
      for (let at = 0; at < wire.length; at += size) found.push(...reader.push(wire.subarray(at, at + size)).map(String));
      expect(found).toEqual(['one', '', 'three']);
      expect(reader.pending()).toBe(0);
    }
  });

  it('are refused when compressed or too large, before they are kept', () => {
    expect(() => createFrameReader(10).push(Buffer.from([1, 0, 0, 0, 0]))).toThrow('compressed');
    expect(() => createFrameReader(10).push(Buffer.from([0, 0, 0, 0, 11]))).toThrow('larger than accepted');
  });
});
