/** The list of all fields of a pod that test/core/copy/fields.test.ts holds the sanitizer's tables against. Written by Kubernetes' own types. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiFields } from './oracle.ts';

const FILE = 'pod-fields-1.37.generated.json';
const PATH = join(import.meta.dirname, '..', '..', 'fixtures', FILE);

export function writeApiFields(fields: ApiFields): string {
  writeFileSync(PATH, textOf(fields));
  return PATH;
}

/** What is wrong with the list in the repository; nothing if it is this version's. */
export function apiFieldsProblem(fields: ApiFields): string | undefined {
  return readFileSync(PATH, 'utf8') === textOf(fields)
    ? undefined
    : `test/fixtures/${FILE} is not what Kubernetes says; run npm run oracle -- --write-fields`;
}

/** One type a line. */
function textOf(fields: ApiFields): string {
  const lines = Object.entries(fields).map(([type, holds]) => `  ${JSON.stringify(type)}: ${JSON.stringify(holds)}`);
  return `{\n${lines.sort().join(',\n')}\n}\n`;
}
