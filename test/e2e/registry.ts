/**
 * A container registry as small as one can be, run as a program of its own inside a node's network:
 * `node registry.ts ADDRESS BINARY`. It has two images of the binary: `open/testserver` for everyone, and
 * `private/testserver` for those who know the password (distribution-spec: pulling manifests and blobs).
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { imageBlobs } from './image.ts';
import { REGISTRY_LOGIN } from './registry-login.ts';

interface Blob {
  readonly type: string;
  readonly bytes: Buffer;
}

const OCI = 'application/vnd.oci.image';

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Everything of one image by digest, and its manifest by tag. */
function contents(binary: string, command: readonly string[]): ReadonlyMap<string, Blob> {
  const { layer, config } = imageBlobs({ binary, name: 'testserver', command });
  const part = (type: string, bytes: Buffer) => ({ mediaType: type, digest: digestOf(bytes), size: bytes.length });
  const types = { config: `${OCI}.config.v1+json`, layer: `${OCI}.layer.v1.tar`, manifest: `${OCI}.manifest.v1+json` };
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: part(types.config, config),
      layers: [part(types.layer, layer)],
    }),
  );
  const blobs = new Map<string, Blob>();
  for (const [type, bytes] of [[types.config, config] as const, [types.layer, layer] as const, [types.manifest, manifest] as const])
    blobs.set(digestOf(bytes), { type, bytes });
  return blobs.set('1', { type: types.manifest, bytes: manifest });
}

function answer(images: ReadonlyMap<string, ReadonlyMap<string, Blob>>, request: IncomingMessage, reply: ServerResponse): void {
  const [, name = '', reference = ''] = /^\/v2\/([^/]+)\/testserver\/(?:manifests|blobs)\/([^/?]+)/.exec(request.url ?? '') ?? [];
  const login = `Basic ${Buffer.from(`${REGISTRY_LOGIN.user}:${REGISTRY_LOGIN.password}`).toString('base64')}`;
  if (name !== 'open' && request.headers.authorization !== login) {
    reply.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end();
    return;
  }
  const blob = images.get(name)?.get(reference);
  if (blob === undefined) {
    reply.writeHead(404).end();
    return;
  }
  const { type, bytes } = blob;
  reply.writeHead(200, { 'content-type': type, 'content-length': bytes.length, 'docker-content-digest': digestOf(bytes) });
  reply.end(request.method === 'HEAD' ? undefined : bytes);
}

const [address = '', binary = ''] = process.argv.slice(2);
// another command makes another image: the kubelet keeps its records by image, whatever its name
const images = new Map(['open', 'private'].map((name) => [name, contents(binary, ['serve', name])]));
const [host = '', port = ''] = address.split(':');
createServer((request, reply) => answer(images, request, reply)).listen(Number(port), host);
