/**
 * Certificates and kubeconfigs of a test cluster, by openssl: one CA, EC keys, valid for two days, and what becomes of them
 * with time: certificates that have expired, and a second CA. Nothing here is secret beyond one test run.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADDRESSES, type NodePaths } from './layout.ts';
import { run } from './process.ts';

async function newKey(paths: NodePaths, name: string): Promise<string> {
  const file = join(paths.pki, `${name}.key`);
  await run(['openssl', 'ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', file]);
  return file;
}

/** As kubeadm's, every CA has the same name; whose a certificate is tells the key that it names. */
async function newCa(paths: NodePaths, name: string): Promise<string> {
  const key = await newKey(paths, name);
  const certificate = join(paths.pki, `${name}.crt`);
  await run(['openssl', 'req', '-x509', '-new', '-key', key, '-subj', '/CN=e2e-ca', '-days', '2', '-out', certificate]);
  return certificate;
}

async function issue(paths: NodePaths, name: string, subject: string, alternatives = ''): Promise<void> {
  const key = await newKey(paths, name);
  const file = (extension: string) => join(paths.pki, `${name}.${extension}`);
  const names = alternatives === '' ? '' : `subjectAltName=${alternatives}\n`;
  writeFileSync(file('ext'), `extendedKeyUsage=serverAuth,clientAuth\nauthorityKeyIdentifier=keyid\n${names}`);
  await run(['openssl', 'req', '-new', '-key', key, '-subj', subject, '-out', file('csr')]);
  await sign(paths, name, 'ca', file('crt'));
}

/** For the key and the names of an earlier request. */
async function sign(paths: NodePaths, name: string, ca: string, out: string): Promise<void> {
  const file = (extension: string) => join(paths.pki, `${name}.${extension}`);
  const signer = ['-CA', join(paths.pki, `${ca}.crt`), '-CAkey', join(paths.pki, `${ca}.key`), '-CAserial', `${out}.srl`];
  const request = ['-in', file('csr'), '-extfile', file('ext')];
  await run(['openssl', 'x509', '-req', ...request, ...signer, '-CAcreateserial', '-days', '2', '-out', out]);
}

/** A certificate like the one of this name, key and CA included, but that its time is long over. Gives its file. */
export async function expiredCertificate(paths: NodePaths, name: string): Promise<string> {
  const at = (file: string) => join(paths.pki, file);
  const out = at(`${name}-expired.crt`);
  writeFileSync(at('expired.index'), '');
  writeFileSync(
    at('expired.cnf'),
    `[ca]
default_ca = expired
[expired]
database = ${at('expired.index')}
serial = ${at('expired.srl')}
rand_serial = yes
new_certs_dir = ${paths.pki}
default_md = sha256
policy = any
[any]
commonName = supplied
organizationName = optional
`,
  );
  const signer = ['-config', at('expired.cnf'), '-cert', at('ca.crt'), '-keyfile', at('ca.key')];
  const request = ['-preserveDN', '-in', at(`${name}.csr`), '-extfile', at(`${name}.ext`)];
  const time = ['-startdate', '20250101000000Z', '-enddate', '20250102000000Z'];
  await run(['openssl', 'ca', '-batch', '-notext', ...signer, ...request, ...time, '-out', out]);
  return out;
}

/** The certificate of a second CA, which is made with the first call. Gives its file. */
export async function nextCa(paths: NodePaths): Promise<string> {
  const file = join(paths.pki, 'ca-next.crt');
  return existsSync(file) ? file : await newCa(paths, 'ca-next');
}

/** A certificate like the one of this name, from the second CA. Gives its file. */
export async function certificateOfNextCa(paths: NodePaths, name: string): Promise<string> {
  const out = join(paths.pki, `${name}-next.crt`);
  await sign(paths, name, 'ca-next', out);
  return out;
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
  await newCa(paths, 'ca');
  await newKey(paths, 'sa');

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
