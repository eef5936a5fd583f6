/** What is in the image, what it says of itself, its size, and that two builds give the same layer. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { ROOT } from '../../deploy/bundle.ts';
import { buildImage, version } from '../../deploy/image/build.ts';
import { useEngine } from './containers.ts';
import { docker } from './engine.ts';

useEngine();

interface Inspected {
  readonly RootFS: { readonly Layers: readonly string[] };
  readonly Size: number;
  readonly Architecture: string;
  readonly Config: {
    readonly Entrypoint: readonly string[];
    readonly Cmd: readonly string[] | null;
    readonly User: string;
    readonly Labels: Record<string, string>;
  };
}

function inspect(reference: string): Inspected {
  const { code, said } = docker('image', 'inspect', reference);
  expect(code, said).toBe(0);
  return (JSON.parse(said) as Inspected[])[0] as Inspected;
}

/** Of the archive's layers, as `tar --list --verbose` shows them: mode, owner, path. */
function listing(): readonly { readonly mode: string; readonly owner: string; readonly path: string; readonly time: string }[] {
  const archive = inject('archive');
  const manifest = execFileSync('tar', ['-xOf', archive, 'manifest.json'], { encoding: 'utf8' });
  const layers = (JSON.parse(manifest) as { readonly Layers: readonly string[] }[])[0]?.Layers ?? [];
  expect(layers).toHaveLength(1);
  const layer = execFileSync('tar', ['-xOf', archive, layers[0] ?? ''], { maxBuffer: 512 << 20 });
  const env = { ...process.env, TZ: 'UTC' };
  return execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '--full-time'], { input: layer, encoding: 'utf8', env })
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [mode = '', owner = '', , day = '', hour = '', ...path] = line.split(/ +/);
      return { mode, owner, time: `${day} ${hour}`, path: path.join(' ') };
    });
}

test('holds the named programs and libraries and nothing else that could run', () => {
  const triple = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const loader = process.arch === 'arm64' ? 'lib/ld-linux-aarch64.so.1' : 'lib64/ld-linux-x86-64.so.2';
  const libraries = ['c.so.6', 'dl.so.2', 'gcc_s.so.1', 'm.so.6', 'pthread.so.0', 'resolv.so.2', 'rt.so.1', 'stdc++.so.6'];
  const files = listing().filter(({ mode, path }) => !mode.startsWith('d') && !/^(usr\/share\/doc|var\/lib\/dpkg\/status\.d)\//.test(path));

  expect(files.map(({ path }) => path).sort()).toEqual(
    [
      'bin/dash',
      'bin/flock',
      'bin/sh -> dash',
      'etc/group',
      'etc/nsswitch.conf',
      'etc/os-release',
      'etc/passwd',
      loader,
      ...libraries.map((name) => `lib/${triple}/lib${name}`),
      'usr/bin/node',
      'usr/bin/pod-checkpointer',
      'usr/lib/pod-checkpointer/pod-checkpointer.cjs',
    ].sort(),
  );
});

test('belongs to root, has no time of its build, nothing that others may write but tmp, and nothing setuid', () => {
  const entries = listing();

  expect(entries.length).toBeGreaterThan(20);
  expect(entries.filter(({ owner, time }) => owner !== '0/0' || time !== '1970-01-01 00:00:00')).toEqual([]);
  expect(entries.filter(({ mode }) => mode[8] === 'w' && !mode.startsWith('l')).map(({ path }) => path)).toEqual(['tmp/']);
  expect(entries.filter(({ mode }) => /s/i.test(mode))).toEqual([]);
});

test('papers: every program and library has its license, and scanners find the packages', () => {
  const paths = listing().map(({ path }) => path);

  for (const name of ['dash', 'libc6', 'util-linux', 'libstdc++6']) {
    expect(paths).toContain(`usr/share/doc/${name}/copyright`);
    expect(paths).toContain(`var/lib/dpkg/status.d/${name}`);
  }
  expect(paths).toContain('usr/share/doc/node/LICENSE');
  expect(paths).toContain('usr/share/doc/pod-checkpointer/packages/js-yaml/LICENSE');
});

test('says what it is, from which source, and how it starts', () => {
  const { Config, Size, Architecture } = inspect(inject('image'));
  const head = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  process.stdout.write(`image: ${(Size / 1e6).toFixed(1)} MB unpacked, ${Architecture}\n`);

  expect(Config.Entrypoint).toEqual(['/usr/bin/pod-checkpointer']);
  expect(Config.Cmd).toBeNull();
  expect(Config.User).toBe('0:0');
  expect(Config.Labels).toMatchObject({
    'org.opencontainers.image.title': 'pod-checkpointer',
    'org.opencontainers.image.version': version(),
    'org.opencontainers.image.revision': head,
    'org.opencontainers.image.licenses': 'Apache-2.0',
  });
  expect(Object.keys(Config.Labels).sort()).toEqual(
    ['description', 'licenses', 'revision', 'source', 'title', 'version'].map((name) => `org.opencontainers.image.${name}`),
  );
  // the pinned Node.js is 126 MB of it
  expect(Size).toBeLessThan(140_000_000);
});

test('the program in it is the one of this source', () => {
  const archive = inject('archive');
  const layer = /"Layers":\["([^"]+)"\]/.exec(execFileSync('tar', ['-xOf', archive, 'manifest.json'], { encoding: 'utf8' }))?.[1] ?? '';
  const file = 'usr/lib/pod-checkpointer/pod-checkpointer.cjs';
  const bytes = execFileSync('sh', ['-c', `tar -xOf "$0" "$1" | tar -xO ${file}`, archive, layer], { maxBuffer: 64 << 20 });

  expect(bytes.equals(readFileSync(join(ROOT, 'dist/pod-checkpointer.cjs')))).toBe(true);
});

test('a second build from clean gives the same layer', () => {
  const again = `${inject('image')}-again`;
  try {
    buildImage({ tag: again, quiet: true });

    expect(inspect(again).RootFS.Layers).toEqual(inspect(inject('image')).RootFS.Layers);
  } finally {
    docker('image', 'rm', again);
  }
});
