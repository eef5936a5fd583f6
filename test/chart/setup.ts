/** Builds helm before the chart's tests run, unless it is there, and tells them where. */
import type { TestProject } from 'vitest/node';
import { prepareHelm, prepareOracle } from '../e2e/components.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly helm: string;
    /** Programs that hold the API server's and the kubelet's own judgement, by version. */
    readonly oracles: Readonly<Record<'1.34' | '1.37', string>>;
  }
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

export async function setup(project: TestProject): Promise<void> {
  project.provide('helm', await prepareHelm(say));
  project.provide('oracles', { '1.34': await prepareOracle('1.34', say), '1.37': await prepareOracle('1.37', say) });
}
