/** What `npm run bench -- scale` may be told, and what it says of itself. */

const PODS = 500;
/** So many parents are lost at once, and one checkpoint beside them is damaged. */
export const LOST = 100;
const LEAST = LOST + 2;
const MOST = 10_000;

export const SCALE_HELP = `Usage: npm run bench -- scale [PODS]

How much does one node take? Captures pods against the embedded servers, watches the turns at rest and under a stream of changes,
damages a stored file, takes the API server and ${LOST} parents away at once, and cuts the power of all. It takes minutes.

  PODS  pods on the node (${LEAST} to ${MOST}, default ${PODS})

Ends with 0 where every promise holds, 1 where one is broken, 2 for wrong usage.
`;

/** How many pods, a call for help, or one sentence that says what is wrong. */
export function scaleOptions(args: readonly string[]): number | 'help' | { readonly problem: string } {
  if (args.includes('--help') || args.includes('-h')) return 'help';
  const [word = String(PODS), more] = args;
  if (more !== undefined) return { problem: `"${more}" is one argument too many; --help tells what it takes` };
  const pods = /^\d+$/.test(word) ? Number(word) : Number.NaN;
  return pods >= LEAST && pods <= MOST ? pods : { problem: `"${word}" is no number of pods; write one from ${LEAST} to ${MOST}` };
}
