/** What copies reserve: never more than what nobody else on the node needs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Amounts, RESOURCES, type Reservation } from '../../../src/core/model/reservation.ts';
import { amountsBy, sum } from '../../../src/core/room/amounts.ts';
import { lowered } from '../../../src/core/room/lower.ts';
import { podRequests } from '../../../src/core/room/pod-requests.ts';
import {
  everyReservation,
  fits,
  leftOf,
  type NodeRoom,
  reserve,
  reservesWhat,
  type Wish,
  without,
} from '../../../src/core/room/reserve.ts';
import { anyCopy, anyPod, aPodOf } from './pods.ts';

const MI = 1024 * 1024;
const PLENTY: Amounts = { cpu: 100_000, memory: 100_000 * MI, 'ephemeral-storage': 100_000 * MI };
const web = aPodOf({ main: [{ requests: { cpu: '1200m', memory: '100Mi' }, limits: { memory: '200Mi' } }] });
const wish = (change: Partial<Wish> = {}): Wish => ({ manifest: web, parentKnown: false, again: false, ...change });

/** Of the first main container. */
function requestsOf(manifest: unknown): unknown {
  return (manifest as { spec: { containers: { resources: { requests: unknown } }[] } }).spec.containers[0]?.resources.requests;
}

describe('what a copy reserves', () => {
  it('keeps its requests while there is room for all of them', () => {
    const kept = reserve(wish(), PLENTY, false);

    expect(kept).toEqual({ zeroed: [], why: 'room', amounts: { cpu: 1200, memory: 100 * MI, 'ephemeral-storage': 0 } });
    expect(lowered(web, kept as Reservation)).toEqual(web);
  });

  it('fits to the last thousandth, and not one beyond', () => {
    expect(reserve(wish(), { ...PLENTY, cpu: 1200 }, false)?.why).toBe('room');
    expect(reserve(wish(), { ...PLENTY, cpu: 1199 }, false)).toEqual({
      zeroed: ['cpu'],
      why: 'no-room',
      amounts: { cpu: 0, memory: 100 * MI, 'ephemeral-storage': 0 },
    });
  });

  it('writes the zero out where only a limit stands, for the kubelet would take that', () => {
    const limited = aPodOf({ main: [{ limits: { cpu: '1', memory: '200Mi' } }] });
    const nothing = reserve(wish({ manifest: limited }), undefined, false);

    expect(requestsOf(lowered(limited, nothing as Reservation))).toEqual({ cpu: '0', memory: '0' });
    expect(podRequests(lowered(limited, nothing as Reservation)).cpu).toBe(0);
  });

  it('leaves the limits, and what is not asked for, alone', () => {
    const nothing = reserve(wish(), undefined, false) as Reservation;

    expect(lowered(web, nothing)).toEqual(aPodOf({ main: [{ requests: { cpu: '0', memory: '0' }, limits: { memory: '200Mi' } }] }));
  });

  it('leaves huge pages alone, which must be asked for as they are limited', () => {
    const resources = { requests: { cpu: '1', 'hugepages-2Mi': '4Mi' }, limits: { 'hugepages-2Mi': '4Mi' } };
    const huge = { spec: { containers: [{ name: 'main', resources }] } };
    const nothing = reserve(wish({ manifest: huge }), undefined, false) as Reservation;

    expect(requestsOf(lowered(huge, nothing))).toEqual({ cpu: '0', 'hugepages-2Mi': '4Mi' });
  });

  it.each<[string, Partial<Wish>, Reservation['why']]>([
    ['the kubelet knows the parent', { parentKnown: true }, 'parent-holds-it'],
    ['the kubelet refused it before', { again: true }, 'tried-again'],
    ['the annotation says none', { requests: 'none' }, 'annotation'],
  ])('reserves nothing where %s, for all the room there is', (_name, change, why) => {
    expect(reserve(wish(change), PLENTY, false)).toMatchObject({ zeroed: ['cpu', 'memory'], why, amounts: { cpu: 0, memory: 0 } });
  });

  it('reserves nothing where nobody knows what there is', () => {
    expect(reserve(wish(), undefined, false)).toMatchObject({ zeroed: ['cpu', 'memory'], why: 'room-unknown' });
    expect(reserve(wish(), { cpu: 5000 }, false)).toMatchObject({ zeroed: ['memory'], why: 'room-unknown' });
  });

  it('keeps all where the annotation says keep, room or not', () => {
    for (const change of [{}, { parentKnown: true }, { again: true }])
      expect(reserve(wish({ ...change, requests: 'keep' }), { cpu: 0 }, false)).toMatchObject({ zeroed: [], why: 'annotation' });
  });

  it('decides nothing about a pod that asks for nothing', () => {
    expect(reserve(wish({ manifest: aPodOf({}) }), undefined, true)).toBeUndefined();
  });
});

describe('CPUs that would be the copy’s own', () => {
  const whole = { cpu: '2', memory: '1Mi' };

  it('are asked for less a thousandth, under the static policy only', () => {
    const manifest = aPodOf({
      main: [
        { requests: whole, limits: whole },
        { requests: { cpu: '500m' }, limits: { cpu: '500m' } },
      ],
    });
    const kept = reserve(wish({ manifest }), PLENTY, true) as Reservation;

    expect(kept).toMatchObject({ zeroed: [], shared: true, amounts: { cpu: 2499 } });
    expect(lowered(manifest, kept)).toEqual(
      aPodOf({
        main: [
          { requests: { cpu: '1999m', memory: '1Mi' }, limits: whole },
          { requests: { cpu: '500m' }, limits: { cpu: '500m' } },
        ],
      }),
    );
    expect(reserve(wish({ manifest }), PLENTY, false)).toEqual({
      zeroed: [],
      why: 'room',
      amounts: kept.amounts && { ...kept.amounts, cpu: 2500 },
    });
  });

  it('are not asked for where the pod as a whole has them, which asks for no less than its containers', () => {
    const half = { requests: { cpu: '1500m' }, limits: { cpu: '1500m' } };
    const manifest = aPodOf({ main: [half, { requests: { cpu: '500m' } }], resources: { requests: whole, limits: whole } });
    const made = lowered(manifest, reserve(wish({ manifest }), PLENTY, true) as Reservation);

    expect(made).toMatchObject({
      spec: {
        resources: { requests: { cpu: '1999m' } },
        containers: [{ resources: { requests: { cpu: '1499m' } } }, { resources: { requests: { cpu: '499m' } } }],
      },
    });
  });

  it('stay where a limit above them makes them no whole ones', () => {
    const manifest = aPodOf({ main: [{ requests: { cpu: '2' }, limits: { cpu: '3' } }] });

    expect(reserve(wish({ manifest }), PLENTY, true)).not.toHaveProperty('shared');
  });
});

describe('the room that is left', () => {
  const room: NodeRoom = { allocatable: PLENTY, requested: { cpu: 99_000, memory: 0, 'ephemeral-storage': 0 }, exclusiveCpus: false };

  it('is what the kubelet gives less what everybody asks for, our copies among them', () => {
    expect(leftOf(room, [{ cpu: 300, memory: MI, 'ephemeral-storage': 0 }])).toEqual({ ...PLENTY, cpu: 700, memory: 99_999 * MI });
  });

  it.each<[string, NodeRoom | undefined, readonly (Amounts | undefined)[]]>([
    ['there is no record', { ...room, requested: undefined }, []],
    ['nothing at all is known', undefined, []],
    ['nobody knows what one copy reserves', room, [undefined]],
  ])('is unknown where %s', (_name, known, copies) => {
    expect(leftOf(known, copies)).toBeUndefined();
  });

  it('leaves out what the kubelet is not known to give', () => {
    expect(leftOf({ ...room, allocatable: { cpu: 100_000 } }, [])).toEqual({ cpu: 1000 });
  });

  it('tells whether what was reserved before fits still', () => {
    const before: Amounts = { cpu: 700, memory: 0, 'ephemeral-storage': 0 };
    expect(fits(before, { cpu: 700 })).toBe(true);
    expect(fits(before, { cpu: 699 })).toBe(false);
    expect(fits(before, undefined)).toBe(false);
  });
});

describe('S17: our copies never make the kubelet reject or evict another pod', () => {
  const amounts = fc.record({
    cpu: fc.integer({ min: 0, max: 9000 }),
    memory: fc.integer({ min: 0, max: 8000 * MI }),
    'ephemeral-storage': fc.integer({ min: 0, max: 8000 * MI }),
  });

  it('whatever runs there, what copies reserve and all the others ask for is no more than the kubelet gives', () => {
    fc.assert(
      fc.property(
        amounts,
        fc.array(anyPod, { maxLength: 5 }),
        fc.array(anyCopy, { maxLength: 5 }),
        fc.boolean(),
        (all, others, parents, exclusiveCpus) => {
          // a node that is too full already is none of our doing
          const requested = sum([...others, ...parents].map(podRequests));
          const allocatable = amountsBy((resource) => Math.max(all[resource], requested[resource]));
          const room = { allocatable, requested, exclusiveCpus };
          let left = leftOf(room, []);
          const copies = parents.map((manifest) => {
            const decided = reserve(wish({ manifest }), left, exclusiveCpus);
            left = without(left, decided?.amounts);
            return decided === undefined ? manifest : lowered(manifest, decided);
          });

          const together = sum([requested, ...copies.map(podRequests)]);
          for (const resource of RESOURCES) expect(together[resource], resource).toBeLessThanOrEqual(allocatable[resource]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a zero is a zero to the kubelet, in any copy', () => {
    fc.assert(
      fc.property(anyCopy, (manifest) => {
        const nothing = reserve(wish({ manifest }), undefined, true);

        const made = nothing === undefined ? manifest : lowered(manifest, nothing);
        expect(podRequests(made)).toEqual({ cpu: 0, memory: 0, 'ephemeral-storage': 0 });
      }),
    );
  });

  it('lowering changes no limit, and lowering again changes nothing', () => {
    fc.assert(
      fc.property(anyPod, fc.subarray([...RESOURCES]), (pod, zeroed) => {
        const once = lowered(pod, { zeroed });
        expect(JSON.stringify(once, withoutRequests)).toBe(JSON.stringify(pod, withoutRequests));
        expect(lowered(once, { zeroed })).toEqual(once);
      }),
    );
  });
});

describe('what may have been decided', () => {
  it('is among what is tried for a manifest whose ledger is lost', () => {
    fc.assert(
      fc.property(anyPod, fc.boolean(), fc.boolean(), fc.integer({ min: 0, max: 3000 }), (manifest, exclusive, parentKnown, cpu) => {
        const decided = reserve(wish({ manifest, parentKnown }), { cpu, memory: 500 * MI }, exclusive);
        if (decided === undefined) return;
        const { why: _, ...what } = decided;
        expect(everyReservation(manifest).map(({ why: __, ...each }) => each)).toContainEqual(what);
      }),
    );
  });

  it('is told in few words', () => {
    const words = (zeroed: Reservation['zeroed']): string => reservesWhat(web, { zeroed });
    expect([words([]), words(['cpu']), words(['cpu', 'memory'])]).toEqual(['all', 'memory', 'nothing']);
    expect(reservesWhat(web, { zeroed: [], shared: true })).toBe('all; cpu less a thousandth');
  });
});

/** For JSON.stringify: no requests, nor what holds nothing but them. */
function withoutRequests(key: string, value: unknown): unknown {
  return key === 'requests' ? undefined : value;
}
