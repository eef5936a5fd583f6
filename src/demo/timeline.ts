/** How the demo speaks: one line an event, with the time since the start and whom it is about. Decides nothing. */

export interface Timeline {
  chapter(title: string): void;
  /** `at`: milliseconds since the start of the story. */
  event(at: number, who: string, what: string): void;
  /** A promise that was (not) kept, with the figure. */
  check(ok: boolean, what: string): void;
  /** A promise of time that was not kept, by so little that it may as well be the computer. */
  late(what: string): void;
  /** The promises that were broken so far. */
  broken(): readonly string[];
  /** Those of time that were not kept, by little. */
  lateSoFar(): readonly string[];
}

const WHO_WIDTH = 11;

export function createTimeline(write: (text: string) => void, colours: boolean): Timeline {
  const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const broken: string[] = [];
  const late: string[] = [];
  return {
    chapter(title) {
      write(`\n${paint(1, title)}\n`);
    },
    event(at, who, what) {
      write(`${paint(2, `${(at / 1000).toFixed(2).padStart(7)} s`)}  ${paint(36, who.padEnd(WHO_WIDTH))} ${what}\n`);
    },
    check(ok, what) {
      if (!ok) broken.push(what);
      write(`   ${ok ? paint(32, '✓') : paint(31, '✗')} ${what}\n`);
    },
    late(what) {
      late.push(what);
      write(`   ${paint(33, '!')} ${what}: not kept\n`);
    },
    broken: () => broken,
    lateSoFar: () => late,
  };
}
