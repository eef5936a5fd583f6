/** The chart's generated files are what the table says, and the chart is of this program's version. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { CHART, generatedFiles } from '../../deploy/chart.ts';
import { chartValues, freeConfigKeys, KEYS_SET_ELSEWHERE } from '../../deploy/chart-values.ts';
import { configKeys } from '../../src/core/config/config-keys.ts';

const inChart = (name: string): string => readFileSync(join(CHART, name), 'utf8');

describe('the chart', () => {
  it.each([...generatedFiles()])('has a %s that follows from the table (node deploy/chart.ts)', (name, content) => {
    expect(inChart(name)).toBe(content);
  });

  it('has the version of the program', () => {
    const { version } = JSON.parse(readFileSync(join(CHART, '../../package.json'), 'utf8')) as { version: string };
    const chart = load(inChart('Chart.yaml')) as Record<string, unknown>;

    expect(chart['version']).toBe(version);
    expect(chart['appVersion']).toBe(version);
  });

  it('has an entry in values.yaml for every value, with its default', () => {
    const values = load(inChart('values.yaml'));
    for (const { name, default: expected } of chartValues) {
      const found = name.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], values);
      expect(found, name).toEqual(expected);
    }
  });

  it('gives every configuration key one place', () => {
    expect([...freeConfigKeys().map((key) => key.name), ...KEYS_SET_ELSEWHERE].sort()).toEqual(configKeys.map((key) => key.name).sort());
  });

  it('says one sentence about every value', () => {
    for (const { name, doc } of chartValues) expect(doc, name).toMatch(/^\S.*[.]$/);
  });

  it('is closed everywhere: no object of the schema takes a name that nobody knows', () => {
    const open: string[] = [];
    const look = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { type, additionalProperties } = schema as { type?: unknown; additionalProperties?: unknown };
      if (type === 'object' && additionalProperties === undefined) open.push(path);
      for (const [key, inner] of Object.entries(schema)) look(inner, key === 'properties' ? path : `${path}/${key}`);
    };
    look(JSON.parse(inChart('values.schema.json')), '');

    // helm's own, and what Kubernetes judges itself
    expect(open.sort()).toEqual(['/affinity/nodeAffinity', '/affinity/podAffinity', '/affinity/podAntiAffinity', '/global']);
  });
});
