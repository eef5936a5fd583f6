/** What `npm run bench -- pace` may be told. Pure. */

export interface PaceOptions {
  readonly copies: number;
  readonly seconds: number;
  readonly nodes: number;
}

export const PACE_HELP = `Usage: npm run bench -- pace [OPTION…]

What does a long outage cost a node, and what does the end of one cost the API servers of a whole site? A node with embedded runtime,
kubelet and API server loses power; its server is then one that takes every connection and never answers, runtime and kubelet take
some milliseconds for each answer, and its clock is put forward by ten minutes. Turns, calls, probes and CPU are then counted as they
come. The site is simulated with the agent's own schedule.

  --copies N   copies on the node (1 to 100, default 30)
  --seconds N  how long is counted (20 to 600, default 60)
  --nodes N    nodes of the site (1 to 20000, default 5000); the promise is for 5000

Ends with 0 where every promise holds, 1 where one is broken, 2 for wrong usage.
`;

const RANGES = { copies: [1, 100], seconds: [20, 600], nodes: [1, 20_000] } as const;
const DEFAULTS: PaceOptions = { copies: 30, seconds: 60, nodes: 5_000 };

/** The options, a call for help, or one sentence that says what is wrong. */
export function paceOptions(args: readonly string[]): PaceOptions | 'help' | { readonly problem: string } {
  const found: Record<keyof PaceOptions, number> = { ...DEFAULTS };
  const words = args.flatMap((arg) =>
    arg.startsWith('--') && arg.includes('=') ? [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)] : [arg],
  );
  for (let at = 0; at < words.length; at += 2) {
    const word = words[at] ?? '';
    if (word === '--help' || word === '-h') return 'help';
    const name = (['copies', 'seconds', 'nodes'] as const).find((each) => word === `--${each}`);
    if (name === undefined) return { problem: `"${word}" is no option; --help tells which there are` };
    const [least, most] = RANGES[name];
    const value = words[at + 1] ?? '';
    if (!/^\d{1,6}$/.test(value) || Number(value) < least || Number(value) > most) {
      return { problem: `${word} needs a whole number from ${least} to ${most}, not "${value}"` };
    }
    found[name] = Number(value);
  }
  return found;
}
