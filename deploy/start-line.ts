/**
 * How Node.js is started for the agent: memory before speed. No JIT and no WebAssembly (lite mode), one thread, a small
 * young generation. Two pool threads: with one, a disk that hangs in fsync would stall every other file operation, the
 * hand-back's among them.
 */
export const START_LINE = {
  flags: ['--lite-mode', '--max-semi-space-size=1', '--single-threaded', '--v8-pool-size=0'],
  env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '2' },
} as const;
