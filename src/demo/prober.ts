/** Asks a URL every few milliseconds and remembers who answered, so that a gap in service can be told exactly. */
import { get } from 'node:http';
import type { Clock } from '../ports.ts';

export interface Answer {
  /** Monotonic, milliseconds. */
  readonly at: number;
  readonly who: string;
}

export interface Prober {
  /** Answers that differ from the one before, and the last answer before and the first after each silence. */
  readonly answers: readonly Answer[];
  last(): Answer | undefined;
  /** The longest time between two answers since then, milliseconds. */
  longestGap(since: number): number;
  stop(): Promise<void>;
}

const PACE_MS = 5;
const DEADLINE_MS = 200;

export function startProber(url: string, clock: Clock): Prober {
  const answers: Answer[] = [];
  const stop = new AbortController();

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      const who = await ask(url);
      if (who !== undefined) answers.push({ at: clock.now(), who });
      await clock.sleep(PACE_MS, stop.signal).catch(() => undefined);
    }
  }

  const running = run();
  return {
    answers,
    last: () => answers.at(-1),
    longestGap(since) {
      let longest = 0;
      for (const [index, answer] of answers.entries()) {
        const before = answers[index - 1];
        if (before !== undefined && before.at >= since) longest = Math.max(longest, answer.at - before.at);
      }
      return longest;
    },
    async stop() {
      stop.abort();
      await running;
    },
  };
}

function ask(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = get(url, { agent: false, timeout: DEADLINE_MS }, (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => {
        text += chunk;
      });
      reply.on('end', () => resolve(whoOf(text)));
      reply.on('error', () => resolve(undefined));
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(undefined));
  });
}

function whoOf(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && 'who' in body ? String(body.who) : undefined;
  } catch {
    return undefined;
  }
}
