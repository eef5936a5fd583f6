/**
 * How Node.js is started for the agent: memory before speed. No JIT and no WebAssembly (lite mode), one thread, a small
 * young generation. Two pool threads: with one, a disk that hangs in fsync would stall every other file operation, the
 * hand-back's among them. Node's own start-up snapshot is left aside: made for all programs, it
 * maps and copies 5 MiB for parts that this one never asks for. What has not run for one full collection is forgotten and
 * compiled again when needed, which is 1 to 2 MiB.
 */
export const START_LINE = {
  flags: ['--lite-mode', '--max-semi-space-size=1', '--single-threaded', '--v8-pool-size=0', '--no-node-snapshot', '--bytecode-old-age=1'],
  env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '2' },
} as const;
