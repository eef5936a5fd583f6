/** An address that is taken is tried again; one that no time will mend ends the agent. */
import { expect, it } from 'vitest';
import { listen } from '../../src/cli/agent/listen.ts';
import { PortError } from '../../src/ports.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createWorld } from '../fakes/world.ts';

function serverThat(code: string, fails: number): { tries: () => number; start: () => Promise<never> } {
  let tries = 0;
  return {
    tries: () => tries,
    start: async () => {
      if (++tries <= fails)
        throw new PortError('failed', `serving metrics on :1: ${code}`, { cause: Object.assign(new Error(code), { code }) });
      return { host: '', port: 1 } as never;
    },
  };
}

it.each(['EADDRINUSE', 'EADDRNOTAVAIL'])('%s is said once, and tried again in ever longer pauses of 30 s at most', async (code) => {
  const clock = createFakeClock();
  const { ports, lines } = createWorld();
  const server = serverThat(code, 7);
  await listen(server, { clock, log: ports.log, signal: new AbortController().signal });
  await clock.run(18_000);
  expect(server.tries()).toBe(5);
  await clock.run(90_000);
  expect(server.tries()).toBe(8);
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  expect(lines[0]?.message).toContain(code);
});

it('is not tried again after the signal', async () => {
  const clock = createFakeClock();
  const stop = new AbortController();
  const server = serverThat('EADDRINUSE', 100);
  await listen(server, { clock, log: createWorld().ports.log, signal: stop.signal });
  stop.abort();
  await clock.run(300_000);
  expect(server.tries()).toBe(1);
});

it('ends the agent where the address is not permitted', async () => {
  const server = serverThat('EACCES', 1);
  const signal = new AbortController().signal;
  await expect(listen(server, { clock: createFakeClock(), log: createWorld().ports.log, signal })).rejects.toThrow('EACCES');
});
