/** What the measurement of the pace may be told, and what it prints. */
import { describe, expect, it } from 'vitest';
import { paceOptions } from './pace-options.ts';
import { rowsAsTable } from './rows.ts';

describe('bench pace', () => {
  it('measures what is promised where it is told nothing', () => {
    expect(paceOptions([])).toEqual({ copies: 30, seconds: 60, nodes: 5_000 });
    expect(paceOptions(['--seconds', '20', '--copies=5'])).toEqual({ copies: 5, seconds: 20, nodes: 5_000 });
    expect(paceOptions(['--copies', '5', '--help'])).toBe('help');
  });

  it.each([
    [['--copes', '3'], '"--copes" is no option; --help tells which there are'],
    [['3'], '"3" is no option; --help tells which there are'],
    [['--copies'], '--copies needs a whole number from 1 to 100, not ""'],
    [['--seconds', '1e3'], '--seconds needs a whole number from 20 to 600, not "1e3"'],
    [['--nodes=0'], '--nodes needs a whole number from 1 to 20000, not "0"'],
  ])('says in a sentence what is wrong with %j', (args, problem) => {
    expect(paceOptions(args)).toEqual({ problem });
  });

  it('prints a plain table, in which a figure without a promise keeps none', () => {
    const table = rowsAsTable([
      { what: 'a', measured: '1', promised: 'at most 2', holds: true },
      { what: 'bcd', measured: '3', promised: 'at most 2', holds: false },
      { what: 'e', measured: '4', promised: '', holds: true },
    ]);

    expect(table).toBe(
      ['what  measured  promised', 'a     1         at most 2  holds', 'bcd   3         at most 2  BROKEN', 'e     4', ''].join('\n'),
    );
  });
});
