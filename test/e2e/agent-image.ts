/**
 * The agent's image for a test node, without a container engine: the file system that the Dockerfile's last stage copies, in a
 * docker-archive. `npm run test:image` holds the Dockerfile to the same file system.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultTag } from '../../deploy/image/build.ts';
import { layRootfs, partsHere } from '../../deploy/image/rootfs.ts';
import { run } from './node/process.ts';

const DEBIAN_SCRIPT = join(import.meta.dirname, '..', '..', 'deploy', 'image', 'debian.sh');
const DEBIAN_LIMIT_MS = 180_000;

export interface AgentImage {
  readonly reference: string;
  /** docker-archive. */
  readonly tar: string;
}

/** Makes it in an empty directory `work`. Needs apt-get, `npm ci` and `npm run build`. */
export async function makeAgentImage(work: string): Promise<AgentImage> {
  mkdirSync(work, { recursive: true });
  const [debian, rootfs, archive] = [join(work, 'debian'), join(work, 'rootfs'), join(work, 'archive')];
  await run([DEBIAN_SCRIPT, debian], { limitMs: DEBIAN_LIMIT_MS });
  layRootfs(rootfs, partsHere(debian));
  mkdirSync(archive);
  const layer = join(archive, 'layer.tar');
  await run(['tar', '--create', '--sort=name', '--numeric-owner', '--owner=0', '--group=0', '--file', layer, '--directory', rootfs, '.'], {
    limitMs: DEBIAN_LIMIT_MS,
  });
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const config = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: ['/usr/bin/pod-checkpointer'], Env: ['PATH=/usr/bin:/bin'], User: '0:0' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(readFileSync(layer))}`] },
  });
  const configName = `${sha256(Buffer.from(config))}.json`;
  const reference = defaultTag();
  writeFileSync(join(archive, configName), config);
  writeFileSync(join(archive, 'manifest.json'), JSON.stringify([{ Config: configName, RepoTags: [reference], Layers: ['layer.tar'] }]));
  const tar = join(work, 'image.tar');
  await run(['tar', '--create', '--file', tar, '--directory', archive, 'manifest.json', configName, 'layer.tar'], {
    limitMs: DEBIAN_LIMIT_MS,
  });
  return { reference, tar };
}
