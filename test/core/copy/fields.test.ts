/**
 * The field tables against the API: no field of Kubernetes 1.37 is without a row, and no row is without a field. The list of
 * fields is written by Kubernetes' own types (npm run oracle -- --write-fields); every run of the oracle says whether it is.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FieldTable, Shape } from '../../../src/core/copy/field-rules.ts';
import { ALL_FIELD_TABLES } from '../../../src/core/copy/fields.ts';
import { REFUSAL_CODES } from '../../../src/core/model/refusal.ts';

/** By type and JSON name what a field holds: see ApiFields in e2e/oracle/oracle.ts. */
const API = JSON.parse(readFileSync(new URL('../../fixtures/pod-fields-1.37.generated.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, string>>>
>;
/** Rows of fields that only other versions have. */
const OTHER_VERSIONS: readonly string[] = ['ObjectMeta.clusterName', 'PodSpec.workloadRef'];
const SCALARS: Readonly<Record<string, Shape>> = {
  '[text]': 'texts',
  '[integer]': 'integers',
  '{quantity}': 'quantities',
};

/** What is missing or wrong in a table and in those below it. Fields below a dropped or refused one need no rows. */
function wrong(type: string, table: FieldTable | undefined, seen: Set<string>): readonly string[] {
  if (seen.has(type)) return [];
  seen.add(type);
  if (table === undefined || table !== ALL_FIELD_TABLES[type]) return [`${type} has no table, or another`];
  const fields = API[type] ?? {};
  const problems = Object.keys(table)
    .filter((name) => fields[name] === undefined && !OTHER_VERSIONS.includes(`${type}.${name}`))
    .map((name) => `${type}.${name} is no field`);
  for (const [name, holds] of Object.entries(fields)) {
    const rule = table[name];
    const inner = holds.replace(/[[\]{}]/g, '');
    if (rule === undefined) problems.push(`${type}.${name} has no row`);
    if (rule === undefined || rule.action === 'drop' || rule.action === 'refuse') continue;
    const shape = rule.action === 'keep' ? rule.shape : rule.of;
    if (typeof shape === 'object') {
      const expected = 'object' in shape ? inner : `[${inner}]`;
      if (holds !== expected) problems.push(`${type}.${name} holds ${holds}`);
      problems.push(...wrong(inner, 'object' in shape ? shape.object : shape.list, seen));
    } else if (shape !== undefined) {
      if (shape !== (SCALARS[holds] ?? holds)) problems.push(`${type}.${name} holds ${holds}`);
    } else if (API[inner] !== undefined) problems.push(...wrong(inner, ALL_FIELD_TABLES[inner], seen));
  }
  return problems;
}

describe('the field tables', () => {
  it('have one row for every field of a pod that is kept or made into something, and no table for anything else', () => {
    const seen = new Set<string>();
    expect([...wrong('ObjectMeta', ALL_FIELD_TABLES['ObjectMeta'], seen), ...wrong('PodSpec', ALL_FIELD_TABLES['PodSpec'], seen)]).toEqual(
      [],
    );
    expect(Object.keys(ALL_FIELD_TABLES).sort()).toEqual([...seen].sort());
    expect(seen.size).toBeGreaterThan(50);
  });

  it('say why, and what to do where they refuse', () => {
    for (const table of Object.values(ALL_FIELD_TABLES)) {
      for (const [name, rule] of Object.entries(table)) {
        expect(rule.why, name).not.toBe('');
        if (rule.action === 'refuse') expect(rule.why, name).toMatch(/; (use|remove|make|clone)/);
        if (rule.action === 'keep' && rule.since !== undefined) expect(rule.why, name).toContain('upgrade the kubelet');
      }
    }
  });

  it('refuse with codes that can be metric labels', () => {
    expect(new Set(REFUSAL_CODES).size).toBe(REFUSAL_CODES.length);
    for (const code of REFUSAL_CODES) expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });
});
