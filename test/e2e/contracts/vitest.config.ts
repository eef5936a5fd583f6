/**
 * Vitest for the contract suites against the programs of a real node. The scenario `contracts` starts it, nobody else.
 * It leaves nothing in the tree.
 */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: join(import.meta.dirname, '..', '..', '..', 'node_modules', '.vite', 'e2e-contracts'),
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    pool: 'threads', // they end with the process, however that ends
    maxWorkers: 1, // one suite at a time: they kill what the others need
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 90_000,
    retry: 0,
  },
});
