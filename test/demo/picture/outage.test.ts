/** From observations to what is drawn: who served when, the gaps between, what was up, and when it was said. */
import { describe, expect, it } from 'vitest';
import { servingOf } from '../../../src/demo/picture/outage.ts';
import { createRecorder } from '../../../src/demo/picture/recorder.ts';

const NAMES = { parent: 'web', copy: 'web-ckpt' };
const answers = (who: string, ...times: number[]) => times.map((at) => ({ at, who }));

describe('servingOf', () => {
  it('finds who served from when to when, and the gaps where that changed', () => {
    const seen = [...answers('web', 10, 15, 20), ...answers('web-ckpt', 500, 505), ...answers('web', 512, 520)];

    expect(servingOf(seen, NAMES, 520)).toEqual({
      spans: [
        { lane: 'parent', from: 10, to: 20 },
        { lane: 'copy', from: 500, to: 505 },
        { lane: 'parent', from: 512, to: 520 },
      ],
      gaps: [
        { from: 20, to: 500, ends: 'hand-over' },
        { from: 505, to: 512, ends: 'hand-over' },
      ],
    });
  });

  it('counts a silence of one who answers again as a gap from the deadline of a probe on', () => {
    expect(servingOf(answers('web', 0, 199), NAMES, 199).gaps).toEqual([]);
    expect(servingOf(answers('web', 0, 200), NAMES, 200)).toEqual({
      spans: [
        { lane: 'parent', from: 0, to: 0 },
        { lane: 'parent', from: 200, to: 200 },
      ],
      gaps: [{ from: 0, to: 200, ends: 'silence' }],
    });
  });

  it('leaves a gap open where nobody answered up to the end', () => {
    expect(servingOf(answers('web', 0), NAMES, 900).gaps).toEqual([{ from: 0, to: 900, ends: 'open' }]);
    expect(servingOf(answers('web', 0), NAMES, 150).gaps).toEqual([]);
  });

  it('takes an answer of somebody else for none', () => {
    expect(servingOf([...answers('web', 0), ...answers('other', 100), ...answers('web', 300)], NAMES, 300).gaps).toHaveLength(1);
    expect(servingOf([], NAMES, 300)).toEqual({ spans: [], gaps: [] });
  });
});

describe('the recorder', () => {
  it('tells all times from its start, what ended and what is still up', () => {
    const time = { now: 1_000, wall: 50_000 };
    const recorder = createRecorder({ now: () => time.now, wall: () => time.wall });
    const at = (ms: number): void => {
      time.now = 1_000 + ms;
      time.wall = 50_000 + ms;
    };
    recorder.act('one', recorder.now());
    at(100);
    recorder.life('kubelet', true);
    recorder.life('kubelet', true);
    recorder.life('agent', false);
    at(250);
    recorder.life('kubelet', false);
    at(400);
    recorder.life('kubelet', true);
    recorder.moment('agent', 'said', recorder.stamped(50_370));
    at(600);

    const seen = answers('web', 1_120, 1_125, 1_590);
    const outage = recorder.outage({ answers: seen, names: NAMES, kubeletScale: 0.1, broken: ['it'] });

    expect(outage).toEqual({
      end: 600,
      names: NAMES,
      acts: [{ at: 0, title: 'one' }],
      moments: [{ lane: 'agent', text: 'said', at: 370 }],
      spans: [
        { lane: 'kubelet', from: 100, to: 250 },
        { lane: 'kubelet', from: 400, to: 600 },
        { lane: 'parent', from: 120, to: 125 },
        { lane: 'parent', from: 590, to: 590 },
      ],
      gaps: [{ from: 125, to: 590, ends: 'silence' }],
      kubeletScale: 0.1,
      broken: ['it'],
    });
  });

  it('is not misled by a wall clock that was set before', () => {
    const time = { now: 0, wall: 0 };
    const recorder = createRecorder({ now: () => time.now, wall: () => time.wall });
    time.now = 500;
    time.wall = 9_000_000;
    expect(recorder.stamped(8_999_980)).toBe(480);
  });
});
