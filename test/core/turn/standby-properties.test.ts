/** The standby stands beside the copies: no limit, no order and no decision about any of them knows it. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND } from '../../../src/core/turn/mind.ts';
import { turn } from '../../../src/core/turn/turn.ts';
import { aCheckpoint, aContainer, aLedger, anObservation, aPlaced, aReach, aSandbox, policy } from '../../fakes/builders.ts';
import { own, placedOf } from '../standbys.ts';

describe('the standby beside copies', () => {
  const parents = [0, 1, 2].map((index) =>
    aCheckpoint({ parent: { namespace: 'kube-system', name: `web-${index}`, uid: `u${index}`, resourceVersion: '1' }, order: index % 2 }),
  );

  it('changes nothing of what is decided and done about any of them', () => {
    fc.assert(
      fc.property(
        fc.record({
          verdict: fc.constantFrom('reachable' as const, 'unreachable' as const, 'unsure' as const),
          role: fc.constantFrom('daemonset' as const, 'standby' as const),
          activeLimit: fc.integer({ min: 0, max: 3 }),
          placed: fc.subarray([0, 1, 2]),
          leaving: fc.subarray([0, 1, 2]),
          running: fc.subarray([0, 1, 2]),
          copies: fc.subarray([0, 1, 2]),
          known: fc.boolean(),
          standbyPlaced: fc.boolean(),
          order: fc.integer({ min: -2, max: 2 }),
          times: fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 4 }),
        }),
        (c) => {
          const standby = { ...own('agent-1', 'a1'), record: { ...own('agent-1', 'a1').record, order: c.order } };
          const entries = c.placed.map((index) =>
            aPlaced({ key: parents[index]?.key ?? '', file: `f${index}.json`, phase: c.leaving.includes(index) ? 'leaving' : 'placed' }),
          );
          const sandboxes = c.copies.map((index) =>
            aSandbox({
              id: `s${index}`,
              uid: `k${index}`,
              annotations: { 'kubernetes.io/config.source': 'file', 'checkpointer/copy-of': `kube-system/web-${index}` },
            }),
          );
          const containers = c.running.map((index) => aContainer({ id: `p${index}`, podUid: `u${index}`, sandboxId: `x${index}` }));
          const shared = {
            api: aReach(c.verdict),
            runtime: c.known ? seen({ sandboxes, containers }) : { known: false as const, why: 'no answer' },
            manifests: seen(entries.map(({ file, digest }) => ({ file, digest }))),
          };
          const limited = { ...policy, role: c.role, ownUid: 'a1', activeLimit: c.activeLimit };
          const minds = { without: EMPTY_MIND, beside: EMPTY_MIND };
          let now = 0;
          for (const step of c.times) {
            now += step;
            const o = anObservation({ ...shared, now });
            const without = turn(minds.without, parents, aLedger(entries), o, limited);
            const beside = turn(
              minds.beside,
              [...parents, standby],
              aLedger(c.standbyPlaced ? [...entries, placedOf(standby)] : entries),
              o,
              limited,
            );
            minds.without = without.mind;
            minds.beside = beside.mind;
            const others = <T extends object>(list: readonly T[]): T[] => list.filter((one) => !JSON.stringify(one).includes(standby.key));

            expect(others(beside.verdicts)).toEqual(others(without.verdicts));
            expect(others(beside.actions)).toEqual(others(without.actions));
            expect(beside.localSign).toBe(without.localSign);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
