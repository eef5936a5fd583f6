/** Ports of servers that go and come back: nobody else may be given them meanwhile. */
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { createApiServer } from '../../src/demo/api-server/api-server.ts';
import { freePort } from '../../src/demo/free-port.ts';

/** From 32768 on the kernel gives ports to outgoing connections, unless somebody changed it; Kubernetes' node ports begin at 30000. */
const isSafe = (port: number) => port >= 10_000 && port < 30_000;

test('they are none of those that outgoing connections get', async () => {
  for (const random of [() => 0, () => 0.999_999, Math.random]) expect(isSafe(await freePort(random))).toBe(true);
  const server = createApiServer();
  await server.start();
  const { port } = new URL(server.url);
  await server.stop();
  expect(isSafe(Number(port))).toBe(true);
});

test('one that is taken is passed over', async () => {
  const port = await freePort();
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
  /** In the middle of what is rounded down to this port. */
  const draw = (port + 0.5 - 10_000) / 20_000;
  const draws = [draw, draw];
  try {
    expect(await freePort(() => draws.pop() ?? Math.random())).not.toBe(port);
    await expect(freePort(() => draw)).rejects.toThrow('none of 50 ports tried between 10000 and 29999');
  } finally {
    await new Promise((resolve) => taken.close(resolve));
  }
});
