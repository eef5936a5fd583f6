/**
 * Lays out the file system of the image: the pinned Node.js, the bundle, the entry script, a shell, `flock`, and the six
 * or so libraries these need. An allow-list: what is not named here is not in the image.
 *
 * Usage: node deploy/image/rootfs.ts OUT DEBIAN, with DEBIAN as deploy/image/debian.sh leaves it. The same input gives the
 * same tree, times included. Never touches anything but OUT, which must not exist.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../bundle.ts';

interface Architecture {
  /** Debian's directory of libraries. */
  readonly triple: string;
  /** Where every program says that its loader is. */
  readonly loader: string;
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { triple: 'x86_64-linux-gnu', loader: 'lib64/ld-linux-x86-64.so.2' },
  arm64: { triple: 'aarch64-linux-gnu', loader: 'lib/ld-linux-aarch64.so.1' },
};

/** Of Node.js (`readelf -d`), and libresolv, which glibc loads by itself. dash and flock need libc only. */
const LIBRARIES = [
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'libresolv.so.2',
  'librt.so.1',
  'libstdc++.so.6',
] as const;

/** Whom the image knows, and that names are looked up in /etc/hosts first, as glibc does not without this file. */
const ETC: Readonly<Record<string, string>> = {
  'etc/group': 'root:x:0:\n',
  'etc/nsswitch.conf': 'hosts: files dns\n',
  'etc/passwd': 'root:x:0:0:root:/:/bin/sh\n',
};

export interface Parts {
  /** Unpacked packages: `files/` and `control/`. */
  readonly debian: string;
  readonly nodeModules: string;
  readonly bundle: string;
  readonly entry: string;
  readonly license: string;
  /** As Node.js names it. */
  readonly arch: string;
}

interface PlacedFile {
  readonly mode: number;
  readonly content: { readonly from: string } | { readonly text: string } | { readonly link: string };
}

/** Throws an Error with one sentence when something is missing. */
export function layRootfs(out: string, parts: Parts): void {
  const files = { ...libraries(parts), ...programs(parts), ...papers(parts) };
  mkdirSync(out, { mode: 0o755 });
  for (const [path, { mode, content }] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const target = join(out, path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    if ('link' in content) symlinkSync(content.link, target);
    else if ('text' in content) writeFileSync(target, content.text, { mode });
    else copyFileSync(content.from, target);
  }
  // for commands run by hand; on a node the root is read-only
  mkdirSync(join(out, 'tmp'));
  settle(out, '', files);
}

function libraries(parts: Parts): Record<string, PlacedFile> {
  const { triple, loader } = architecture(parts.arch);
  const find = (name: string): PlacedFile => ({
    mode: 0o755,
    content: { from: firstOf(parts.debian, [`lib/${triple}/${name}`, `usr/lib/${triple}/${name}`]) },
  });
  return {
    [loader]: find(loader.slice(loader.lastIndexOf('/') + 1)),
    ...Object.fromEntries(LIBRARIES.map((name) => [`lib/${triple}/${name}`, find(name)])),
  };
}

function programs(parts: Parts): Record<string, PlacedFile> {
  const debian = (name: string) => ({ from: firstOf(parts.debian, [`bin/${name}`, `usr/bin/${name}`]) });
  return {
    'bin/dash': { mode: 0o755, content: debian('dash') },
    'bin/flock': { mode: 0o755, content: debian('flock') },
    'bin/sh': { mode: 0o777, content: { link: 'dash' } },
    'usr/bin/node': { mode: 0o755, content: { from: present(join(runtime(parts), 'bin/node')) } },
    'usr/bin/pod-checkpointer': { mode: 0o755, content: { from: present(parts.entry) } },
    'usr/lib/pod-checkpointer/pod-checkpointer.cjs': { mode: 0o644, content: { from: present(parts.bundle) } },
  };
}

/** What people and scanners want to know: accounts, the release, the licenses, and which packages the files are from. */
function papers(parts: Parts): Record<string, PlacedFile> {
  const paper = (from: string): PlacedFile => ({ mode: 0o644, content: { from: present(from) } });
  const found: Record<string, PlacedFile> = {
    'etc/os-release': paper(firstOf(parts.debian, ['usr/lib/os-release'])),
    'usr/share/doc/node/LICENSE': paper(join(runtime(parts), 'LICENSE')),
    'usr/share/doc/pod-checkpointer/LICENSE': paper(parts.license),
  };
  for (const [path, text] of Object.entries(ETC)) found[path] = { mode: 0o644, content: { text } };
  const docs = join(parts.debian, 'files/usr/share/doc');
  for (const name of readdirSync(docs)) {
    const copyright = join(docs, name, 'copyright');
    if (existsSync(copyright)) found[`usr/share/doc/${name}/copyright`] = paper(copyright);
  }
  // where scanners look in images without a package manager
  for (const name of readdirSync(join(parts.debian, 'control'))) {
    found[`var/lib/dpkg/status.d/${name}`] = paper(join(parts.debian, 'control', name));
  }
  for (const name of bundledPackages(parts.nodeModules)) {
    const folder = join(parts.nodeModules, name);
    for (const file of readdirSync(folder).filter((entry) => /^licen[cs]e/i.test(entry))) {
      found[`usr/share/doc/pod-checkpointer/packages/${name}/${file}`] = paper(join(folder, file));
    }
  }
  return found;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
}

/** The packages that the program runs with: those of the lock that are neither for development nor optional. */
export function bundledPackages(nodeModules: string): readonly string[] {
  const lock = JSON.parse(readFileSync(join(nodeModules, '.package-lock.json'), 'utf8')) as Lock;
  return Object.entries(lock.packages)
    .filter(([, { dev, optional }]) => dev !== true && optional !== true)
    .map(([path]) => path.replace(/^node_modules\//, ''));
}

/** Modes and times, from the leaves up: what is written into a directory changes its time. */
function settle(out: string, path: string, files: Readonly<Record<string, PlacedFile>>): void {
  const here = join(out, path);
  const found = lstatSync(here);
  if (found.isDirectory()) for (const name of readdirSync(here)) settle(out, join(path, name), files);
  if (!found.isSymbolicLink()) chmodSync(here, path === 'tmp' ? 0o1777 : (files[path]?.mode ?? 0o755));
  lutimesSync(here, 0, 0);
}

function architecture(arch: string): Architecture {
  const known = ARCHITECTURES[arch];
  if (known === undefined) throw new Error(`there is no image for ${arch}: build on ${Object.keys(ARCHITECTURES).join(' or ')}`);
  return known;
}

/** The package of the pinned Node.js. */
function runtime({ nodeModules, arch }: Parts): string {
  return join(nodeModules, `node-linux-${arch}`);
}

function firstOf(debian: string, candidates: readonly string[]): string {
  const found = candidates.map((path) => join(debian, 'files', path)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`no Debian package brought ${candidates.join(' or ')}: look at deploy/image/debian.sh`);
  return found;
}

function present(path: string): string {
  if (!existsSync(path)) throw new Error(`${path} is not there: run npm ci and npm run build first`);
  return path;
}

/** The parts as they lie in this repository. */
export function partsHere(debian: string): Parts {
  return {
    debian,
    nodeModules: join(ROOT, 'node_modules'),
    bundle: join(ROOT, 'dist/pod-checkpointer.cjs'),
    entry: join(ROOT, 'deploy/image/pod-checkpointer.sh'),
    license: join(ROOT, 'LICENSE'),
    arch: process.arch,
  };
}

function main([out, debian, ...rest]: readonly string[]): void {
  try {
    if (out === undefined || debian === undefined || rest.length > 0) throw new Error('usage: rootfs.ts OUT DEBIAN');
    layRootfs(out, partsHere(debian));
  } catch (error) {
    process.stderr.write(`rootfs: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}

if (import.meta.main) main(process.argv.slice(2));
