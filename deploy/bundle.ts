/**
 * Builds `dist/pod-checkpointer.cjs`: the whole program and its packages in one minified CommonJS file. CommonJS,
 * because the module loader of ESM alone costs the agent 14 MB of memory.
 *
 * Usage: node deploy/bundle.ts [--if-stale]. With --if-stale nothing is built while the bundle is newer than its sources.
 * Never touches anything but its own directory `dist`.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const BUNDLE = join(ROOT, 'dist/pod-checkpointer.cjs');
/** What the bundle is made of, besides every file of src. */
const INPUTS = ['package.json', 'package-lock.json', 'tsconfig.json', 'deploy/bundle.ts'];

/**
 * Parts of packages that we never call and that would be loaded all the same, with what they require of Node.js: 1.5 MiB
 * of the idle agent.
 */
const LEFT_OUT: readonly { readonly from: RegExp; readonly module: RegExp; readonly instead: string }[] = [
  // https and zlib, child processes, a hundred wake-ups a second, and tracing
  { from: /\/prom-client\/index\.js$/, module: /^\.\/lib\/(summary|pushgateway|defaultMetrics|cluster)$/, instead: '' },
  // log transports are worker threads; this program has one thread
  { from: /\/pino\/(pino|lib\/tools)\.js$/, module: /^\.\/(lib\/)?transport$/, instead: '' },
  { from: /\/pino\/lib\/tools\.js$/, module: /^worker_threads$/, instead: 'exports.isMainThread = true;' },
];

const leaveOut: Plugin = {
  name: 'leave-out',
  setup(building) {
    building.onResolve({ filter: /./ }, ({ path, importer }) => {
      const index = LEFT_OUT.findIndex(({ from, module }) => from.test(importer) && module.test(path));
      return index < 0 ? undefined : { path, namespace: 'left-out', pluginData: LEFT_OUT[index]?.instead };
    });
    building.onLoad({ filter: /./, namespace: 'left-out' }, ({ pluginData }) => ({ contents: String(pluginData), loader: 'js' }));
  },
};

/** Is the bundle missing, or older than anything it is made of? */
export function isStale(root: string, bundle: string): boolean {
  if (!existsSync(bundle)) return true;
  const built = statSync(bundle).mtimeMs;
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true });
  // a directory's time tells of files that were removed
  const files = [
    join(root, 'src'),
    ...sources.map((entry) => join(entry.parentPath, entry.name)),
    ...INPUTS.map((file) => join(root, file)),
  ];
  return files.some((file) => existsSync(file) && statSync(file).mtimeMs > built);
}

export interface BuildResult {
  readonly bytes: number;
  readonly inputs: readonly string[];
}

/** Bundles one entry. Throws esbuild's error, which names file and line. An old bundle stays until the new one is whole. */
export async function bundle(entry: string, outfile: string): Promise<BuildResult> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const fresh = `${outfile}.${process.pid}.tmp.cjs`;
  try {
    const { metafile } = await build({
      entryPoints: [entry],
      outfile: fresh,
      absWorkingDir: ROOT,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node24',
      // names stay as they are: kept beside shortened ones, every function would cost an object more
      minifyWhitespace: true,
      minifySyntax: true,
      plugins: [leaveOut],
      legalComments: 'none',
      metafile: true,
      logLevel: 'warning',
      define: { POD_CHECKPOINTER_VERSION: JSON.stringify(version) },
    });
    renameSync(fresh, outfile);
    return { bytes: statSync(outfile).size, inputs: Object.keys(metafile.inputs) };
  } finally {
    rmSync(fresh, { force: true });
  }
}

async function main(args: readonly string[]): Promise<void> {
  const unknown = args.filter((arg) => arg !== '--if-stale');
  if (unknown.length > 0) {
    process.stderr.write(`build: ${unknown.join(' ')}: only --if-stale is known\n`);
    process.exitCode = 2;
    return;
  }
  if (args.includes('--if-stale') && !isStale(ROOT, BUNDLE)) return;
  const from = performance.now();
  const { bytes } = await bundle('src/main.ts', BUNDLE);
  // on stderr: what runs after it may print something for a program to read
  process.stderr.write(`built dist/pod-checkpointer.cjs: ${Math.round(bytes / 1024)} KiB in ${Math.round(performance.now() - from)} ms\n`);
}

if (import.meta.main) await main(process.argv.slice(2));
