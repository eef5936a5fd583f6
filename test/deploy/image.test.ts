/** What can be said of the image without an engine: its entry script, its version, and the tree that it is made of. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ROOT } from '../../deploy/bundle.ts';
import { version } from '../../deploy/image/build.ts';
import { layRootfs, type Parts } from '../../deploy/image/rootfs.ts';
import { START_LINE } from '../../deploy/start-line.ts';

test('the entry script starts Node.js on the start line', () => {
  const script = readFileSync(join(ROOT, 'deploy/image/pod-checkpointer.sh'), 'utf8').replaceAll('\\\n', '');
  const started = /^ *exec \/usr\/bin\/node (.*?) +\/usr\/lib\//m.exec(script)?.[1]?.split(/ +/);
  const exported = /^export (.*)$/m.exec(script)?.[1]?.split(/ +/);

  expect(started).toEqual(START_LINE.flags);
  expect(exported).toEqual(Object.entries(START_LINE.env).map(([name, value]) => `${name}=${value}`));
});

test.each([
  [[], true],
  [['lost+found', 'tmp'], true],
  [['format', 'notes'], true],
  [['notes'], false],
  [['.profile', 'checkpoints'], false],
])('the entry script makes its lock beside %j: %s', (names, locked) => {
  const state = mkdtempSync(join(tmpdir(), 'entry-'));
  try {
    for (const name of names) writeFileSync(join(state, name), '');
    // Node.js is not there: what the script does before it is all that counts
    const script = readFileSync(join(ROOT, 'deploy/image/pod-checkpointer.sh'), 'utf8').replaceAll('\\\n', '');
    const stubbed = script.replace(/^ *exec \/usr\/bin\/node .*$/m, '  echo "locked: $POD_CHECKPOINTER_LOCK_FD"; exit 0');
    const said = execFileSync('sh', ['-c', stubbed, 'entry', 'agent'], { env: { ...process.env, POD_CHECKPOINTER_STATE_DIR: state } });

    expect(said.toString()).toBe(locked ? 'locked: 3\n' : 'locked: \n');
    expect(readdirSync(state).sort()).toEqual([...names, ...(locked ? ['lock'] : [])].sort());
  } finally {
    rmSync(state, { recursive: true });
  }
});

test('the Dockerfile has the version of package.json', () => {
  expect(/^ARG VERSION=(.*)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))?.[1]).toBe(version());
});

describe.each([
  ['x64', 'x86_64-linux-gnu', 'lib64/ld-linux-x86-64.so.2'],
  ['arm64', 'aarch64-linux-gnu', 'lib/ld-linux-aarch64.so.1'],
])('the tree for %s', (arch, triple, loader) => {
  const LIBRARIES = ['c.so.6', 'dl.so.2', 'gcc_s.so.1', 'm.so.6', 'pthread.so.0', 'resolv.so.2', 'rt.so.1', 'stdc++.so.6'].map(
    (name) => `lib${name}`,
  );

  let dir = '';
  let parts: Parts;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'rootfs-'));
    const write = (path: string, mode = 0o644): string => {
      const file = join(dir, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, path);
      chmodSync(file, mode);
      return file;
    };
    const libraries = [loader.replace(/.*\//, ''), ...LIBRARIES];
    // Debian keeps some libraries below /usr and some not, and later releases all of them
    libraries.forEach((name, index) => {
      write(`debian/files/${index % 2 === 0 ? 'usr/' : ''}lib/${triple}/${name}`);
    });
    for (const path of ['bin/dash', 'usr/bin/flock', 'usr/bin/wall', 'usr/lib/os-release', 'usr/share/doc/dash/copyright']) {
      write(`debian/files/${path}`, 0o4755);
    }
    write('debian/control/dash');
    write(`modules/node-linux-${arch}/bin/node`, 0o700);
    write(`modules/node-linux-${arch}/LICENSE`);
    write('modules/pino/LICENSE');
    write('modules/vitest/LICENSE');
    const packages = {
      'node_modules/pino': {},
      'node_modules/vitest': { dev: true },
      [`node_modules/node-linux-${arch}`]: { optional: true },
    };
    writeFileSync(join(dir, 'modules/.package-lock.json'), JSON.stringify({ packages }));
    const [bundle, entry, license] = [write('bundle.cjs'), write('entry.sh'), write('LICENSE')];
    parts = { debian: join(dir, 'debian'), nodeModules: join(dir, 'modules'), bundle, entry, license, arch };
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test('has the loader and the libraries where programs of that machine look for them', () => {
    layRootfs(join(dir, 'out'), parts);

    for (const path of [loader, ...LIBRARIES.map((name) => `lib/${triple}/${name}`)])
      expect(statSync(join(dir, 'out', path)).mode & 0o7777).toBe(0o755);
  });

  test('has modes and times of its own, whatever the parts have', () => {
    utimesSync(parts.bundle, 5, 5);
    layRootfs(join(dir, 'out'), parts);
    const look = (path: string) => {
      const { mode, mtimeMs } = lstatSync(join(dir, 'out', path));
      return [(mode & 0o7777).toString(8), mtimeMs];
    };

    expect(look('usr/bin/node')).toEqual(['755', 0]);
    expect(look('usr/bin/pod-checkpointer')).toEqual(['755', 0]);
    expect(look('usr/lib/pod-checkpointer/pod-checkpointer.cjs')).toEqual(['644', 0]);
    expect(look('usr/share/doc/dash/copyright')).toEqual(['644', 0]);
    expect(look('bin/flock')).toEqual(['755', 0]);
    expect(look('bin/sh')[1]).toBe(0);
    expect(look('usr')).toEqual(['755', 0]);
    expect(look('')).toEqual(['755', 0]);
    expect(look('tmp')).toEqual(['1777', 0]);
    expect(readlinkSync(join(dir, 'out/bin/sh'))).toBe('dash');
  });

  test('takes from the packages only what is named, and the licenses of what is bundled', () => {
    layRootfs(join(dir, 'out'), parts);
    const has = (path: string) => lstatSync(join(dir, 'out', path), { throwIfNoEntry: false }) !== undefined;

    expect(has('usr/bin/wall')).toBe(false);
    expect(has('usr/share/doc/pod-checkpointer/packages/pino/LICENSE')).toBe(true);
    expect(has('usr/share/doc/pod-checkpointer/packages/vitest')).toBe(false);
    expect(has('var/lib/dpkg/status.d/dash')).toBe(true);
  });

  test('is not made when a part is missing, and the sentence says which', () => {
    rmSync(parts.bundle);
    expect(() => layRootfs(join(dir, 'out'), parts)).toThrow(`${parts.bundle} is not there: run npm ci and npm run build first`);
    rmSync(join(dir, 'debian/files/usr/bin/flock'));
    expect(() => layRootfs(join(dir, 'out'), parts)).toThrow('no Debian package brought bin/flock or usr/bin/flock');
    expect(lstatSync(join(dir, 'out'), { throwIfNoEntry: false })).toBeUndefined();
  });
});
