/**
 * `npm run bench -- NAME`: measures what one promise about time, load or size comes to, against stand-ins, prints a table, and
 * fails where the promise is broken. On a machine that is busy with other things give it the machine alone.
 */
import { pace } from './pace.ts';
import { scale } from './scale.ts';

/** What can be measured. The exit code: 0 where every promise holds, 1 where one is broken, 2 for wrong usage. */
const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  pace,
  scale,
};

const HELP = `Usage: npm run bench -- NAME [OPTION…]

Measures one promise against stand-ins, prints a table, and fails where it is broken.

NAME is one of: ${Object.keys(BENCHES).join(', ')}; with --help behind it, its options are told.
`;

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h') {
    process.stdout.write(HELP);
    return 0;
  }
  const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  if (bench !== undefined) return bench(args);
  process.stderr.write(`bench: name one of ${Object.keys(BENCHES).join(', ')}${name === '' ? '' : `, not "${name}"`}\n`);
  return 2;
}

process.exit(await main(process.argv.slice(2)));
