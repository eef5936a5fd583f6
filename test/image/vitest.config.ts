/**
 * The contract tests of the image, in a real container engine: `npm run test:image`, about a minute. Where there can be no
 * engine they say so and none runs; with CI=true that is a failure.
 */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { whyNot } from './engine.ts';

const obstacle = whyNot();
const skipped = obstacle !== undefined && process.env['CI'] !== 'true';
if (skipped) process.stderr.write(`test:image: skipped, nothing was tested: ${obstacle}\n`);

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..', '..'),
    include: skipped ? [] : ['test/image/*.test.ts'],
    passWithNoTests: skipped,
    globalSetup: skipped ? [] : ['test/image/global-setup.ts'],
    pool: 'forks',
    // one file at a time: some of them measure
    fileParallelism: false,
    env: {
      // the reaper is an image that would have to be pulled; global-setup.ts and the tests clean up themselves
      TESTCONTAINERS_RYUK_DISABLED: 'true',
      // never asked for: the containers use this machine's network. Without it testcontainers looks for a bridge that our engine lacks
      TESTCONTAINERS_HOST_OVERRIDE: '127.0.0.1',
    },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: 0,
  },
});
