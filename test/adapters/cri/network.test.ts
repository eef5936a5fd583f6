/** What the adapter makes of the runtime's conditions. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CRI_METHODS } from '../../../src/adapters/cri/names.ts';
import { createContainerRuntime } from '../../../src/adapters/cri/runtime.ts';
import { createCodec } from '../../../src/adapters/grpc/messages.ts';
import { createDemoRuntime } from '../../../src/demo/runtime/runtime.ts';
import type { DemoRuntime } from '../../../src/demo/runtime/runtime-types.ts';
import type { ContainerRuntime } from '../../../src/ports.ts';

const codec = createCodec();

describe('the network of the node', () => {
  let dir: string;
  let demo: DemoRuntime;
  let runtime: ContainerRuntime;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'cri-'));
    demo = createDemoRuntime({ socket: join(dir, 'cri.sock'), clock: { wall: () => Date.now() }, random: Math.random });
    await demo.start();
    runtime = createContainerRuntime({ socket: demo.server.socket });
  });
  afterEach(async () => {
    runtime.close();
    await demo.stop();
    await rm(dir, { recursive: true });
  });

  it.each([
    [[{ type: 'NetworkReady', status: true, reason: 'Ready', message: 'fine' }], true, ''],
    [
      [{ type: 'NetworkReady', status: false, reason: 'NetworkPluginNotReady', message: 'cni plugin not initialized' }],
      false,
      'cni plugin not initialized',
    ],
    [
      [
        { type: 'RuntimeReady', status: true },
        { type: 'NetworkReady', reason: 'NetworkPluginNotReady' },
      ],
      false,
      'NetworkPluginNotReady',
    ],
    [[{ type: 'RuntimeReady', status: true }], false, 'the runtime gives no condition NetworkReady'],
  ])('reads whether the network is ready as the kubelet does: %j', async (conditions, ready, message) => {
    demo.server.fault(CRI_METHODS.status, { do: 'reply', message: codec.encode('StatusResponse', { status: { conditions } }) });

    expect(await runtime.network(2000)).toEqual({ ready, message });
  });

  it('takes a status without any condition for a network that is not ready', async () => {
    demo.server.fault(CRI_METHODS.status, { do: 'reply', message: codec.encode('StatusResponse', {}) });

    expect(await runtime.network(2000)).toMatchObject({ ready: false });
  });

  it('is one status on the wire, by the field numbers of CRI v1', () => {
    const condition = Buffer.concat([
      Buffer.from([0x0a, 12]),
      Buffer.from('NetworkReady'),
      Buffer.from([0x10, 1, 0x1a, 1, 0x72, 0x22, 1, 0x6d]),
    ]);
    const status = Buffer.concat([Buffer.from([0x0a, condition.length]), condition]);
    const bytes = Buffer.concat([Buffer.from([0x0a, status.length]), status]);

    expect(codec.decode('StatusResponse', bytes).status?.conditions).toEqual([
      { type: 'NetworkReady', status: true, reason: 'r', message: 'm' },
    ]);
  });
});
