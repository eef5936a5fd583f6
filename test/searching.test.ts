/** Looking for secrets below a directory in which somebody else makes and removes others meanwhile. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { entriesBelow } from './e2e/secrets.ts';

const root = mkdtempSync(join(tmpdir(), 'podckpt-searching-'));
const RESTLESS = `
  const { mkdirSync, rmSync } = require('node:fs');
  process.stdout.write('begun');
  for (;;) { mkdirSync('tmp/files/secret/deep', { recursive: true }); rmSync('tmp/files', { recursive: true }); }`;

beforeAll(() => {
  mkdirSync(join(root, 'tmp'));
  mkdirSync(join(root, 'stays/deep'), { recursive: true });
  writeFileSync(join(root, 'stays/deep/password'), '');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('finds what stays, and is not stopped by what goes', async () => {
  const restless = spawn(process.execPath, ['-e', RESTLESS], { cwd: root });
  await once(restless.stdout, 'data');
  const until = Date.now() + 1_000;
  try {
    do expect(entriesBelow(root).map(({ name }) => name)).toContain('password');
    while (Date.now() < until);
  } finally {
    restless.kill('SIGKILL');
    await once(restless, 'exit');
  }
});

it('says so where the directory itself is not there', () => {
  expect(() => entriesBelow(join(root, 'nowhere'))).toThrow('ENOENT');
});
