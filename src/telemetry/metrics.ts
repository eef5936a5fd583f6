/**
 * The metrics of the agent, registered from the one list.
 *
 * Never calls prom-client's collectDefaultMetrics: it wakes the process a hundred times a second. Nothing here has a
 * timer; what is true only for a moment is asked for when someone scrapes. A wrong name or label is reported and never
 * thrown: counting must not stop what is counted.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ApiRequestObserver, Meter } from '../ports.ts';
import { type MetricSpec, metricsList } from './metrics-list.ts';

export interface MetricsOptions {
  readonly version: string;
  readonly nodeVersion: string;
  /** Told of a metric that is not in the list or has other labels, and of what a scrape hook threw. */
  readonly onError: (error: unknown) => void;
}

export interface Metrics extends Meter {
  /** A total that something else counts; a smaller one than before is kept out, for counters never fall. */
  total(name: string, value: number): void;
  /** Called before every scrape, for values that would be stale otherwise. Must not block. */
  beforeScrape(hook: () => void): void;
  /** Prometheus text, version 0.0.4. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

type Labels = Readonly<Record<string, string>>;
type Registered =
  | { readonly type: 'counter'; readonly spec: MetricSpec; readonly metric: Counter }
  | { readonly type: 'gauge'; readonly spec: MetricSpec; readonly metric: Gauge }
  | { readonly type: 'histogram'; readonly spec: MetricSpec; readonly metric: Histogram };

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const registered = new Map(metricsList.map((spec) => [spec.name, register(spec, registry)]));
  const totals = new Map<string, number>();
  const hooks: (() => void)[] = [];
  /** Whole families, as they were set last: hundreds of series are made when someone scrapes, not in every turn. */
  const families = new Map<string, Parameters<Meter['gauges']>[1]>();

  function setFamily(name: string, series: Parameters<Meter['gauges']>[1]): void {
    const found = registered.get(name);
    if (found?.type === 'gauge') {
      found.metric.reset();
      zero(found);
    }
    for (const { labels, value } of series) metrics.gauge(name, value, labels);
  }

  /** The metric of this name and type, if the labels fit it. */
  function find<T extends Registered['type']>(type: T, name: string, labels: Labels): Extract<Registered, { type: T }> | undefined {
    const found = registered.get(name);
    const problem = found?.type === type ? labelProblem(found.spec, labels) : `no ${type} of this name`;
    if (problem !== undefined) options.onError(new Error(`metric ${name}: ${problem}`));
    return found?.type === type && problem === undefined ? (found as Extract<Registered, { type: T }>) : undefined;
  }

  const metrics: Metrics = {
    count: (name, labels = {}, by = 1) => find('counter', name, labels)?.metric.inc(labels, by),
    gauge: (name, value, labels = {}) => find('gauge', name, labels)?.metric.set(labels, value),
    gauges: (name, series) => {
      if (registered.get(name)?.type === 'gauge') families.set(name, series);
      else setFamily(name, series);
    },
    observe: (name, value, labels = {}) => find('histogram', name, labels)?.metric.observe(labels, value),
    total: (name, value) => {
      const before = totals.get(name) ?? 0;
      if (!(value > before)) return;
      totals.set(name, value);
      metrics.count(name, {}, value - before);
    },
    beforeScrape: (hook) => {
      hooks.push(hook);
    },
    render: async () => {
      for (const hook of hooks) {
        try {
          hook();
        } catch (error) {
          options.onError(error);
        }
      }
      for (const [name, series] of families) setFamily(name, series);
      families.clear();
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
  metrics.gauge('checkpointer_build_info', 1, { version: options.version, node_version: options.nodeVersion });
  return metrics;
}

function register(spec: MetricSpec, registry: Registry): Registered {
  const common = { name: spec.name, help: spec.help, labelNames: Object.keys(spec.labels), registers: [registry] };
  const made = ((): Registered => {
    switch (spec.type) {
      case 'counter':
        return { type: spec.type, spec, metric: new Counter(common) };
      case 'gauge':
        return { type: spec.type, spec, metric: new Gauge(common) };
      case 'histogram':
        return { type: spec.type, spec, metric: new Histogram({ ...common, buckets: [...(spec.buckets ?? [])] }) };
    }
  })();
  zero(made);
  return made;
}

/** A series that is first seen at 1 looks to `increase()` as if nothing had happened. */
function zero(made: Registered): void {
  for (const labels of combinations(made.spec.labels)) {
    if (made.type === 'counter') made.metric.inc(labels, 0);
    else if (made.type === 'gauge') made.metric.set(labels, 0);
  }
}

/** Every combination of label values where all sets are closed; none where one is open, for it would be a guess. */
function combinations(labels: MetricSpec['labels']): readonly Record<string, string>[] {
  const entries = Object.entries(labels);
  if (entries.length === 0) return [];
  return entries.reduce<readonly Record<string, string>[]>(
    (made, [label, values]) => made.flatMap((one) => (values ?? []).map((value) => ({ ...one, [label]: value }))),
    [{}],
  );
}

function labelProblem(spec: MetricSpec, labels: Labels): string | undefined {
  const expected = Object.keys(spec.labels).sort().join(', ');
  const given = Object.keys(labels).sort().join(', ');
  if (expected !== given) return `has the labels (${expected}), not (${given})`;
  const odd = Object.entries(labels).find(([label, value]) => spec.labels[label]?.includes(value) === false);
  return odd === undefined ? undefined : `${odd[0]} is never ${JSON.stringify(odd[1])}`;
}

/** Counts what the API client reports. */
export function createApiObserver(meter: Meter): ApiRequestObserver {
  return {
    request: (verb, code) => meter.count('checkpointer_api_requests_total', { verb, code }),
    watchRestart: (cause) => meter.count('checkpointer_watch_restarts_total', { cause }),
    probe: (outcome) => meter.count('checkpointer_api_probes_total', { result: outcome }),
  };
}
