/** Runs `render` in this process, on files from memory or from the disk. No assertions. */
import { readFile } from 'node:fs/promises';
import { runCli } from '../../src/cli/args.ts';
import { renderCommand } from '../../src/cli/render/render.ts';

export const SHOP = new URL('../fixtures/render/shop.yaml', import.meta.url).pathname;
export const LIST = new URL('../fixtures/render/list.json', import.meta.url).pathname;
export const VALUE = 's3cr3t';

/** Files by path, before those on the disk; an error code stands for a file that cannot be read. */
export async function render(
  argv: readonly string[],
  files: Readonly<Record<string, string | { code: string }>> = {},
  env: Record<string, string> = {},
) {
  const out: string[] = [];
  const err: string[] = [];
  const io = {
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
    env,
    readFile: async (path: string) => {
      const given = files[path];
      if (given === undefined) return readFile(path, 'utf8');
      if (typeof given !== 'string') throw Object.assign(new Error(`${given.code}: ${VALUE}`), given);
      return given;
    },
  };
  const code = await runCli(['render', ...argv], { commands: [renderCommand()], io });
  return { code, out: out.join(''), err: err.join('') };
}

export const pod = (name = 'web', more = '', spec = '') =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}${more}}\nspec: {containers: [{name: c, image: i}]${spec}}\n`;

/** The same with its container mounting these volumes. */
export const mounting = (text: string, ...volumes: readonly string[]) =>
  text.replace('image: i', `image: i, volumeMounts: [${volumes.map((name) => `{name: ${name}, mountPath: /${name}}`).join(', ')}]`);
