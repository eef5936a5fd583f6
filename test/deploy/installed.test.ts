/** Before `npm ci`, or after half of one, every script of package.json ends in one sentence that says what to do. */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../../deploy/bundle.ts';
import { type CommandResult, runAny } from '../e2e/node/process.ts';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Readonly<Record<string, string>> };
const NOT_INSTALLED = 'Run npm ci first: the packages that this needs are not installed.';

/** A clone in which nobody has run `npm ci`. */
let clone = '';
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'podckpt-clone-'));
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'deploy'])
    cpSync(join(ROOT, name), join(clone, name), { recursive: true });
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

/** As a user has it: the machine's npm and Node.js, nothing of the packages that run this test. */
function userEnv(): Record<string, string> {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((dir) => !dir.includes('node_modules'));
  return { PATH: path.join(delimiter), HOME: process.env['HOME'] ?? '/', NPM_CONFIG_UPDATE_NOTIFIER: 'false' };
}

/** What npm does not say itself. */
function ownLines({ stdout, stderr }: CommandResult): readonly string[] {
  return `${stdout}\n${stderr}`.split('\n').filter((line) => line !== '' && !/^(?:> |npm )/.test(line));
}

describe('without node_modules', () => {
  it.each(Object.keys(scripts))('npm run %s ends in one sentence', async (script) => {
    const result = await runAny(['npm', 'run', script], { cwd: clone, env: userEnv() });

    expect(ownLines(result)).toEqual([NOT_INSTALLED]);
    expect(result.code).toBeGreaterThan(0);
  });

  it('so does npm test with arguments, and on the Node.js of the project', async () => {
    const { PATH, ...env } = userEnv();
    const bin = join(clone, 'bin');
    mkdirSync(bin);
    symlinkSync(realpathSync(process.execPath), join(bin, 'node'));

    const result = await runAny(['npm', 'test', '--', 'test/a.test.ts'], {
      cwd: clone,
      env: { ...env, PATH: `${bin}${delimiter}${PATH}` },
    });

    expect(ownLines(result)).toEqual([NOT_INSTALLED]);
    expect(result.code).toBeGreaterThan(0);
  });
});

describe('with a node_modules', () => {
  interface Lock {
    packages: Record<string, { version?: string; optional?: boolean }>;
  }
  const installed = 'node_modules/.package-lock.json';
  const own = `node_modules/node-${process.platform}-${process.arch}`;

  beforeEach(() => mkdirSync(join(clone, 'node_modules'), { recursive: true }));

  /** The verdict on what npm says is installed, which is what the lock file asks for but for a change. */
  async function verdict(change: (packages: Lock['packages']) => void): Promise<readonly string[]> {
    const lock = JSON.parse(readFileSync(join(clone, 'package-lock.json'), 'utf8')) as Lock;
    change(lock.packages);
    writeFileSync(join(clone, installed), JSON.stringify(lock));
    const result = await runAny([process.execPath, join(clone, 'deploy/installed.cjs')]);
    expect(result.code).toBe(ownLines(result).length);
    return ownLines(result);
  }

  it('that is whole nothing is said', async () => {
    expect(await verdict(() => undefined)).toEqual([]);
  });

  it('without the optional packages of other machines nothing is said', async () => {
    const others = (packages: Lock['packages']) => {
      for (const [path, { optional }] of Object.entries(packages)) if (optional === true && path !== own) delete packages[path];
    };
    expect(await verdict(others)).toEqual([]);
  });

  it('that lacks a package the sentence names it', async () => {
    const said = await verdict((packages) => delete packages['node_modules/vitest']);
    expect(said.join()).toMatch(/^Run npm ci first: node_modules\/vitest is not there, and package-lock\.json asks for \S+\.$/);
  });

  it('of another version the sentence names both', async () => {
    const said = await verdict((packages) => {
      packages['node_modules/esbuild'] = { version: '0.1.2' };
    });
    expect(said.join()).toMatch(/^Run npm ci first: node_modules\/esbuild is 0\.1\.2, and package-lock\.json asks for \S+\.$/);
  });

  it('of which npm had not finished writing, it counts as none', async () => {
    writeFileSync(join(clone, installed), '{"packages": {');
    expect(ownLines(await runAny([process.execPath, join(clone, 'deploy/installed.cjs')]))).toEqual([NOT_INSTALLED]);
  });

  it('on a Node.js that is too old the sentence says which is missing', async () => {
    await verdict(() => undefined);
    const older = "Object.defineProperty(process.versions, 'node', { value: '20.20.2' })";
    const script = `${older}; require(${JSON.stringify(join(clone, 'deploy/installed.cjs'))})`;

    const machine = `${process.platform}-${process.arch}`;
    expect(ownLines(await runAny([process.execPath, '--eval', script]))).toEqual([
      `Run npm ci first: no Node.js 24 for ${machine} is in node_modules.`,
    ]);

    const elsewhere = `Object.defineProperty(process, 'arch', { value: 'riscv64' }); ${script}`;
    expect(ownLines(await runAny([process.execPath, '--eval', elsewhere]))).toEqual([
      `Install Node.js 24: npm ci brings it along for linux-x64 and linux-arm64, and this is ${process.platform}-riscv64.`,
    ]);
  });
});
