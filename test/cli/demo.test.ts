/** The demo is told by the built program itself, and every promise in it is kept. */
import { execFile } from 'node:child_process';
import { expect, it } from 'vitest';
import { BUNDLE } from '../../deploy/bundle.ts';

it('tells the whole story, keeps every promise and ends with 0', async () => {
  const { code, stdout, stderr } = await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [BUNDLE, 'demo', '--fast'], { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });

  expect(stderr).toBe('');
  expect(stdout).toContain('Every promise was kept');
  expect(stdout).not.toContain('✗');
  expect(code).toBe(0);
}, 90_000);
