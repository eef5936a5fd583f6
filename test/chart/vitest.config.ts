/** How the chart's tests run: with a real helm and the code of the real API server, both built from source (minutes the first time). */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/chart/**/*.test.ts'],
    globalSetup: ['test/chart/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: 0,
  },
});
