/** Access to the API server where something of it is empty, missing, or another than it was. */
import { describe, expect, test } from 'vitest';
import { caFingerprint, loadApiAccess, loadBareAccess } from '../../../src/adapters/kubernetes/index.ts';
import { createApiServer } from '../../../src/demo/api-server/api-server.ts';
import { createAuthority } from '../../../src/demo/api-server/certificates.ts';
import { authority, VALID } from './peers.ts';
import { clientOf, realClock } from './rig.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const SECRET = 'sEcReT-token';
const CLUSTER = `{server: "https://api.example:6443", certificate-authority-data: ${base64(authority.cert)}}`;

const kubeconfig = ({ cluster = CLUSTER, user = `{token: ${SECRET}}` }: { readonly cluster?: string; readonly user?: string }) => `
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: ${cluster}}]
users: [{name: u, user: ${user}}]
`;
/** `files` may change later. */
const load = (files: Record<string, string>) =>
  loadApiAccess({
    kubeconfig: '/etc/kubeconfig',
    apiEndpoints: [],
    inCluster: { tokenFile: '/sa/token', caFile: '/sa/ca.crt' },
    readFile: async (path) => files[path] ?? Promise.reject(Object.assign(new Error(`no ${path}`), { code: 'ENOENT' })),
    clock: realClock,
  });
const fromFile = (text: string) => load({ '/etc/kubeconfig': text });

describe('empty fields of a kubeconfig', () => {
  test.each([
    `{token: ${SECRET}, username: "", password: "", exec: null, auth-provider: ""}`,
    `{token: ${SECRET}, tokenFile: "", client-certificate: null, client-key: "", client-certificate-data: ""}`,
  ])('are absent ones: %s', async (user) => {
    const access = await fromFile(kubeconfig({ user }));
    expect(await access.token?.current()).toBe(SECRET);
  });

  test('in a cluster too', async () => {
    const cluster = `{server: "https://a:1", certificate-authority: "", certificate-authority-data: ${base64(authority.cert)}, proxy-url: "", tls-server-name: null, insecure-skip-tls-verify: null}`;
    expect((await fromFile(kubeconfig({ cluster }))).endpoints[0]?.url).toBe('https://a:1');
  });
});

describe('what is left of an access whose credentials are missing', () => {
  const bare = (files: Record<string, string>, kubeconfigPath?: string, apiEndpoints: readonly string[] = []) =>
    loadBareAccess({
      apiEndpoints,
      kubeconfig: kubeconfigPath,
      inCluster: { host: '10.96.0.1', port: '443', tokenFile: '/sa/token', caFile: '/sa/ca.crt' },
      readFile: async (path) => files[path] ?? Promise.reject(Object.assign(new Error(`no ${path}`), { code: 'ENOENT' })),
      clock: realClock,
    });

  test('is the server and its CA, never a token', async () => {
    const found = await bare({ '/etc/kubeconfig': kubeconfig({ user: '{tokenFile: gone}' }) }, '/etc/kubeconfig');
    expect(found).toMatchObject({ ca: authority.cert, endpoints: [{ url: 'https://api.example:6443' }] });
    expect(found.token).toBeUndefined();
    expect(await found.trust()).toEqual({ ca: authority.cert });
  });

  test('is what apiEndpoints says where there is no kubeconfig, and nothing where that is empty', async () => {
    expect((await bare({}, '/etc/kubeconfig')).endpoints).toEqual([]);
    expect(await bare({}, '/etc/kubeconfig', ['https://b:6443'])).toMatchObject({ ca: '', endpoints: [{ url: 'https://b:6443' }] });
  });

  test('without a CA trusts nobody, not even whom the system trusts, and takes up one that comes later', async () => {
    const api = createApiServer();
    await api.start();
    const files: Record<string, string> = {};
    const client = clientOf(await bare(files, undefined, [api.url]));
    const outcome = async () => (await client.probe.probe(5_000)).find(({ endpoint }) => endpoint.startsWith(api.url))?.outcome;
    expect(await outcome()).toBe('tls');
    files['/sa/ca.crt'] = api.ca;
    expect(await outcome()).toBe('ok');
    await client.close();
    await api.stop();
  });
});

describe('a rotated CA', () => {
  test('a CA bundle that is rotated on the disk is followed with the next connection, and one that is half written is not', async () => {
    const api = createApiServer();
    await api.start();
    const before = createAuthority('the-ca-before', VALID).cert;
    const cluster = `{server: "${api.url}", certificate-authority: ca.crt}`;
    const files = { '/etc/kubeconfig': kubeconfig({ cluster, user: `{token: "${api.token}"}` }), '/etc/ca.crt': before };
    const client = clientOf(await load(files));
    const [old] = client.reader.clusterCas();
    expect(old).toMatch(/^[0-9a-f]{64}$/);
    expect((await client.probe.probe(5_000))[0]?.outcome).toBe('tls');

    files['/etc/ca.crt'] = `${before}\n${api.ca}`;
    expect((await client.probe.probe(5_000))[0]).toMatchObject({ outcome: 'ok' });
    const both = client.reader.clusterCas();
    expect(both).toHaveLength(2);
    expect(both).toContain(old);
    expect(client.reader.clusterFingerprint()).toBe(caFingerprint(files['/etc/ca.crt']));

    files['/etc/ca.crt'] = `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`;
    await client.probe.probe(5_000);
    expect(client.reader.clusterCas()).toEqual(both);

    files['/etc/ca.crt'] = api.ca;
    await client.probe.probe(5_000);
    expect(client.reader.clusterCas()).toEqual(both.filter((ca) => ca !== old));
    await client.close();
    await api.stop();
  });
});
