/** What the watch and the reader make of a server, or a wire, that misbehaves. */
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/core/model/model.ts';
import type { ApiServer } from '../../../src/demo/api-server/api-server.ts';
import type { Fault } from '../../../src/demo/api-server/api-server-faults.ts';
import { type Client, podOn, servedClients, until } from './rig.ts';

let api: ApiServer;
const { client, started } = servedClients((server) => {
  api = server;
});
const watches = (made: Client) => made.counters.requests.filter((each) => each === 'watch 200').length;
const lists = (made: Client) => made.counters.requests.filter((each) => each.startsWith('list')).length;

describe('a list that is not one', () => {
  const status = (code: number, reason: string, headers?: Record<string, string>): Fault => ({
    do: 'status',
    code,
    reason,
    ...(headers === undefined ? {} : { headers }),
  });
  const rewritten = (change: (list: Json) => Json): Fault => ({ do: 'rewrite', change });
  const rows: [string, Fault, string, boolean][] = [
    ['401', status(401, 'Unauthorized'), 'unauthorized', true],
    ['403', status(403, 'Forbidden'), 'forbidden', true],
    ['429 that asks for patience', status(429, 'TooManyRequests', { 'retry-after': '0' }), 'throttled', true],
    ['500 with a Status', status(500, 'InternalError'), 'refused-by-server', true],
    ['502 of a load balancer', { do: 'reply', status: 502, body: '<html>' }, 'lost', false],
    ['a redirect', { do: 'reply', status: 302, headers: { location: 'https://127.0.0.1:1/' } }, 'lost', false],
    ...[401, 403, 404, 409, 410, 429].map((code): [string, Fault, string, boolean] => [
      `${code} of a load balancer`,
      { do: 'reply', status: code, body: '<html>' },
      'lost',
      false,
    ]),
    ['200 that is no JSON', { do: 'reply', status: 200, body: 'hello' }, 'invalid-list', false],
    ['200 that is no PodList', { do: 'reply', status: 200, body: '{"kind":"Status"}' }, 'invalid-list', false],
    ['half a reply', { do: 'half' }, 'lost', false],
    ['no reply, closed', { do: 'drop' }, 'lost', false],
    ['no reply, open', { do: 'hang' }, 'lost', false],
    [
      'a page of a longer list',
      rewritten((list) => ({ ...list, metadata: { resourceVersion: '1', continue: 'x' } })),
      'invalid-list',
      false,
    ],
    ['no resourceVersion', rewritten((list) => ({ ...list, metadata: {} })), 'invalid-list', false],
    [
      'a pod without a uid',
      rewritten((list) => ({ ...list, items: [{ metadata: { name: 'a', namespace: 'b' } }] })),
      'invalid-list',
      false,
    ],
  ];
  test.each(rows)('%s is not taken for a list, and the next one is', async (_name, fault, cause, answered) => {
    api.createPod(podOn('here'));
    api.faults.next('list', fault);
    const listMs = fault.do === 'hang' ? 300 : 15_000;
    const made = await client({ watch: { listMs, backoffBaseMs: 60, minGapMs: 60 } });
    made.watch.start(() => {});
    await until(() => made.counters.restarts.length === 1);
    expect(made.counters.restarts).toEqual([cause]);
    expect(made.watch.view().synced).toBe(false);
    expect(made.watch.view().denied).toBe(cause === 'unauthorized' || cause === 'forbidden' ? cause : undefined);
    expect(made.watch.view().lastAnswer !== undefined).toBe(answered);
    expect(made.watch.view().lastSuccess).toBeUndefined();
    await until(() => made.watch.view().synced);
    expect(made.names()).toEqual(['here']);
  });

  test('a server that throttles is left alone for as long as it asks, whoever is in a hurry', async () => {
    api.faults.next('list', status(429, 'TooManyRequests', { 'retry-after': '1' }));
    const made = await client();
    const startedAt = performance.now();
    made.watch.start(() => {});
    await until(() => made.counters.restarts.length === 1);
    made.watch.retryNow();
    await until(() => made.watch.view().synced);
    expect(performance.now() - startedAt).toBeGreaterThan(990);
  });

  test('a list larger than the cap is refused', async () => {
    for (let n = 0; n < 20; n++) api.createPod(podOn(`pod-${n}`));
    const made = await client({ transport: { maxReplyBytes: 1000 } });
    made.watch.start(() => {});
    await until(() => made.counters.restarts.length >= 2);
    expect(made.watch.view().synced).toBe(false);
    await expect(made.reader.readPod({ namespace: 'kube-system', name: 'pod-1' }, 1000)).resolves.toBeDefined();
  });
});

describe('a relist', () => {
  test('after an expiry inside the stream keeps the old pods in view, unsynced, until the new list is complete', async () => {
    api.createPod(podOn('old'));
    const made = await started({ watch: { listMs: 1_500 } });
    api.faults.next('watch', {
      do: 'lines',
      texts: ['{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n'],
      end: false,
    });
    api.faults.next('list', { do: 'hang' });
    api.wire.cut();
    await until(() => made.counters.restarts.includes('expired'));
    await until(() => lists(made) >= 1 && !made.watch.view().synced);
    expect(made.names()).toEqual(['old']);
    await until(() => made.watch.view().synced && made.watch.view().healthy);
    expect(made.names()).toEqual(['old']);
  });

  test('after HTTP 410 shows what changed meanwhile', async () => {
    api.createPod(podOn('old'));
    const made = await started();
    api.faults.next('watch', { do: 'status', code: 410, reason: 'Expired' });
    api.wire.cut();
    api.createPod(podOn('new'));
    api.deletePod({ namespace: 'kube-system', name: 'old' });
    await until(() => made.watch.view().healthy && made.names().join() === 'new');
    expect(made.counters.restarts).toContain('expired');
  });

  test('whose resourceVersion goes backwards is ignored and counted, and the pods stay', async () => {
    api.createPod(podOn('old'));
    const made = await started();
    const frozen: Fault = { do: 'rewrite', change: (list) => ({ ...list, metadata: { resourceVersion: '7' }, items: [] }) };
    api.faults.next('watch', { do: 'status', code: 410, reason: 'Expired' });
    api.faults.next('list', frozen, 2);
    api.wire.cut();
    await until(() => made.counters.restarts.filter((each) => each === 'regressed-list').length === 2);
    expect(made.names()).toEqual(['old']);
    expect(made.watch.view().synced).toBe(false);
    await until(() => made.watch.view().synced && made.watch.view().healthy);
    expect(made.names()).toEqual(['old']);
  });

  test('whose resourceVersion stays behind, read consistently again and again, is believed at last, and that is said', async () => {
    api.createPod(podOn('old'));
    const made = await started({ watch: { regressedMs: 300, regressedLists: 3 } });
    const restored: Fault = { do: 'rewrite', change: (list) => ({ ...list, metadata: { resourceVersion: '7' }, items: [] }) };
    api.faults.next('watch', { do: 'status', code: 410, reason: 'Expired' });
    api.faults.next('list', restored, 1000);
    const from = performance.now();
    api.wire.cut();
    await until(() => made.watch.view().regressions === 1);
    expect(performance.now() - from).toBeGreaterThanOrEqual(300);
    expect(made.counters.restarts.filter((each) => each === 'regressed-list').length).toBeGreaterThanOrEqual(3);
    expect(made.names()).toEqual([]);
    const asked = api.requests.map((each) => each.path).filter((path) => path.includes('/pods?') && !path.includes('watch=1'));
    // once believed, the next list may be a cheap one again
    expect(asked.filter((path) => !path.includes('resourceVersion=0')).length).toBeGreaterThanOrEqual(3);
  });

  test("that is empty and newer is believed: judging it is not the watch's business", async () => {
    api.createPod(podOn('old'));
    const made = await started();
    api.faults.next('watch', { do: 'status', code: 410, reason: 'Expired' });
    api.faults.next('list', { do: 'rewrite', change: (list) => ({ ...list, items: [] }) });
    api.wire.cut();
    await until(() => made.counters.restarts.includes('expired') && made.watch.view().synced);
    expect(made.names()).toEqual([]);
  });
});

describe('a watch', () => {
  const errorEvent = '{"type":"ERROR","object":{"kind":"Status","code":500}}\n';
  const rows: [string, Fault, string][] = [
    ['a garbage line', { do: 'lines', texts: ['{"type":"ADDED","object":{]\n'], end: false }, 'garbage'],
    [
      'an event of an unknown type',
      { do: 'lines', texts: ['{"type":"MOVED","object":{"metadata":{"resourceVersion":"9999"}}}\n'], end: false },
      'garbage',
    ],
    [
      'an event older than what is known',
      { do: 'lines', texts: ['{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"3"}}}\n'], end: false },
      'garbage',
    ],
    ['an error event', { do: 'lines', texts: [errorEvent], end: true }, 'error-event'],
    ['401', { do: 'status', code: 401, reason: 'Unauthorized' }, 'unauthorized'],
    ['403', { do: 'status', code: 403, reason: 'Forbidden' }, 'forbidden'],
    ['a head that never comes', { do: 'hang' }, 'lost'],
  ];
  test.each(rows)('that meets %s is resumed, still synced, and misses nothing', async (_name, fault, cause) => {
    api.createPod(podOn('a'));
    const made = await started(fault.do === 'hang' ? { watch: { watchHeadMs: 1_500 } } : {});
    api.faults.next('watch', fault);
    api.wire.cut();
    await until(() => made.counters.restarts.includes(cause));
    api.createPod(podOn('b'));
    await until(() => made.watch.view().healthy && made.names().join() === 'a,b');
    expect(made.watch.view().synced).toBe(true);
    expect(made.watch.view().denied).toBeUndefined();
    expect(lists(made)).toBe(1);
  });

  test.each([
    ['a 404', 404],
    ['a 410', 410],
    ['a page with 200', 200],
  ])('that meets %s of a load balancer is no answer: the pods stay whole, and it goes on where it was', async (_name, code) => {
    api.createPod(podOn('old'));
    const made = await started();
    const before = lists(made);
    const { lastAnswer } = made.watch.view();
    api.faults.next('watch', { do: 'reply', status: code, body: '<html>' });
    api.wire.cut();
    await until(() => made.counters.restarts.length === 2);
    expect(made.counters.restarts).toEqual(['lost', 'lost']);
    expect(made.watch.view()).toMatchObject({ synced: true, healthy: false, lastAnswer });
    await until(() => made.watch.view().healthy);
    expect(made.names()).toEqual(['old']);
    expect(lists(made)).toBe(before);
  });

  test('that meets garbage twice at the same point reads the list anew', async () => {
    const made = await started();
    api.faults.next('watch', { do: 'lines', texts: ['garbage\n'], end: false }, 2);
    api.wire.cut();
    await until(() => lists(made) === 2);
    await until(() => made.watch.view().healthy && made.watch.view().synced);
  });

  test('with a line beyond the cap is closed before the line is read to its end', async () => {
    const made = await started({ transport: { maxLineBytes: 10_000 } });
    api.faults.next('watch', { do: 'lines', texts: ['x'.repeat(50_000)], end: false });
    api.wire.cut();
    await until(() => made.counters.restarts.includes('garbage'));
    await until(() => made.watch.view().healthy);
  });

  test('that is silent although bookmarks are due is opened anew, on another connection', async () => {
    api.createPod(podOn('a'));
    api.faults.muteWatches = true;
    const made = await started({ watch: { silentMs: 150 } });
    const before = api.wire.connections();
    api.createPod(podOn('b'));
    api.faults.clear();
    await until(() => made.names().join() === 'a,b');
    expect(made.counters.restarts).toContain('silent');
    expect(api.wire.connections()).toBeGreaterThan(before);
    expect(made.watch.view().synced).toBe(true);
  });

  test('with bookmarks only stays open, and wakes nobody', async () => {
    const made = await started({ watch: { silentMs: 1_500 } });
    const wakes = made.wakes();
    const seenAt = made.watch.view().lastSuccess ?? 0;
    await until(() => (made.watch.view().lastSuccess ?? 0) > seenAt + 2_000);
    expect(watches(made)).toBe(1);
    expect(made.wakes()).toBe(wakes);
    expect(api.requests.length).toBe(2);
  });

  test('resumes at the last bookmark, so an expired history before it does no harm', async () => {
    const made = await started();
    for (let n = 0; n < 5; n++) api.createPod(podOn(`elsewhere-${n}`, 'another-node'));
    const seenAt = made.watch.view().lastSuccess ?? 0;
    await until(() => (made.watch.view().lastSuccess ?? 0) > seenAt + 100);
    api.forgetHistory();
    api.wire.cut();
    await until(() => made.counters.requests.filter((each) => each === 'watch 200').length === 2);
    expect(lists(made)).toBe(1);
  });

  test('is not healthy when nothing proved it alive for too long', async () => {
    api.faults.noBookmarks = true;
    const made = await started({ watch: { lifeMs: 100 } });
    await until(() => !made.watch.view().healthy);
    expect(watches(made)).toBe(1);
  });

  test('is healthy for as long as PINGs are answered', async () => {
    api.faults.noBookmarks = true;
    const made = await started({ watch: { lifeMs: 2_000 }, transport: { pingEveryMs: 100 } });
    const end = performance.now() + 2_500;
    await until(() => {
      expect(made.watch.view().healthy).toBe(true);
      return performance.now() > end;
    });
  });

  test('whose peer falls silent is found by the unanswered PING, and comes back when the peer does', async () => {
    api.createPod(podOn('a'));
    const made = await started({ transport: { pingEveryMs: 50, pingAnswerMs: 50, connectMs: 100 } });
    api.wire.freeze();
    await until(() => !made.watch.view().healthy);
    expect(made.watch.view().synced).toBe(true);
    expect(made.names()).toEqual(['a']);
    api.wire.thaw();
    api.createPod(podOn('b'));
    await until(() => made.watch.view().healthy && made.names().join() === 'a,b');
  });

  test('is read correctly when every byte comes alone', async () => {
    api.wire.drip(true);
    const made = await started();
    api.createPod(podOn('ä-name', undefined, { unknown: 'ß' }));
    await until(() => made.names().includes('ä-name'));
  });

  test('shows a pod that leaves the node as gone', async () => {
    api.createPod(podOn('mover'));
    const made = await started();
    api.updatePod({ namespace: 'kube-system', name: 'mover' }, { spec: { nodeName: 'another-node' } });
    await until(() => made.names().length === 0);
  });
});
