/** Which rows of the sanitizer's field tables did the random pods really reach, and with which end? */
import type { FieldTable } from '../../../src/core/copy/field-rules.ts';
import { ALL_FIELD_TABLES } from '../../../src/core/copy/fields.ts';
import { isObject } from '../../../src/core/model/json.ts';

/** Types below fields whose rows do not name a table; the other fields' rows do. */
const CHILDREN: Readonly<Record<string, string>> = {
  'Pod.metadata': 'ObjectMeta',
  'Pod.spec': 'PodSpec',
  'PodSpec.volumes': 'Volume',
  'PodSpec.containers': 'Container',
  'PodSpec.initContainers': 'Container',
  'Container.env': 'EnvVar',
  'Container.envFrom': 'EnvFromSource',
  'Container.ports': 'ContainerPort',
  'Container.volumeMounts': 'VolumeMount',
  'EnvVar.valueFrom': 'EnvVarSource',
  'EnvVarSource.fieldRef': 'ObjectFieldSelector',
  'Volume.secret': 'SecretVolumeSource',
  'Volume.configMap': 'ConfigMapVolumeSource',
  'Volume.projected': 'ProjectedVolumeSource',
  'Volume.downwardAPI': 'DownwardAPIVolumeSource',
  'ProjectedVolumeSource.sources': 'VolumeProjection',
  'SecurityContext.appArmorProfile': 'AppArmorProfile',
  'PodSecurityContext.appArmorProfile': 'AppArmorProfile',
  'SecurityContext.seccompProfile': 'SeccompProfile',
  'PodSecurityContext.seccompProfile': 'SeccompProfile',
};
const POD: FieldTable = {};

/** Rows that no parent can reach, with the reason. */
const OUT_OF_REACH: Readonly<Record<string, string>> = {
  'ObjectMeta.deletionTimestamp': 'such a parent is refused before its fields are looked at',
};

export interface Coverage {
  add(pod: unknown, placed: boolean): void;
  /** Rows with how often a placed and a refused parent had them. */
  rows(): readonly { readonly row: string; readonly placed: number; readonly refused: number }[];
  /** Rows that did not show what they are for: kept, dropped and rewritten in a placed copy, refused in a refusal. */
  missing(): readonly string[];
}

export function createCoverage(): Coverage {
  const counts = new Map<string, { placed: number; refused: number }>();
  for (const [type, table] of Object.entries(ALL_FIELD_TABLES))
    for (const key of Object.keys(table)) counts.set(`${type}.${key}`, { placed: 0, refused: 0 });
  const visit = (type: string, value: unknown, placed: boolean): void => {
    if (Array.isArray(value)) for (const item of value) visit(type, item, placed);
    if (!isObject(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      if (inner === null || inner === undefined) continue;
      const row = `${type}.${key}`;
      const count = counts.get(row);
      if (count !== undefined) count[placed ? 'placed' : 'refused'] += 1;
      const child = CHILDREN[row] ?? childOf(ALL_FIELD_TABLES[type] ?? POD, key);
      if (child !== undefined) visit(child, inner, placed);
    }
  };
  return {
    add: (pod, placed) => visit('Pod', pod, placed),
    rows: () => [...counts].map(([row, count]) => ({ row, ...count })),
    missing: () =>
      [...counts].flatMap(([row, count]) => {
        const [type = '', key = ''] = row.split('.');
        const refuses = ALL_FIELD_TABLES[type]?.[key]?.action === 'refuse';
        return (refuses ? count.refused : count.placed) > 0 || Object.hasOwn(OUT_OF_REACH, row) ? [] : [row];
      }),
  };
}

/** The type that a row's own shape names. */
function childOf(table: FieldTable, key: string): string | undefined {
  const rule = Object.hasOwn(table, key) ? table[key] : undefined;
  const shape = rule?.action === 'keep' ? rule.shape : rule?.action === 'rewrite' ? rule.of : undefined;
  if (typeof shape !== 'object') return undefined;
  const inner = 'object' in shape ? shape.object : shape.list;
  return Object.entries(ALL_FIELD_TABLES).find(([, candidate]) => candidate === inner)?.[0];
}
