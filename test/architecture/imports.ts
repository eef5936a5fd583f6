/**
 * Who may import whom, and that no way of imports leads back to where it began. Type imports count like all others: a
 * type that lives in the wrong file ties two rooms together just as well.
 */
import { posix } from 'node:path';
import type { TreeFile } from './rules.ts';
import { readSource } from './source.ts';

/** Who may know whom, by room: prefixes of paths below src, and of packages. A room may always know itself. */
const MAY_KNOW: Readonly<Record<string, { readonly rooms: readonly string[]; readonly packages: 'any' | readonly string[] }>> = {
  core: { rooms: [], packages: ['node:buffer', 'node:crypto'] },
  ports: { rooms: ['core'], packages: [] },
  agent: { rooms: ['core', 'ports'], packages: [] },
  adapters: { rooms: ['core', 'ports'], packages: 'any' },
  telemetry: { rooms: ['core', 'ports'], packages: 'any' },
  cli: { rooms: ['core', 'ports', 'agent', 'adapters', 'telemetry', 'demo'], packages: 'any' },
  demo: { rooms: ['core', 'ports', 'agent', 'adapters', 'telemetry', 'cli'], packages: 'any' },
  main: { rooms: ['core', 'ports', 'agent', 'adapters', 'telemetry', 'cli', 'demo'], packages: 'any' },
};

/** Who may know whom within core: each room answers one question (`src/README.md`), and asks only those below it. */
const CORE_MAY_KNOW: Readonly<Record<string, readonly string[]>> = {
  model: [],
  text: [],
  kubelet: ['model', 'text'],
  api: ['model'],
  select: ['model'],
  valid: ['model', 'text'],
  config: ['model', 'text', 'kubelet'],
  copy: ['model', 'text', 'select'],
  room: ['model', 'text', 'kubelet', 'copy'],
  turn: ['model', 'api', 'room'],
  render: ['model', 'text', 'select', 'copy'],
  self: ['model', 'turn'],
  uninstall: ['model', 'turn'],
};

/** What the adapters of the runtime and of the kubelet's podresources share: gRPC on a unix socket. It knows no adapter. */
const SHARED_ADAPTER = 'adapters/grpc';

/** The types of this package are used, its code never: it costs 50 MB of memory. */
const TYPES_ONLY = '@kubernetes/client-node';

export function importOffences(file: TreeFile, dependencies: readonly string[]): readonly string[] {
  if (!file.path.startsWith('src/')) return [];
  const here = file.path.slice('src/'.length);
  const misplaced = placeProblem(here);
  const found = misplaced === undefined ? [] : [`${file.path}: ${misplaced}`];
  for (const { specifier, typeOnly } of readSource(file.text).imports) {
    const problem = specifier.startsWith('.')
      ? roomProblem(here, posix.join(posix.dirname(here), specifier))
      : packageProblem(here, specifier, typeOnly, dependencies);
    if (problem !== undefined) found.push(`${file.path} imports ${specifier}: ${problem}`);
  }
  return found;
}

/** A file is judged by its place too: one without imports has a room as well. */
function placeProblem(path: string): string | undefined {
  if (!path.endsWith('.ts')) return undefined;
  if (MAY_KNOW[roomOf(path)] === undefined) return `${roomOf(path)} is no room that is named in test/architecture/imports.ts`;
  if (roomOf(path) !== 'core') return undefined;
  const room = coreRoomOf(path);
  if (room === undefined) return 'src/core has rooms only; put the file into the one whose question it answers';
  return CORE_MAY_KNOW[room] === undefined ? `core/${room} is no room that is named in test/architecture/imports.ts` : undefined;
}

function roomProblem(from: string, to: string): string | undefined {
  if (!to.endsWith('.ts')) return 'name the file itself, with .ts';
  if (to.startsWith('..')) return 'src knows nothing outside itself';
  const room = roomOf(from);
  const target = roomOf(to);
  if (target === 'main') return 'nothing imports main';
  if (room === 'core' && target === 'core') return coreProblem(from, to);
  if (houseOf(from) === houseOf(to)) return undefined;
  if (room === 'adapters' && target === 'adapters') return houseOf(to) === SHARED_ADAPTER ? undefined : 'adapters do not know each other';
  return MAY_KNOW[room]?.rooms.includes(target) === true ? undefined : `${room} may not know ${target}`;
}

function coreProblem(from: string, to: string): string | undefined {
  const [room, target] = [coreRoomOf(from), coreRoomOf(to)];
  const known = room === undefined ? undefined : CORE_MAY_KNOW[room];
  // a place that is wrong in itself is told by itself
  if (known === undefined || room === target) return undefined;
  return target !== undefined && known.includes(target)
    ? undefined
    : `core/${room} may not know ${target === undefined ? to : `core/${target}`}`;
}

/** `undefined` for a file that lies directly in core. */
function coreRoomOf(path: string): string | undefined {
  const parts = path.split('/');
  return parts.length > 2 ? parts[1] : undefined;
}

function roomOf(path: string): string {
  return (path.split('/')[0] ?? '').replace(/\.ts$/, '');
}

/** As {@link roomOf}, but each adapter is a house of its own. */
function houseOf(path: string): string {
  return path.startsWith('adapters/') ? path.split('/').slice(0, 2).join('/') : roomOf(path);
}

function packageProblem(from: string, specifier: string, typeOnly: boolean, dependencies: readonly string[]): string | undefined {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (name === TYPES_ONLY) return typeOnly ? undefined : 'its types only: write "import type"';
  const builtin = specifier.startsWith('node:');
  if (!builtin && !dependencies.includes(name)) return 'it is no dependency in package.json, or a part of Node without "node:"';
  const allowed = MAY_KNOW[roomOf(from)]?.packages;
  return allowed === 'any' || allowed?.includes(specifier) === true ? undefined : `${roomOf(from)} may not know packages`;
}

/** Every circle of imports in src, as the files on it; `export … from` counts as an import. */
export function circleOffences(files: readonly TreeFile[]): readonly string[] {
  const imports = new Map(
    files
      .filter(({ path }) => path.startsWith('src/') && path.endsWith('.ts'))
      .map(({ path, text }) => [
        path,
        readSource(text)
          .imports.filter(({ specifier }) => specifier.startsWith('.'))
          .map(({ specifier }) => posix.join(posix.dirname(path), specifier)),
      ]),
  );
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): void => {
    const from = way.indexOf(file);
    if (from >= 0) found.push(`${[...way.slice(from), file].join(' imports ')}: a circle; move what they share to a file of its own`);
    if (from >= 0 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) walk(target, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  return found;
}
