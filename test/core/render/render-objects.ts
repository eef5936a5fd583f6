/** Objects as people give them to `render`, for its tests. No assertions. */
import type { Json } from '../../../src/core/model/model.ts';
import { sortDocuments } from '../../../src/core/render/render-objects.ts';

export const secret = (name: string, more: Json): Json => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'apps' },
  ...more,
});
export const configMap = (name: string, more: Json): Json => ({ ...secret(name, more), kind: 'ConfigMap' });

export function podWith(spec: Json, more: Json = {}): Json {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'apps', labels: { b: '2', a: 'x"y' }, ...more }, spec };
}

/** Documents named `doc 1`, `doc 2`, …; objects without a namespace are in `default`. */
export function sorted(...values: readonly unknown[]) {
  return sortDocuments(
    values.map((value, index) => ({ from: `doc ${index + 1}`, value })),
    'default',
  );
}
