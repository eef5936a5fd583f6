/**
 * A prober in a node's network that asks URLs every 10 ms on fresh connections, and what its record says about gaps. Its
 * clock is the wall clock of this computer, so its stamps compare with log lines and with the runtime's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from './node/node.ts';

export interface Answer {
  /** Wall clock, milliseconds with fraction. */
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly ok: boolean;
  readonly url: string;
  /** The server's incarnation when ok; else what went wrong, in a word. Repeated failures are written once. */
  readonly who: string;
}

export interface Prober {
  add(url: string): void;
  answers(): readonly Answer[];
  stop(): Promise<readonly Answer[]>;
}

export interface ProberOptions {
  readonly node: Node;
  /** Unique within the run; names its record in the logs. */
  readonly name: string;
  readonly urls: readonly string[];
  /** Ask as the cluster's administrator (https). */
  readonly asAdmin?: boolean;
}

export async function startProber({ node, name, urls, asAdmin = false }: ProberOptions): Promise<Prober> {
  const out = join(node.paths.logs, `probe-${name}.tsv`);
  const pki = (file: string) => join(node.paths.pki, file);
  const tls = asAdmin ? ['--cacert', pki('ca.crt'), '--cert', pki('admin.crt'), '--key', pki('admin.key')] : [];
  const daemon = await node.machine.daemon('network', {
    name: `prober-${name}`,
    argv: [node.components.testserver, 'probe', '--out', out, ...tls, ...urls.flatMap((url) => ['--url', url])],
    stdin: 'pipe',
  });
  const answers = () => parseAnswers(out);
  return {
    add: (url) => daemon.write(`${url}\n`),
    answers,
    stop: async () => {
      await daemon.stop('SIGTERM');
      return answers();
    },
  };
}

function parseAnswers(file: string): readonly Answer[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return []; // it has not written yet
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const millis = (nanos: string | undefined) => Number(nanos) / 1_000_000;
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [sent, answered, verdict, url, who] = line.split('\t');
      return { sentAt: millis(sent), answeredAt: millis(answered), ok: verdict === 'ok', url: url ?? '', who: who ?? '' };
    })
    .sort((a, b) => a.answeredAt - b.answeredAt);
}

export function firstOk(answers: readonly Answer[], since = 0): Answer | undefined {
  return answers.find((answer) => answer.ok && answer.answeredAt >= since);
}

export interface Gap {
  readonly ms: number;
  readonly before: Answer;
  readonly after: Answer;
}

/** The longest time between two successes that follow each other: last ok → first ok, whoever answered. */
export function longestGap(answers: readonly Answer[]): Gap | undefined {
  let longest: Gap | undefined;
  let before: Answer | undefined;
  for (const after of answers) {
    if (!after.ok) continue;
    if (before !== undefined) {
      const ms = after.answeredAt - before.answeredAt;
      if (longest === undefined || ms > longest.ms) longest = { ms, before, after };
    }
    before = after;
  }
  return longest;
}

/** The incarnations that answered, in order of their first answer. */
export function incarnations(answers: readonly Answer[]): readonly string[] {
  return [...new Set(answers.filter((answer) => answer.ok).map((answer) => answer.who))];
}
