/**
 * Certificates and kubeconfigs of a test cluster, by openssl: one CA, EC keys, valid for two days. Nothing here is secret
 * beyond one test run.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADDRESSES, type NodePaths } from './layout.ts';
import { run } from './process.ts';

async function newKey(paths: NodePaths, name: string): Promise<string> {
  const file = join(paths.pki, `${name}.key`);
  await run(['openssl', 'ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', file]);
  return file;
}

async function issue(paths: NodePaths, name: string, subject: string, alternatives = ''): Promise<void> {
  const key = await newKey(paths, name);
  const file = (extension: string) => join(paths.pki, `${name}.${extension}`);
  const ca = join(paths.pki, 'ca');
  const names = alternatives === '' ? '' : `subjectAltName=${alternatives}\n`;
  writeFileSync(file('ext'), `extendedKeyUsage=serverAuth,clientAuth\n${names}`);
  await run(['openssl', 'req', '-new', '-key', key, '-subj', subject, '-out', file('csr')]);
  const signer = ['-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAserial', file('srl'), '-CAcreateserial', '-days', '2'];
  await run(['openssl', 'x509', '-req', '-in', file('csr'), ...signer, '-out', file('crt'), '-extfile', file('ext')]);
}

/** Text of a kubeconfig; `user` is kubeconfig's own user object. */
export function kubeconfig(paths: NodePaths, user: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'e2e',
    contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: 'e2e' } }],
    clusters: [{ name: 'e2e', cluster: { server: ADDRESSES.api, 'certificate-authority': join(paths.pki, 'ca.crt') } }],
    users: [{ name: 'e2e', user }],
  });
}

/** Makes everything the cluster's programs authenticate with. */
export async function makePki(paths: NodePaths, nodeName: string): Promise<void> {
  mkdirSync(paths.pki, { recursive: true, mode: 0o700 });
  const caKey = await newKey(paths, 'ca');
  await newKey(paths, 'sa');
  await run(['openssl', 'req', '-x509', '-new', '-key', caKey, '-subj', '/CN=e2e-ca', '-days', '2', '-out', join(paths.pki, 'ca.crt')]);

  const serviceNames = 'DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc';
  const clients = {
    admin: '/O=system:masters/CN=admin',
    'kube-controller-manager': '/CN=system:kube-controller-manager',
    'kube-scheduler': '/CN=system:kube-scheduler',
    kubelet: `/O=system:nodes/CN=system:node:${nodeName}`,
  };
  await Promise.all([
    issue(paths, 'kube-apiserver', '/CN=kube-apiserver', `IP:${ADDRESSES.node},IP:${ADDRESSES.apiService},${serviceNames}`),
    issue(paths, 'kubelet-server', `/O=system:nodes/CN=system:node:${nodeName}`, `IP:${ADDRESSES.node},DNS:${nodeName}`),
    ...Object.entries(clients).map(([name, subject]) => issue(paths, name, subject)),
  ]);
  for (const name of Object.keys(clients)) {
    const file = (extension: string) => join(paths.pki, `${name}.${extension}`);
    const user = { 'client-certificate': file('crt'), 'client-key': file('key') };
    writeFileSync(join(paths.state, `${name}.kubeconfig`), kubeconfig(paths, user), { mode: 0o600 });
  }
}
