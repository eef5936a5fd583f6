/** Who sizes itself by its requests must not find zero in a copy. */
import { describe, expect, it } from 'vitest';
import { isCopyAnnotation } from '../../../src/core/model/keys.ts';
import type { Json } from '../../../src/core/model/model.ts';
import { lowered } from '../../../src/core/room/lower.ts';

const tells = (resource: string, change: Json = {}): Json => ({ resourceFieldRef: { resource, ...change } });
const requests = { cpu: '1500m', memory: '64Mi' };
const limits = { cpu: '2', memory: '64Mi' };

function pod(env: readonly Json[], volumes: readonly Json[] = []): Json {
  const main = { name: 'main', resources: { requests, limits }, env };
  return { metadata: { name: 'web', annotations: { own: 'x' } }, spec: { containers: [main], volumes } };
}
const envOf = (made: Json): unknown => (made as { spec: { containers: { env: unknown }[] } }).spec.containers[0]?.env;

describe('the environment', () => {
  it('tells the requests of the parent, in the units asked for', () => {
    const env = [
      { name: 'CPUS', valueFrom: tells('requests.cpu') },
      { name: 'MILLI', valueFrom: tells('requests.cpu', { divisor: '1m' }) },
      { name: 'MIB', valueFrom: tells('requests.memory', { containerName: 'main', divisor: '1Mi' }) },
    ];

    expect(envOf(lowered(pod(env), { zeroed: ['cpu', 'memory'] }))).toEqual([
      { name: 'CPUS', value: '2' },
      { name: 'MILLI', value: '1500' },
      { name: 'MIB', value: '64' },
    ]);
  });

  it('tells of limits, of what is kept, and everything else as ever', () => {
    const env = [
      { name: 'LIMIT', valueFrom: tells('limits.cpu') },
      { name: 'MEMORY', valueFrom: tells('requests.memory') },
      { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'PLAIN', value: 'x' },
    ];

    expect(envOf(lowered(pod(env), { zeroed: ['cpu'] }))).toEqual(env);
  });

  it('tells whole CPUs where a thousandth less is asked for', () => {
    const whole = { requests: { cpu: '2' }, limits: { cpu: '2' } };
    const container = { name: 'main', resources: whole, env: [{ name: 'MILLI', valueFrom: tells('requests.cpu', { divisor: '1m' }) }] };

    expect(envOf(lowered({ spec: { containers: [container] } }, { zeroed: [], shared: true }))).toEqual([{ name: 'MILLI', value: '2000' }]);
  });
});

describe('files of a downwardAPI volume', () => {
  const file = { path: 'cpus', ...tells('requests.cpu', { containerName: 'main', divisor: '1m' }) };
  const other = { path: 'name', fieldRef: { fieldPath: 'metadata.name' } };
  const from = (key: string): Json => ({ apiVersion: 'v1', fieldPath: `metadata.annotations['${key}']` });

  it('tell the requests of the parent by way of annotations, which are known as ours', () => {
    const volumes = [
      { name: 'a', downwardAPI: { items: [other, file], defaultMode: 420 } },
      { name: 'b', projected: { sources: [{ downwardAPI: { items: [{ ...file, mode: 256 }] } }] } },
    ];
    const made = lowered(pod([], volumes), { zeroed: ['cpu'] });

    expect(made).toMatchObject({
      metadata: { annotations: { own: 'x', 'checkpointer/told-0': '1500', 'checkpointer/told-1': '1500' } },
      spec: {
        volumes: [
          { name: 'a', downwardAPI: { items: [other, { path: 'cpus', fieldRef: from('checkpointer/told-0') }], defaultMode: 420 } },
          {
            name: 'b',
            projected: { sources: [{ downwardAPI: { items: [{ path: 'cpus', mode: 256, fieldRef: from('checkpointer/told-1') }] } }] },
          },
        ],
      },
    });
    expect(JSON.stringify(made)).not.toContain('resourceFieldRef');
    expect(['checkpointer/told-0', 'checkpointer/told-x', 'checkpointer/reserves', 'checkpointer/order'].map(isCopyAnnotation)).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it('stay as they are where nothing is lowered', () => {
    const whole = pod([], [{ name: 'a', downwardAPI: { items: [file] } }]);

    expect(lowered(whole, { zeroed: [] })).toEqual(whole);
  });
});
