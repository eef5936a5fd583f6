/** What a pod asks for, counted as the kubelet counts. The rows follow k8s.io/component-helpers/resource. */
import { describe, expect, it } from 'vitest';
import type { Amounts } from '../../../src/core/model/reservation.ts';
import { podRequests, requestedResources } from '../../../src/core/room/pod-requests.ts';
import { aPodOf, type PodSketch } from './pods.ts';

const MI = 1024 * 1024;

describe('what a pod asks for', () => {
  it.each<[string, PodSketch, Partial<Amounts>]>([
    ['nothing', {}, {}],
    [
      'its containers together',
      { main: [{ requests: { cpu: '100m', memory: '1Mi' } }, { requests: { cpu: '0.2' } }] },
      { cpu: 300, memory: MI },
    ],
    [
      'a limit where no request is',
      { main: [{ limits: { cpu: '1', memory: '2Mi' }, requests: { memory: '1Mi' } }] },
      { cpu: 1000, memory: MI },
    ],
    ['a part of a thousandth as a whole one', { main: [{ requests: { cpu: '100u', memory: '1500m' } }] }, { cpu: 1, memory: 2 }],
    [
      'an init container that is larger than all that follow',
      { main: [{ requests: { cpu: '100m', memory: '9Mi' } }], init: [{ requests: { cpu: '2', memory: '1Mi' } }] },
      { cpu: 2000, memory: 9 * MI },
    ],
    [
      'a sidecar beside the main containers',
      { main: [{ requests: { cpu: '100m' } }], init: [{ requests: { cpu: '50m' }, sidecar: true }] },
      { cpu: 150 },
    ],
    [
      'an init container beside the sidecars before it, not those after',
      {
        main: [{ requests: { cpu: '10m' } }],
        init: [{ requests: { cpu: '100m' }, sidecar: true }, { requests: { cpu: '500m' } }, { requests: { cpu: '300m' }, sidecar: true }],
      },
      { cpu: 600 },
    ],
    [
      'the pod as a whole in place of its containers',
      { main: [{ requests: { cpu: '100m', memory: '1Mi' } }], resources: { requests: { cpu: '2' } } },
      { cpu: 2000, memory: MI },
    ],
    [
      'its limit as a whole where no container asks',
      { main: [{ requests: { cpu: '100m' } }], resources: { limits: { cpu: '2', memory: '4Mi' } } },
      { cpu: 100, memory: 4 * MI },
    ],
    [
      'no storage as a whole, which the kubelet does not know',
      { main: [{ requests: { 'ephemeral-storage': '1Mi' } }], resources: { requests: { 'ephemeral-storage': '4Mi' } } },
      { 'ephemeral-storage': MI },
    ],
    [
      'the overhead of its runtime class',
      { main: [{ requests: { cpu: '100m' } }], overhead: { cpu: '250m', memory: '1Mi' } },
      { cpu: 350, memory: MI },
    ],
    [
      'what it was granted while it shrinks',
      {
        main: [{ requests: { cpu: '100m' } }],
        status: { containerStatuses: [{ name: 'main-0', allocatedResources: { cpu: '400m' }, resources: { requests: { cpu: '300m' } } }] },
      },
      { cpu: 400 },
    ],
    [
      'what counts of the pod as a whole while it shrinks',
      {
        main: [{}],
        resources: { requests: { cpu: '1' } },
        status: { allocatedResources: { cpu: '2' }, resources: { requests: { cpu: '3' } } },
      },
      { cpu: 3000 },
    ],
    ['nothing that is no quantity', { main: [{ requests: { cpu: 'much', memory: '-1' } }] }, {}],
  ])('counts %s', (_name, sketch, expected) => {
    expect(podRequests(aPodOf(sketch))).toEqual({ cpu: 0, memory: 0, 'ephemeral-storage': 0, ...expected });
  });

  it('says what is asked for, be it by a limit or for the pod as a whole', () => {
    expect(requestedResources(aPodOf({ main: [{ limits: { cpu: '1' } }], resources: { requests: { memory: '1Mi' } } }))).toEqual([
      'cpu',
      'memory',
    ]);
    expect(requestedResources(aPodOf({}))).toEqual([]);
  });

  it.each([undefined, null, 'pod', {}, { spec: null }, { spec: { containers: [null, 'x', {}] } }])('never throws: %j', (pod) => {
    expect(podRequests(pod)).toEqual({ cpu: 0, memory: 0, 'ephemeral-storage': 0 });
  });
});
