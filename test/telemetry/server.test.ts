/** The HTTP server: what it answers, what it refuses, and what it says when it cannot listen. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createTelemetryServer, type TelemetryServer, type TelemetryServerOptions } from '../../src/telemetry/server.ts';

const open: TelemetryServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function serverWith(overrides: Partial<TelemetryServerOptions> = {}) {
  const errors: unknown[] = [];
  const server = createTelemetryServer({
    address: { host: '127.0.0.1', port: 0 },
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
    health: () => ({ ok: true, detail: 'the loop turned 1 s ago' }),
    ready: () => ({ ok: false, detail: 'the runtime was not asked yet' }),
    status: () => ({ checkpoints: [] }),
    onError: (error) => errors.push(error),
    ...overrides,
  });
  open.push(server);
  return { server, errors };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function ask(port: number, path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('a request', () => {
  test.each([
    ['/metrics', 'GET', 200, 'up 1\n'],
    ['/metrics?name=up', 'GET', 200, 'up 1\n'],
    ['/metrics', 'HEAD', 200, ''],
    ['/healthz', 'GET', 200, 'the loop turned 1 s ago\n'],
    ['/readyz', 'GET', 503, 'the runtime was not asked yet\n'],
    ['/status', 'GET', 200, '{"checkpoints":[]}\n'],
    ['/', 'GET', 404, 'served are /metrics, /healthz, /readyz and /status\n'],
    ['/metrics/', 'GET', 404, 'served are /metrics, /healthz, /readyz and /status\n'],
    ['/cleanz', 'GET', 404, 'served are /metrics, /healthz, /readyz and /status\n'],
    ['/metrics', 'POST', 405, 'only GET and HEAD are served\n'],
  ])('for %s with %s is answered %i', async (path, method, status, body) => {
    const { port } = await serverWith().server.start();
    expect(await ask(port, path, method)).toMatchObject({ status, body });
  });

  test.each([
    [true, 200],
    [false, 503],
  ])('for /cleanz is answered only by who cleans: %s is %i', async (ok, status) => {
    const { port } = await serverWith({ clean: () => ({ ok, detail: 'so' }) }).server.start();
    expect(await ask(port, '/cleanz')).toMatchObject({ status, body: 'so\n' });
  });

  test('for /readyz is answered with every line of the detail, and 200 when it is ready all the same', async () => {
    const detail = 'API server reachable\nns/web-1: would-not-start: image-missing. Load it.';
    const { port } = await serverWith({ ready: () => ({ ok: true, detail }) }).server.start();
    expect(await ask(port, '/readyz')).toMatchObject({ status: 200, body: `${detail}\n` });
  });

  test('carries the type of the metrics and their length, also for HEAD', async () => {
    const { port } = await serverWith().server.start();
    const { headers } = await ask(port, '/metrics', 'HEAD');
    expect(headers).toMatchObject({ 'content-type': 'text/plain; version=0.0.4', 'content-length': '5' });
  });

  test('with large headers is refused', async () => {
    const { port } = await serverWith().server.start();
    expect((await ask(port, '/metrics', 'GET', { 'x-filler': 'a'.repeat(5000) })).status).toBe(431);
  });

  test('for metrics that cannot be collected is answered 500 without the cause, which is reported', async () => {
    const { server, errors } = serverWith({ metrics: () => Promise.reject(new Error('hunter2')) });
    const { port } = await server.start();
    const answer = await ask(port, '/metrics');
    expect(answer).toMatchObject({ status: 500, body: 'the metrics could not be collected\n' });
    expect(errors).toEqual([new Error('hunter2')]);
  });

  test('whose verdict throws is answered 500', async () => {
    const { server, errors } = serverWith({
      health: () => {
        throw new Error('no loop');
      },
    });
    const { port } = await server.start();
    expect((await ask(port, '/healthz')).status).toBe(500);
    expect(errors).toHaveLength(1);
  });
});

describe('listening', () => {
  test('on an address that is taken says so and what to change', async () => {
    const { port } = await serverWith().server.start();
    await expect(serverWith({ address: { host: '127.0.0.1', port } }).server.start()).rejects.toThrow(
      `serving metrics on 127.0.0.1:${port}: another process listens there; set metrics.address to a free port`,
    );
  });

  test('on an address of another machine says so', async () => {
    await expect(serverWith({ address: { host: '192.0.2.1', port: 0 } }).server.start()).rejects.toThrow('this node has no such address');
  });

  test('on every interface reaches loopback too', async () => {
    const { port } = await serverWith({ address: { host: '', port: 0 } }).server.start();
    expect((await ask(port, '/healthz')).status).toBe(200);
  });

  test('ends at once on close, although a client keeps its connection open', async () => {
    const { server } = serverWith();
    const { port } = await server.start();
    const client = connect(port, '127.0.0.1');
    const closed = new Promise<void>((resolve) => client.on('close', () => resolve()));
    client.on('error', () => undefined);
    await new Promise<void>((resolve) => client.on('connect', () => resolve()));
    await server.close();
    await closed;
    await expect(ask(port, '/healthz')).rejects.toThrow();
  });

  test('may be closed without having been started', async () => {
    await expect(serverWith().server.close()).resolves.toBeUndefined();
  });
});
