/** A kubeconfig with nothing wrong in it, of a server that is not there. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority } from '../../src/demo/api-server/certificates.ts';
import { kubeconfigText } from '../../src/demo/kubeconfig.ts';

/** Gives its path. */
export async function writeGoodKubeconfig(dir: string): Promise<string> {
  const ca = createAuthority('test', { notBefore: Date.now() - 1000, notAfter: Date.now() + 3_600_000 }).cert;
  const file = join(dir, 'good-kubeconfig');
  await writeFile(file, kubeconfigText({ url: 'https://127.0.0.1:1', ca, token: 't' }));
  return file;
}
