/** Where `demo --timeline` may draw: refused in one sentence before the story, or written whatever was there. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUNDLE } from '../../deploy/bundle.ts';
import { UsageError } from '../../src/cli/command.ts';
import { requireTimelineFile, writeTimeline } from '../../src/cli/timeline-file.ts';
import { PortError } from '../../src/ports.ts';

let dir: string;
const at = (name: string): string => join(dir, name);
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'timeline-'));
  mkdirSync(at('pictures.svg'));
  writeFileSync(at('note'), '');
  writeFileSync(at('old.svg'), 'a longer text than the new one');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function refusal(file: string): Promise<readonly string[] | undefined> {
  try {
    await requireTimelineFile(file);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).problems;
  }
}

describe('a file that cannot be drawn to', () => {
  it.each([
    ['missing/a.svg', '--timeline DIR/missing/a.svg: the directory DIR/missing does not exist; make it first, or name a file elsewhere'],
    ['pictures.svg', '--timeline DIR/pictures.svg: it is a directory; name a file in it, such as DIR/pictures.svg/outage.svg'],
    ['pictures.svg/', '--timeline DIR/pictures.svg/: it is a directory; name a file in it, such as DIR/pictures.svg/outage.svg'],
    ['a.png', '--timeline DIR/a.png: the picture is an SVG; name a file that ends in .svg'],
    ['svg', '--timeline DIR/svg: the picture is an SVG; name a file that ends in .svg'],
    ['.svg', '--timeline DIR/.svg: the picture is an SVG; name a file that ends in .svg'],
    ['note/a.svg', '--timeline DIR/note/a.svg: DIR/note is no directory; name a file in one'],
  ])('%s', async (name, sentence) => {
    expect(await refusal(`${dir}/${name}`)).toEqual([sentence.replaceAll('DIR', dir)]);
    expect(readdirSync(dir).sort()).toEqual(['note', 'old.svg', 'pictures.svg']);
  });

  it('no name at all', async () => {
    expect(await refusal('')).toEqual(['--timeline is empty; name a file such as outage.svg']);
  });

  it('a place where the system makes no files, whatever the rights', async () => {
    expect(await refusal('/proc/a.svg')).toEqual(['--timeline /proc/a.svg: it cannot be written (ENOENT); name a file elsewhere']);
  });

  it('a pipe', async () => {
    execFileSync('mkfifo', [at('pipe.svg')]);
    expect(await refusal(at('pipe.svg'))).toEqual([`--timeline ${at('pipe.svg')}: it is no regular file; name another one`]);
  });

  it('a link that leads in a circle', async () => {
    symlinkSync(at('round.svg'), at('round.svg'));
    expect(await refusal(at('round.svg'))).toEqual([
      `--timeline ${at('round.svg')}: it cannot be looked at (ELOOP); name a file elsewhere`,
    ]);
  });
});

it('draws to a new file, and over an old one', async () => {
  for (const name of ['new.svg', 'NEW.SVG', 'old.svg', 'pictures.svg/a.svg']) {
    expect(await refusal(at(name))).toBeUndefined();
    await writeTimeline(at(name), '<svg/>');
    expect(readFileSync(at(name), 'utf8')).toBe('<svg/>');
  }
});

it('says in a sentence what keeps it from writing after the story', async () => {
  rmSync(at('pictures.svg'), { recursive: true });
  const written = writeTimeline(at('pictures.svg/a.svg'), '<svg/>');
  await expect(written).rejects.toThrow(PortError);
  await expect(written).rejects.toThrow(
    `--timeline ${at('pictures.svg/a.svg')}: it cannot be written any more (ENOENT); name a file elsewhere`,
  );
});

describe('the program', () => {
  const run = (...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [BUNDLE, 'demo', ...args], { timeout: 20_000 }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
      );
    });

  it('ends with 2 before the story begins', async () => {
    const { code, stdout, stderr } = await run('--timeline', at('missing/a.svg'));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      `pod-checkpointer demo: --timeline ${at('missing/a.svg')}: the directory ${at('missing')} does not exist; make it first, or name a file elsewhere\n`,
    );
  });

  it('ends with 2 without a value', async () => {
    const { code, stdout, stderr } = await run('--timeline');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('--timeline needs a value; write --timeline=FILE.svg');
  });

  it('lists the flag in its help', async () => {
    expect((await run('--help')).stdout).toMatch(/--timeline FILE\.svg +\S/);
  });
});
