/**
 * Builds the image with the Dockerfile where no base image can be pulled: makes the base of its first stage from this
 * machine's Debian packages and node_modules. Needs a Docker engine, Debian (apt-get, dpkg-deb) and `npm ci`.
 *
 * Usage: node deploy/image/build.ts [--output FILE] [--tag REFERENCE] [--debian DIR]. Always
 * from clean: no layer is taken from the engine's cache. Leaves the tagged image in the engine and, with --output, a docker-archive for `ctr images import` or `docker load`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../bundle.ts';
import { bundledPackages, layRootfs, partsHere } from './rootfs.ts';

/** What the build leaves behind besides the image is removed by it. */
const BUILD_LABEL = 'pod-checkpointer.build';

export interface BuildOptions {
  /** Path of the docker-archive; undefined writes none. */
  readonly output?: string | undefined;
  /** Default: {@link defaultTag}. */
  readonly tag?: string | undefined;
  /** A directory made by debian.sh before; undefined fetches one. */
  readonly debian?: string | undefined;
  /** Where what the tools say goes: our own stderr, or nowhere. A tool that fails is quoted in the error. */
  readonly quiet?: boolean | undefined;
}

export function version(): string {
  return (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}

export function defaultTag(): string {
  return `localhost/pod-checkpointer:${version()}`;
}

/** The image's reference. Throws an Error that says which tool failed, and its last words. */
export function buildImage(options: BuildOptions = {}): string {
  const tag = options.tag ?? defaultTag();
  const quiet = options.quiet === true;
  const work = mkdtempSync(join(tmpdir(), 'pod-checkpointer-image-'));
  const base = `localhost/pod-checkpointer-build:${process.pid}`;
  try {
    const debian = options.debian === undefined ? join(work, 'debian') : resolve(options.debian);
    if (options.debian === undefined) run(join(ROOT, 'deploy/image/debian.sh'), [debian], { quiet });
    importBase(join(work, 'base'), debian, base, quiet);
    try {
      run('docker', ['build', '--no-cache', '--pull=false', ...buildArguments(base), '--tag', tag, ROOT], {
        quiet,
        env: classicUnlessSaid(),
      });
    } finally {
      spawnSync('docker', ['image', 'rm', base], { stdio: 'ignore' });
      // the first stage has inherited its base's label
      spawnSync('docker', ['image', 'prune', '--force', '--filter', `label=${BUILD_LABEL}=${process.pid}`], { stdio: 'ignore' });
    }
    if (options.output !== undefined) saveImage(tag, resolve(options.output));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return tag;
}

/** The whole file or none. */
function saveImage(tag: string, output: string): void {
  mkdirSync(dirname(output), { recursive: true });
  const fresh = `${output}.${process.pid}.tmp`;
  try {
    run('docker', ['save', '--output', fresh, tag]);
    renameSync(fresh, output);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** BuildKit needs a plugin that Debian's client does not have; the classic builder is in every engine. */
function classicUnlessSaid(): NodeJS.ProcessEnv {
  return { ...process.env, DOCKER_BUILDKIT: process.env['DOCKER_BUILDKIT'] ?? '0' };
}

function buildArguments(base: string): string[] {
  const source = git(['remote', 'get-url', 'origin']);
  const values = {
    BUILD_BASE: base,
    VERSION: version(),
    REVISION: git(['rev-parse', 'HEAD']),
    // a path of this machine tells nobody where the source is
    SOURCE: source !== undefined && /^https:\/\/[^@]+$/.test(source) ? source : undefined,
  };
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : ['--build-arg', `${name}=${value}`]));
}

function git(args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('git', [...args], { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** The image's own files, for a shell and Node.js, and what the first stage would have to fetch. */
function importBase(tree: string, debian: string, reference: string, quiet: boolean): void {
  run(process.execPath, [join(ROOT, 'deploy/bundle.ts'), '--if-stale'], { quiet });
  const parts = partsHere(debian);
  layRootfs(tree, parts);
  // the first stage uses the one in node_modules
  rmSync(join(tree, 'usr/bin/node'));
  // for the Dockerfile's last check; it needs the C library only
  cpSync('/usr/sbin/chroot', join(tree, 'usr/bin/chroot'));
  cpSync(debian, join(tree, 'src/debian'), { recursive: true, verbatimSymlinks: true });
  const modules = join(tree, 'src/node_modules');
  const wanted = [...bundledPackages(parts.nodeModules), `node-linux-${parts.arch}`, 'esbuild', `@esbuild/linux-${parts.arch}`];
  for (const name of wanted) {
    if (!existsSync(join(parts.nodeModules, name))) throw new Error(`node_modules has no ${name}: run npm ci first`);
    cpSync(join(parts.nodeModules, name), join(modules, name), { recursive: true, verbatimSymlinks: true });
  }
  cpSync(join(parts.nodeModules, '.package-lock.json'), join(modules, '.package-lock.json'));
  mkdirSync(join(modules, '.bin'));
  symlinkSync(`../node-linux-${parts.arch}/bin/node`, join(modules, '.bin/node'));
  const tar = join(dirname(tree), 'base.tar');
  run('tar', ['--create', '--numeric-owner', '--owner=0', '--group=0', '--file', tar, '--directory', tree, ...readdirSync(tree)]);
  run('docker', ['import', '--change', `LABEL ${BUILD_LABEL}=${process.pid}`, tar, reference], { quiet });
}

/** Throws an Error with the tool's last words, which are all that is shown of it when `quiet`. */
function run(program: string, args: readonly string[], options: { readonly quiet?: boolean; readonly env?: NodeJS.ProcessEnv } = {}): void {
  const done = spawnSync(program, [...args], { encoding: 'utf8', maxBuffer: 64 << 20, env: options.env ?? process.env });
  const said = `${done.stdout ?? ''}${done.stderr ?? ''}`;
  if (done.error !== undefined) throw new Error(`${program} cannot be run: ${done.error.message}`);
  if (options.quiet !== true) process.stderr.write(said);
  if (done.status !== 0)
    throw new Error(`${program} ${args[0] ?? ''} ended with ${done.status ?? done.signal}:\n${said.trim().slice(-2000)}`);
}

function main(args: string[]): void {
  try {
    const { values } = parseArgs({ args, options: { output: { type: 'string' }, tag: { type: 'string' }, debian: { type: 'string' } } });
    process.stdout.write(`${buildImage(values)}\n`);
  } catch (error) {
    process.stderr.write(`image: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

if (import.meta.main) main(process.argv.slice(2));
