/**
 * How the unit, contract and fault tests run: no root, no network beyond loopback, no container engine. The real node and
 * the image have their own runners.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**', 'test/image/**', 'test/chart/**', 'node_modules/**'],
    pool: 'forks',
    maxWorkers: 2,
    // far above what any takes: builds may run beside them, and this is for what hangs
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // A test that only passes at the second try hides a race.
    retry: 0,
  },
});
