/**
 * What a command of the program is: data that parsing and help are made from, and one function that does the work.
 * Types and two errors only; knows no command.
 */
import type { Config } from '../core/config/config.ts';
import type { ConfigKeyName } from '../core/config/config-keys.ts';
import type { OutputFormat } from './output.ts';

/** Everything a command may use of the process it runs in. */
export interface Io {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file's text. `-` has no meaning here. */
  readonly readFile: (path: string) => Promise<string>;
}

export interface Flag {
  /** Long name without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** `switch` takes no value but `=true` and `=false`; `texts` may be given several times, `text` once. */
  readonly kind: 'switch' | 'text' | 'texts';
  /** What stands for the value in help: FILE, DIR, ... */
  readonly value?: string;
  /** The only values allowed. */
  readonly choices?: readonly string[];
  readonly default?: string;
  /** One sentence. */
  readonly doc: string;
}

export interface Context {
  readonly positionals: readonly string[];
  readonly io: Io;
  readonly output: OutputFormat;
  /** Is the switch on? */
  on(flag: string): boolean;
  /** The value given, or the flag's default. */
  text(flag: string): string | undefined;
  /** Every value given, in order. */
  texts(flag: string): readonly string[];
  /** Reads `--config` and the configuration flags. Throws {@link UsageError} with every mistake at once. */
  config(): Promise<Config>;
}

export interface Command {
  readonly name: string;
  /** One sentence for the list of commands. */
  readonly summary: string;
  /** What stands after the name in help, besides flags: `[NAMESPACE/NAME]`. */
  readonly usage?: string;
  /** Fewest and most arguments that are no flags; none where it is left out. */
  readonly positionals?: { readonly min: number; readonly max: number };
  readonly flags: readonly Flag[];
  /** Takes `--config` and a flag for every configuration key. */
  readonly configured?: boolean;
  /** Configuration keys it cannot do without. */
  readonly required?: readonly ConfigKeyName[];
  /** Takes `--output`. */
  readonly lists?: boolean;
  /** Does not work without an API server. */
  readonly needsApi?: boolean;
  /** The exit code. May throw UsageError (2) and PortError (4). */
  run(context: Context): Promise<number>;
}

/** Exit codes of the program. */
export const EXIT = { done: 0, problem: 1, usage: 2, refused: 3, unreachable: 4 } as const;

/** What each of them says, a sentence for the reference. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'Done, and nothing is wrong.',
  problem: 'A check found a problem, something is not clean, or the program itself has made a mistake.',
  usage: 'The usage or the configuration is wrong. Every mistake is told at once, with what to write instead.',
  refused: 'The pod is refused. Every reason is told at once.',
  unreachable: 'Something that is needed could not be reached, read or written.',
};

/** Wrong usage or configuration: every problem one sentence that says what to do. */
export class UsageError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.name = 'UsageError';
    this.problems = problems;
  }
}
