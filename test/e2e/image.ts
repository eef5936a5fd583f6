/**
 * Container images out of one binary and what it needs, as docker-archive tars: no engine, no registry. The same input gives the
 * same bytes: names sorted, time zero, owner root.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

interface Entry {
  readonly name: string;
  readonly mode: number;
  /** undefined: a directory. */
  readonly content?: Uint8Array;
}

/** A tar in the ustar format (POSIX.1-1988), enough for names under 100 bytes. */
function tar(entries: readonly Entry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    const size = entry.content?.length ?? 0;
    const header = Buffer.alloc(512);
    const octal = (value: number, offset: number, width: number) =>
      header.write(value.toString(8).padStart(width - 1, '0'), offset, 'ascii');
    header.write(entry.name, 0, 'utf8');
    octal(entry.mode, 100, 8);
    octal(0, 108, 8);
    octal(0, 116, 8);
    octal(size, 124, 12);
    octal(0, 136, 12);
    header.fill(' ', 148, 156);
    header.write(entry.content === undefined ? '5' : '0', 156, 'ascii');
    header.write('ustar\0', 257, 'ascii');
    header.write('00', 263, 'ascii');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
    blocks.push(header);
    if (entry.content !== undefined) blocks.push(Buffer.from(entry.content), Buffer.alloc((512 - (size % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** A file of this computer, and where it lies in the image: an absolute path. */
export interface ImageFile {
  readonly path: string;
  readonly file: string;
}

export interface ImageOptions {
  /** Fully qualified, with a tag: `localhost/testserver:1`. */
  readonly reference: string;
  /** It becomes `/<name>` in the image. */
  readonly binary: string;
  readonly name: string;
  readonly command: readonly string[];
  /** Other programs, and the libraries of one that is not static. */
  readonly more?: readonly ImageFile[];
}

/** Directories first, each once, as a tar wants them. */
function entriesOf(files: readonly ImageFile[]): Entry[] {
  const dirs = new Set<string>();
  for (const { path } of files) {
    const parts = path.slice(1).split('/');
    for (let depth = 1; depth < parts.length; depth += 1) dirs.add(`${parts.slice(0, depth).join('/')}/`);
  }
  return [
    ...[...dirs].sort().map((name) => ({ name, mode: 0o755 })),
    ...files.map(({ path, file }) => ({ name: path.slice(1), mode: 0o755, content: readFileSync(file) })),
  ];
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The image's two blobs; the layer is not compressed. */
export function imageBlobs(options: Omit<ImageOptions, 'reference'>): { readonly layer: Buffer; readonly config: Buffer } {
  const layer = tar([
    { name: 'etc/', mode: 0o755 },
    { name: 'etc/passwd', mode: 0o644, content: Buffer.from('root:x:0:0:root:/:/\nworker:x:1000:1000:worker:/:/\n') },
    ...entriesOf([{ path: `/${options.name}`, file: options.binary }, ...(options.more ?? [])]),
    { name: 'tmp/', mode: 0o1777 },
  ]);
  const config = Buffer.from(
    JSON.stringify({
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: 'linux',
      config: { Entrypoint: [`/${options.name}`], Cmd: options.command, Env: ['PATH=/', 'FROM_IMAGE=yes'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    }),
  );
  return { layer, config };
}

/** Writes a docker-archive that `ctr images import` and `docker load` take. */
export function writeImage(file: string, options: ImageOptions): void {
  const { layer, config } = imageBlobs(options);
  const configName = `${sha256(config)}.json`;
  const manifest = Buffer.from(JSON.stringify([{ Config: configName, RepoTags: [options.reference], Layers: ['layer.tar'] }]));
  writeFileSync(
    file,
    tar([
      { name: configName, mode: 0o644, content: config },
      { name: 'layer.tar', mode: 0o644, content: layer },
      { name: 'manifest.json', mode: 0o644, content: manifest },
    ]),
  );
}
