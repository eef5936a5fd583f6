/** The list of metrics, what is in the text before anything happened, and how series come and go. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createApiObserver, createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { metricsList } from '../../src/telemetry/metrics-list.ts';

function metrics(onError: (error: unknown) => void = () => undefined): Metrics {
  return createMetrics({ version: '1.2.3', nodeVersion: 'v24.0.0', onError });
}

/** The lines of the text that begin so, without the comments. */
async function lines(from: Metrics, prefix: string): Promise<readonly string[]> {
  const { body } = await from.render();
  return body.split('\n').filter((line) => line.startsWith(prefix));
}

describe('the list', () => {
  test.each(metricsList.map((spec) => [spec.name, spec] as const))('%s keeps the naming rules', (name, spec) => {
    expect(name).toMatch(/^(checkpointer|process)_[a-z][a-z_]*[a-z]$/);
    expect(name.endsWith('_total')).toBe(spec.type === 'counter');
    expect(spec.help).toMatch(/^[A-Z0-9].*\.$/);
    if (name.includes('seconds')) expect(spec.help).toMatch(/seconds/i);
    if (name.includes('bytes')) expect(spec.help).toMatch(/bytes/i);
    expect(spec.buckets !== undefined).toBe(spec.type === 'histogram');
  });

  test('has no label that could hold the name of a secret or configmap', () => {
    const labels = new Set(metricsList.flatMap((spec) => Object.keys(spec.labels)));
    expect([...labels].sort()).toEqual(
      [
        'cause',
        'code',
        'mode',
        'namespace',
        'node_version',
        'pod',
        'reason',
        'result',
        'role',
        'source',
        'state',
        'verb',
        'version',
      ].sort(),
    );
  });

  test('is what a scrape gives, each metric with its help and type, in this order', async () => {
    const { body, contentType } = await metrics().render();
    const found = [...body.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(([, name, help, type]) => ({ name, help, type }));
    expect(found).toEqual(metricsList.map(({ name, help, type }) => ({ name, help, type })));
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });
});

describe('before anything happened', () => {
  test('closed sets of label values are there at 0', async () => {
    const fresh = metrics();
    expect(await lines(fresh, 'checkpointer_api_reachability')).toEqual([
      'checkpointer_api_reachability{state="reachable"} 0',
      'checkpointer_api_reachability{state="unreachable"} 0',
      'checkpointer_api_reachability{state="unsure"} 0',
    ]);
    expect(await lines(fresh, 'checkpointer_hand_backs_total')).toHaveLength(12);
    expect(await lines(fresh, 'checkpointer_source_up')).toHaveLength(4);
  });

  test('open sets have no series, and counters without labels stand at 0', async () => {
    const fresh = metrics();
    expect(await lines(fresh, 'checkpointer_checkpoint_info')).toEqual([]);
    expect(await lines(fresh, 'checkpointer_disk_writes_total')).toEqual(['checkpointer_disk_writes_total 0']);
  });

  test('a reason that says what would keep a copy from starting is a label as it is', async () => {
    const fresh = metrics();
    const labels = { namespace: 'ns', pod: 'web-1', state: 'inactive', reason: 'would-not-start: image-missing' };
    fresh.gauges('checkpointer_checkpoint_info', [{ labels, value: 1 }]);
    expect(await lines(fresh, 'checkpointer_checkpoint_info')).toEqual([
      'checkpointer_checkpoint_info{namespace="ns",pod="web-1",state="inactive",reason="would-not-start: image-missing"} 1',
    ]);
  });

  test('the versions are told', async () => {
    expect(await lines(metrics(), 'checkpointer_build_info')).toEqual([
      'checkpointer_build_info{version="1.2.3",node_version="v24.0.0"} 1',
    ]);
  });
});

describe('a metric', () => {
  test('counts', async () => {
    const m = metrics();
    m.count('checkpointer_captures_total', { result: 'saved' });
    m.count('checkpointer_captures_total', { result: 'saved' });
    m.count('checkpointer_disk_writes_total');
    expect(await lines(m, 'checkpointer_captures_total{result="saved"}')).toEqual(['checkpointer_captures_total{result="saved"} 2']);
    expect(await lines(m, 'checkpointer_disk_writes_total')).toEqual(['checkpointer_disk_writes_total 1']);
  });

  test('takes over a total that others count, and never falls', async () => {
    const m = metrics();
    for (const value of [1.5, 4, 3, Number.NaN]) m.total('process_cpu_seconds_total', value);
    expect(await lines(m, 'process_cpu_seconds_total')).toEqual(['process_cpu_seconds_total 4']);
  });

  test('is replaced as a whole: series that are gone vanish, closed sets stay', async () => {
    const m = metrics();
    const age = 'checkpointer_checkpoint_age_seconds';
    m.gauges(age, [
      { labels: { namespace: 'a', pod: 'x' }, value: 1 },
      { labels: { namespace: 'a', pod: 'y' }, value: 2 },
    ]);
    m.gauges(age, [{ labels: { namespace: 'a', pod: 'y' }, value: 3 }]);
    m.gauges('checkpointer_checkpoints', [{ labels: { state: 'active' }, value: 2 }]);
    m.gauges('checkpointer_checkpoints', [{ labels: { state: 'inactive' }, value: 2 }]);
    expect(await lines(m, age)).toEqual(['checkpointer_checkpoint_age_seconds{namespace="a",pod="y"} 3']);
    expect(await lines(m, 'checkpointer_checkpoints{')).toEqual([
      'checkpointer_checkpoints{state="inactive"} 2',
      'checkpointer_checkpoints{state="active"} 0',
      'checkpointer_checkpoints{state="handing-back"} 0',
      'checkpointer_checkpoints{state="retired"} 0',
    ]);
  });

  test('observes durations', async () => {
    const m = metrics();
    m.observe('checkpointer_hand_back_gap_seconds', 0.06);
    expect(await lines(m, 'checkpointer_hand_back_gap_seconds_sum')).toEqual(['checkpointer_hand_back_gap_seconds_sum 0.06']);
    expect(await lines(m, 'checkpointer_hand_back_gap_seconds_bucket{le="0.1"}')).toEqual([
      'checkpointer_hand_back_gap_seconds_bucket{le="0.1"} 1',
    ]);
  });
});

describe('a mistake in counting', () => {
  test.each<[string, (m: Metrics) => void, string]>([
    ['an unknown name', (m) => m.count('checkpointer_capture_total'), 'metric checkpointer_capture_total: no counter of this name'],
    ['another type', (m) => m.observe('checkpointer_store_bytes', 1), 'metric checkpointer_store_bytes: no histogram of this name'],
    ['a missing label', (m) => m.gauge('checkpointer_source_up', 1), 'metric checkpointer_source_up: has the labels (source), not ()'],
    [
      'a value never used',
      (m) => m.count('checkpointer_captures_total', { result: 'odd' }),
      'metric checkpointer_captures_total: result is never "odd"',
    ],
    [
      'a gauge replaced that is a counter',
      (m) => m.gauges('checkpointer_disk_writes_total', [{ labels: {}, value: 1 }]),
      'metric checkpointer_disk_writes_total: no gauge of this name',
    ],
  ])('such as %s is reported, changes nothing and throws nothing', async (_, mistake, message) => {
    const errors: unknown[] = [];
    const m = metrics((error) => errors.push(error));
    const before = await m.render();
    mistake(m);
    expect(errors).toEqual([new Error(message)]);
    expect(await m.render()).toEqual(before);
  });

  test('is not in the source: every name there is in the list', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const used = files.flatMap((file) => readFileSync(`src/${file}`, 'utf8').match(/(?<=')checkpointer_[a-z_]+(?=')/g) ?? []);
    expect(used.length).toBeGreaterThan(metricsList.length);
    expect(used.filter((name) => !metricsList.some((spec) => spec.name === name))).toEqual([]);
  });
});

describe('a scrape', () => {
  test('asks the hooks first, and survives one that throws', async () => {
    const errors: unknown[] = [];
    const m = metrics((error) => errors.push(error));
    m.beforeScrape(() => {
      throw new Error('lost');
    });
    m.beforeScrape(() => m.gauge('checkpointer_store_bytes', 3));
    expect(await lines(m, 'checkpointer_store_bytes')).toEqual(['checkpointer_store_bytes 3']);
    expect(errors).toEqual([new Error('lost')]);
  });
});

test('the observer of the API client counts requests, probes and restarts', async () => {
  const m = metrics();
  const observer = createApiObserver(m);
  observer.request('list', '200');
  observer.watchRestart('gone');
  observer.probe('refused');
  expect(await lines(m, 'checkpointer_api_requests_total')).toEqual(['checkpointer_api_requests_total{verb="list",code="200"} 1']);
  expect(await lines(m, 'checkpointer_watch_restarts_total')).toEqual(['checkpointer_watch_restarts_total{cause="gone"} 1']);
  expect(await lines(m, 'checkpointer_api_probes_total{result="refused"}')).toEqual(['checkpointer_api_probes_total{result="refused"} 1']);
});
