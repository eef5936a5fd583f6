/** Asks the programs built from components/oracle. Knows their words; judges nothing itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Json } from '../../../src/core/model/model.ts';
import { run } from '../node/process.ts';

/** One built program: the code of one Kubernetes version. */
export interface Oracle {
  /** Each pod as this version's API server, with these features, would have stored it, or why it would not. */
  store(pods: readonly Json[], features: Features): Promise<readonly Stored[]>;
  /** Which of these files would this version's kubelet, on this node, run as static pods? */
  judge(files: readonly File[], node: string): Promise<KubeletAnswer>;
  /** Every field of a pod's metadata and spec in this version. */
  fields(): Promise<ApiFields>;
}

/** By type, by name, what the field holds: a type or a scalar, in brackets where it is a list, in braces where it is a map. */
export type ApiFields = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Every feature switched on, or those that are on by default. */
export type Features = 'all' | 'default';
export type Stored = { readonly pod: Json } | { readonly problem: string };

/** A file of the static pod directory, by its name there. */
export interface File {
  readonly name: string;
  readonly text: string;
}

export interface KubeletAnswer {
  /** What would run, by `<namespace>/<name>`: the spec as the kubelet understood it. */
  readonly accepted: ReadonlyMap<string, Json>;
  /** What the kubelet logged, by file name. */
  readonly problems: ReadonlyMap<string, string>;
}

const GATES: Readonly<Record<Features, string>> = { all: 'AllAlpha=true,AllBeta=true', default: '' };
const LIMIT_MS = 5 * 60_000;

/** `work` is a directory of the caller's, who removes it. */
export function createOracle(program: string, work: string): Oracle {
  return {
    async fields() {
      const [fields] = await ask([program, 'fields']);
      return fields as ApiFields;
    },
    async store(pods, features) {
      const lines = await ask([program, 'api', GATES[features]], pods.map((pod) => `${JSON.stringify(pod)}\n`).join(''));
      if (lines.length !== pods.length) throw new Error(`asking ${program}: ${lines.length} answers to ${pods.length} pods`);
      return lines as unknown as readonly Stored[];
    },
    async judge(files, node) {
      const dir = mkdtempSync(join(work, 'pods-'));
      try {
        for (const { name, text } of files) writeFileSync(join(dir, name), text);
        const lines = await ask([program, 'kubelet', dir, node]);
        return {
          accepted: new Map(
            lines.flatMap((line) => (line['pod'] === undefined ? [] : [[`${line['namespace']}/${line['name']}`, line['pod'] as Json]])),
          ),
          problems: new Map(
            lines.flatMap((line) => (line['file'] === undefined ? [] : [[basename(String(line['file'])), String(line['problem'])]])),
          ),
        };
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
}

async function ask(argv: readonly string[], stdin = ''): Promise<readonly Json[]> {
  const text = await run(argv, { stdin, limitMs: LIMIT_MS });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json);
}
