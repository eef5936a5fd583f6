/** The standby's own table row by row, and what a whole turn makes of the checkpoint of the agent's own pod. */

import { describe, expect, it } from 'vitest';
import { type State, seen } from '../../../src/core/model/model.ts';
import { EMPTY_MIND } from '../../../src/core/turn/mind.ts';
import { decideStandby, type StandbyFacts } from '../../../src/core/turn/standby.ts';
import { turn } from '../../../src/core/turn/turn.ts';
import { aCheckpoint, aContainer, aLedger, anObservation, aPlaced, aPod, aReach, policy, watching } from '../../fakes/builders.ts';
import { own, placedOf, standbyRuns } from '../standbys.ts';
import { allCases, type Case, misfits, readTable, unreached } from '../tables.ts';

const DOMAINS = {
  state: ['inactive', 'active', 'handing-back', 'retired'],
  api: ['reachable', 'unreachable', 'unsure'],
  copy: ['gone', 'starting', 'no-network', 'failing', 'serving', 'unknown'],
  inApi: ['present', 'leaving', 'gone', 'unknown'],
  successor: ['none', 'stored', 'runs'],
  alone: ['yes', 'no'],
  obstacle: ['yes', 'no'],
} as const;
const rows = readTable('standby.txt', DOMAINS);

function answer({ state, alone, obstacle, ...facts }: Case<keyof typeof DOMAINS>): string {
  const all = { ...facts, alone: alone === 'yes', ...(obstacle === 'yes' ? { obstacle: 'checkpoint-damaged' } : {}) } as StandbyFacts;
  const decision = decideStandby(state as State, all);
  return `${decision.state} ${decision.reason === 'checkpoint-damaged' ? 'obstacle' : decision.reason}`;
}

describe("the standby's table", () => {
  it('has every combination in exactly one row, and is what decideStandby answers', () => {
    const wrong = misfits(rows, DOMAINS, answer, (row) => `${row.next} ${row.reason}`);

    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it('has no row that no combination reaches', () => {
    expect(unreached(rows, DOMAINS)).toEqual([]);
  });

  it('never takes the standby away while the API server is not reachable, but for one already on its way', () => {
    for (const one of allCases(DOMAINS)) {
      if (one.api === 'reachable' || one.state === 'retired' || one.state === 'handing-back') continue;
      expect(answer(one)).not.toMatch(/^retired/);
      if (one.state === 'active') expect(answer(one)).toMatch(/^active/);
    }
  });
});

const asAgent = { ...policy, role: 'daemonset' as const, ownUid: 'a1' };
const reachable = { api: aReach('reachable'), watch: watching() };

describe('a turn', () => {
  it('places the standby as soon as it is captured, reachable or not, images unknown or not', () => {
    for (const api of ['reachable', 'unreachable', 'unsure'] as const) {
      const result = turn(EMPTY_MIND, [own('agent-1', 'a1')], aLedger(), anObservation({ api: aReach(api), images: new Map() }), asAgent);

      expect(result.actions).toMatchObject([{ do: 'place', placed: { self: true, attempt: 1 } }]);
    }
  });

  it('places it beside a full set of copies, and gives no copy its place', () => {
    const parent = aCheckpoint();
    const full = { ...asAgent, activeLimit: 1 };
    const o = anObservation();

    const besideFull = turn(EMPTY_MIND, [own('agent-1', 'a1'), parent], aLedger([aPlaced()]), o, full);
    const besideStandby = turn(EMPTY_MIND, [own('agent-1', 'a1'), parent], aLedger([placedOf(own('agent-1', 'a1'))]), o, full);

    expect(besideFull.actions.map((action) => action.do === 'place' && action.placed.key)).toContain('checkpointer_agent-1');
    expect(besideStandby.actions.map((action) => action.do === 'place' && action.placed.key)).toContain(parent.key);
  });

  it('leaves it where it is although its parent runs, is Ready, and has done so for long', () => {
    const { sandbox, container } = standbyRuns('agent-1', 's1');
    const standby = own('agent-1', 'a1');
    const ledger = aLedger([placedOf(standby)]);
    const runtime = seen({ sandboxes: [sandbox], containers: [container, aContainer({ id: 'new', podUid: 'a1' })] });
    const manifests = seen([{ file: placedOf(standby).file, digest: 'd1' }]);
    let mind = EMPTY_MIND;
    for (const now of [0, 60_000, 4_000_000]) {
      const pods = watching({ ...aPod({ uid: 'a1', name: 'agent-1' }) });
      const result = turn(mind, [standby], ledger, anObservation({ now, ...reachable, watch: pods, runtime, manifests }), asAgent);
      expect(result.actions).toEqual([]);
      mind = result.mind;
    }
  });

  it('puts it back when somebody has removed its manifest', () => {
    const standby = own('agent-1', 'a1');
    const result = turn(EMPTY_MIND, [standby], aLedger([placedOf(standby)]), anObservation({ ...reachable, manifests: seen([]) }), asAgent);

    expect(result.actions).toMatchObject([{ do: 'place' }]);
  });

  it('replaces an older revision in place, while reachable only, and never by the standby itself', () => {
    const standby = own('agent-1', 'a1', 'r2');
    const ledger = aLedger([placedOf(standby)]);
    const manifests = seen([{ file: placedOf(standby).file, digest: 'd1' }]);
    const acts = (api: 'reachable' | 'unreachable', who: typeof asAgent | { role: 'standby' }) =>
      turn(EMPTY_MIND, [standby], ledger, anObservation({ api: aReach(api), manifests }), { ...asAgent, ...who }).actions;

    expect(acts('reachable', asAgent)).toMatchObject([
      { do: 'place', expect: 'd1', placed: { revision: 'r2', replaces: 'd1', attempt: 1 } },
    ]);
    expect(acts('unreachable', asAgent)).toEqual([]);
    expect(acts('reachable', { role: 'standby' })).toEqual([]);
  });

  it('takes the old one away only when the one of the next pod runs, then removes its checkpoint', () => {
    const [old, next] = [own('agent-1', 'a0'), own('agent-2', 'a1')];
    const [one, two] = [standbyRuns('agent-1', 's1'), standbyRuns('agent-2', 's2')];
    const placed = [placedOf(old), placedOf(next)];
    const manifests = seen(placed.map(({ file, digest }) => ({ file, digest })));
    const acts = (runtime: ReturnType<typeof seen<{ sandboxes: never[]; containers: never[] }>> | object, ledger = aLedger(placed)) =>
      turn(EMPTY_MIND, [old, next], ledger, anObservation({ ...reachable, manifests, runtime: runtime as never }), asAgent).actions;

    expect(acts(seen({ sandboxes: [one.sandbox], containers: [one.container] }))).toEqual([]);
    expect(acts(seen({ sandboxes: [one.sandbox, two.sandbox], containers: [one.container] }))).toEqual([]);
    const both = seen({ sandboxes: [one.sandbox, two.sandbox], containers: [one.container, two.container] });
    expect(acts(both)).toMatchObject([{ do: 'withdraw', placed: { key: 'checkpointer_agent-1' }, stop: [] }]);
    const after = seen({ sandboxes: [two.sandbox], containers: [two.container] });
    expect(acts(after, aLedger([placedOf(next)]))).toMatchObject([{ do: 'remove-checkpoint', key: 'checkpointer_agent-1' }]);
  });

  it('does not put back one that was being taken away when the next rollout came, while that of the later pod runs', () => {
    const [old, next] = [own('agent-1', 'a0'), { ...own('agent-2', 'a1') }];
    const later = { ...next, record: { ...next.record, capturedAt: '2026-11-21T07:01:00.000Z' } };
    const { sandbox, container } = standbyRuns('agent-2', 's2');
    const manifests = seen([{ file: placedOf(later).file, digest: 'd1' }]);
    const acts = (containers: (typeof container)[], who: object) =>
      turn(
        EMPTY_MIND,
        [old, later],
        aLedger([placedOf(later)]),
        anObservation({ ...reachable, manifests, runtime: seen({ sandboxes: [sandbox], containers }) }),
        { ...policy, ...who },
      ).actions;

    for (const who of [
      { role: 'standby', ownUid: 'uid-s2' },
      { role: 'daemonset', ownUid: 'a2' },
    ]) {
      expect(acts([container], who)).toEqual([]);
      // the later one is not there to count on
      expect(acts([], who)).toMatchObject([{ do: 'place', placed: { key: old.key } }]);
    }
  });

  it('keeps it through a slow controller: its pod must be shown gone for ten retire graces, with no successor', () => {
    const standby = own('agent-1', 'a0');
    const asProcess = { ...policy, role: 'process' as const };
    const ledger = aLedger([placedOf(standby)]);
    const manifests = seen([{ file: placedOf(standby).file, digest: 'd1' }]);
    const { sandbox, container } = standbyRuns('agent-1', 's1');
    const runtime = seen({ sandboxes: [sandbox], containers: [container] });
    const over = (last: number, pods: ReturnType<typeof watching>) => {
      let mind = EMPTY_MIND;
      let actions: readonly { do: string }[] = [];
      for (let now = 0; now <= last; now += 30_000) {
        const reads = new Map([[standby.key, seen(undefined)]]);
        const result = turn(
          mind,
          [standby],
          ledger,
          anObservation({ now, ...reachable, watch: pods, manifests, runtime, reads }),
          asProcess,
        );
        mind = result.mind;
        actions = result.actions;
      }
      return actions.map((action) => action.do);
    };

    expect(over(570_000, watching())).toEqual([]);
    expect(over(660_000, watching())).toEqual(['withdraw']);
    expect(over(660_000, watching(aPod({ uid: 'a9', name: 'agent-9', daemonSet: 'ds' })))).toEqual([]);
  });
});
