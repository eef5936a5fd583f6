/** `verify` as a process: what it says of a checkpoint that is not stored. */
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { nodeDir } from './node-dir.ts';

const node = nodeDir('verify-');

test.each([
  ['web', 'write NAMESPACE/NAME, as pod-checkpointer status lists them'],
  ['shop/web', 'pod-checkpointer status lists them'],
])('of %s', async (name, todo) => {
  await writeFile(node.path('state/format'), '1\n');
  await mkdir(node.path('state/checkpoints'));

  expect(await node.run('verify', name)).toEqual({
    code: 2,
    stdout: '',
    stderr: `pod-checkpointer verify: there is no checkpoint of ${name} in ${node.path('state')}; ${todo}\n`,
  });
});
