/** Access from a kubeconfig and from a service account: what is read, what is refused, and in which words. */
import { createServer } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { type ApiAccessOptions, blindWatch, deniedReader, loadApiAccess } from '../../../src/adapters/kubernetes/index.ts';
import { caFingerprint } from '../../../src/adapters/kubernetes/pod-reader.ts';
import { createTokenSource, TOKEN_MAX_AGE_MS } from '../../../src/adapters/kubernetes/token.ts';
import { createApiServer } from '../../../src/demo/api-server/api-server.ts';
import { issueCertificate } from '../../../src/demo/api-server/certificates.ts';
import type { Clock } from '../../../src/ports.ts';
import { authority, http, leaf, replying, tlsPeer, VALID } from './peers.ts';
import { clientOf, realClock } from './rig.ts';

const identity = leaf();
const base64 = (text: string) => Buffer.from(text).toString('base64');
const SECRET = 'sEcReT-token';

interface Pieces {
  readonly cluster?: string;
  readonly user?: string;
  readonly rest?: string;
}
const kubeconfig = ({ cluster, user, rest }: Pieces) => `
apiVersion: v1
kind: Config
${rest ?? 'current-context: here'}
contexts: [{name: here, context: {cluster: c, user: u}}, {name: nobody, context: {cluster: c}}]
clusters:
- name: c
  cluster: ${cluster ?? `{server: "https://api.example:6443", certificate-authority-data: ${base64(authority.cert)}}`}
users:
- name: u
  user: ${user ?? `{token: ${SECRET}}`}
`;

function load(files: Record<string, string>, options: Partial<ApiAccessOptions> = {}) {
  return loadApiAccess({
    apiEndpoints: [],
    inCluster: { tokenFile: '/sa/token', caFile: '/sa/ca.crt' },
    readFile: async (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
      return text;
    },
    clock: realClock,
    ...options,
  });
}
const fromFile = (text: string, files: Record<string, string> = {}, options: Partial<ApiAccessOptions> = {}) =>
  load({ '/etc/kubeconfig': text, ...files }, { kubeconfig: '/etc/kubeconfig', ...options });

describe('a kubeconfig', () => {
  test('with data inside gives endpoint, CA and token', async () => {
    const access = await fromFile(kubeconfig({}));
    expect(access.endpoints).toEqual([{ url: 'https://api.example:6443', host: 'api.example', port: 6443, prefix: '' }]);
    expect(access.ca).toBe(authority.cert);
    expect(await access.token?.current()).toBe(SECRET);
  });

  test('with files names them relative to itself', async () => {
    const text = kubeconfig({
      cluster: '{server: "https://[::1]:6443/k8s/", certificate-authority: pki/ca.crt, tls-server-name: kubernetes}',
      user: '{client-certificate: pki/both.pem, client-key: /abs/both.pem, tokenFile: token}',
    });
    const both = identity.cert + identity.key;
    const access = await fromFile(text, {
      '/etc/pki/ca.crt': authority.cert,
      '/etc/pki/both.pem': both,
      '/abs/both.pem': both,
      '/etc/token': `${SECRET}\n`,
    });
    expect(access.endpoints).toEqual([{ url: 'https://[::1]:6443/k8s', host: '::1', port: 6443, prefix: '/k8s' }]);
    expect(await access.trust()).toEqual({ ca: authority.cert, cert: both, key: both });
    expect(access.serverName).toBe('kubernetes');
    expect(await access.token?.current()).toBe(SECRET);
  });

  test('may be JSON, and further endpoints are asked before its own, each once', async () => {
    const text = JSON.stringify({
      'current-context': 'x',
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
      clusters: [{ name: 'x', cluster: { server: 'https://b:6443', 'certificate-authority-data': base64(authority.cert) } }],
      users: [{ name: 'x', user: { token: 't' } }],
    });
    const access = await fromFile(text, {}, { apiEndpoints: ['https://a', 'https://b:6443/'] });
    expect(access.endpoints.map((each) => each.url)).toEqual(['https://a:443', 'https://b:6443']);
  });

  const ca = `certificate-authority-data: ${base64(authority.cert)}`;
  const refused: [string, string, RegExp][] = [
    ['text that is no YAML', `users: [{token: ${SECRET}`, /not YAML \(.*\): correct the file/],
    ['a list', '- a', /not a kubeconfig/],
    ['no current context', kubeconfig({ rest: '' }), /current-context is empty/],
    ['a context that does not exist', kubeconfig({ rest: 'current-context: there' }), /contexts has no entry named "there"/],
    ['a context without a user', kubeconfig({ rest: 'current-context: nobody' }), /context "nobody" names no user/],
    ['no server', kubeconfig({ cluster: `{${ca}}` }), /cluster\.server is missing/],
    ['an empty cluster', kubeconfig({ cluster: '' }), /the cluster "c" is empty/],
    ['plain http', kubeconfig({ cluster: `{server: "http://a:1", ${ca}}` }), /must look like https:.*http is not supported/],
    ['a server that is no URL', kubeconfig({ cluster: `{server: "a b", ${ca}}` }), /is no URL/],
    ['a server with a password', kubeconfig({ cluster: `{server: "https://u:p@a", ${ca}}` }), /remove user, password/],
    [
      'unverified TLS',
      kubeconfig({ cluster: '{server: "https://a", insecure-skip-tls-verify: true}' }),
      /insecure-skip-tls-verify is not supported/,
    ],
    ['a proxy', kubeconfig({ cluster: `{server: "https://a", proxy-url: "http://p", ${ca}}` }), /proxy-url is not supported/],
    ['no CA', kubeconfig({ cluster: '{server: "https://a"}' }), /cluster\.certificate-authority is missing/],
    [
      'a CA that is no PEM',
      kubeconfig({ cluster: '{server: "https://a", certificate-authority-data: aGVsbG8=}' }),
      /contains no PEM block "CERTIFICATE"/,
    ],
    [
      'a CA file that is missing',
      kubeconfig({ cluster: '{server: "https://a", certificate-authority: no.crt}' }),
      /\/etc\/no\.crt\): ENOENT/,
    ],
    ['a plugin', kubeconfig({ user: '{exec: {command: aws}}' }), /user\.exec is not supported/],
    ['an old plugin', kubeconfig({ user: '{auth-provider: {name: gcp}}' }), /user\.auth-provider is not supported/],
    ['a password', kubeconfig({ user: '{username: a, password: b}' }), /username and password are not supported/],
    ['no credentials', kubeconfig({ user: '{as: x}' }), /neither a client certificate nor a token/],
    ['a certificate without a key', kubeconfig({ user: `{client-certificate-data: ${base64(identity.cert)}}` }), /must both be set/],
    ['a token with a newline inside', kubeconfig({ user: `{token: "a\\n${SECRET}"}` }), /user\.token: empty, or contains/],
    ['a token file that is empty', kubeconfig({ user: '{tokenFile: kubeconfig-empty}' }), /token file \/etc\/kubeconfig-empty: empty/],
    ['a token file that is missing', kubeconfig({ user: '{tokenFile: nowhere}' }), /token file \/etc\/nowhere: ENOENT/],
  ];
  test.each(refused)('with %s is refused in one sentence that names the file and no secret', async (_name, text, words) => {
    const error: Error = await fromFile(text, { '/etc/kubeconfig-empty': '\n' }).then(
      () => new Error('accepted'),
      (reason: Error) => reason,
    );
    expect(error.message).toMatch(words);
    expect(error.message).toContain('/etc/');
    expect(error.message).not.toContain(SECRET);
    expect(error.message).not.toContain('\n');
    expect(['invalid', 'unavailable']).toContain((error as Error & { kind?: string }).kind);
  });

  test('that is missing says which', async () => {
    await expect(load({}, { kubeconfig: '/etc/none' })).rejects.toThrow('reading kubeconfig (/etc/none): ENOENT');
  });
});

describe('a service account', () => {
  const files = { '/sa/token': SECRET, '/sa/ca.crt': authority.cert };
  test('is used with the address the kubelet gives', async () => {
    const inCluster = { host: 'fd00::1', port: '443', tokenFile: '/sa/token', caFile: '/sa/ca.crt' };
    const access = await load(files, { inCluster, apiEndpoints: ['https://10.0.0.1:6443'] });
    expect(access.endpoints.map((each) => each.url)).toEqual(['https://10.0.0.1:6443', 'https://[fd00::1]:443']);
    expect(access.endpoints[1]?.host).toBe('fd00::1');
  });

  test('knows the service address for what it is, whoever names it, and asks it once', async () => {
    const inCluster = { host: '10.96.0.1', port: '443', tokenFile: '/sa/token', caFile: '/sa/ca.crt' };
    const names = ['https://10.96.0.1', 'https://kubernetes.default.svc', 'https://10.0.0.1:6443'];
    const access = await load(files, { inCluster, apiEndpoints: names });
    expect(access.endpoints.map(({ url, service }) => [url, service === true])).toEqual([
      ['https://10.96.0.1:443', true],
      ['https://kubernetes.default.svc:443', true],
      ['https://10.0.0.1:6443', false],
    ]);
    const cluster = `{server: "https://10.96.0.1:443", certificate-authority-data: ${base64(authority.cert)}}`;
    expect((await fromFile(kubeconfig({ cluster }), {}, { inCluster })).endpoints[0]?.service).toBe(true);
  });

  test('without any address says what to set', async () => {
    await expect(load(files)).rejects.toThrow(/set apiEndpoints or kubeconfig/);
  });

  test('keeps the last good CA when the file breaks, and takes the new one when it is whole', async () => {
    const changing: Record<string, string> = { ...files };
    const access = await load(changing, { apiEndpoints: ['https://a'] });
    changing['/sa/ca.crt'] = '';
    expect((await access.trust()).ca).toBe(authority.cert);
    changing['/sa/ca.crt'] = identity.cert;
    expect((await access.trust()).ca).toBe(identity.cert);
  });
});

describe('a token file', () => {
  test('is read again after a minute, and at once after a refusal; a failed read keeps the old token', async () => {
    let now = 0;
    let content: string | undefined = 'one';
    let reads = 0;
    const clock: Clock = { now: () => now, wall: () => now, sleep: async () => {} };
    const source = createTokenSource(
      '/t',
      async () => {
        reads += 1;
        if (content === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
        return content;
      },
      clock,
    );
    expect(await source.current()).toBe('one');
    content = 'two';
    now = TOKEN_MAX_AGE_MS - 1;
    expect(await source.current()).toBe('one');
    expect(reads).toBe(1);
    expect(await source.renew('one')).toBe(true);
    expect(await source.current()).toBe('two');
    expect(await source.renew('two')).toBe(false);
    content = undefined;
    now += TOKEN_MAX_AGE_MS;
    expect(await source.current()).toBe('two');
  });
});

describe('in use', () => {
  test('tls-server-name replaces the name that the certificate must carry', async () => {
    const peer = await tlsPeer(leaf({ names: ['kubernetes.example'] }), replying(http(200, 'ok')));
    const cluster = (extra: string) => `{server: "${peer.url}", certificate-authority-data: ${base64(authority.cert)}${extra}}`;
    const plain = clientOf(await fromFile(kubeconfig({ cluster: cluster('') })));
    const named = clientOf(await fromFile(kubeconfig({ cluster: cluster(', tls-server-name: kubernetes.example') })));
    expect((await plain.probe.probe(1000))[0]?.outcome).toBe('tls');
    expect((await named.probe.probe(1000))[0]?.outcome).toBe('ok');
    await Promise.all([plain.close(), named.close(), peer.close()]);
  });

  test('a client certificate is shown to a server that asks for one', async () => {
    const server = leaf();
    const me = issueCertificate(authority, { commonName: 'agent', organizations: ['agents'], names: [], ...VALID });
    let peerName = '';
    const listener = createServer({ cert: server.cert, key: server.key, ca: authority.cert, requestCert: true }, (socket) => {
      const name: unknown = socket.getPeerCertificate().subject?.CN;
      peerName = typeof name === 'string' ? name : '';
      socket.on('data', () => socket.end(http(200, 'ok')));
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as { port: number };
    const cluster = `{server: "https://127.0.0.1:${port}", certificate-authority-data: ${base64(authority.cert)}}`;
    const user = `{client-certificate-data: ${base64(me.cert)}, client-key-data: ${base64(me.key)}}`;
    const client = clientOf(await fromFile(kubeconfig({ cluster, user })));
    expect((await client.probe.probe(1000))[0]?.outcome).toBe('ok');
    expect(peerName).toBe('agent');
    await client.close();
    await new Promise((resolve) => listener.close(resolve));
  });

  test('TLS material that OpenSSL cannot read is no outage, and nothing of it is quoted', async () => {
    const pem = (label: string) => base64(`-----BEGIN ${label}-----\n${base64('not DER')}\n-----END ${label}-----\n`);
    const user = `{client-certificate-data: ${pem('CERTIFICATE')}, client-key-data: ${pem('PRIVATE KEY')}}`;
    const client = clientOf(await fromFile(kubeconfig({ user })));
    const [result] = await client.probe.probe(1000);
    expect(result?.outcome).toBe('tls');
    expect(result?.detail).toContain('the TLS material cannot be used');
    expect(result?.detail).not.toContain(base64('not DER'));
    await client.close();
  });

  test('a client certificate that was refused is read again for the next connection', async () => {
    const api = createApiServer();
    await api.start();
    const cluster = `{server: "${api.url}", certificate-authority-data: ${base64(api.ca)}}`;
    const me = issueCertificate(authority, { commonName: 'agent', names: [], ...VALID });
    const user = '{client-certificate: me.crt, client-key: me.key}';
    const client = clientOf(await fromFile(kubeconfig({ cluster, user }), { '/etc/me.crt': me.cert, '/etc/me.key': me.key }));
    const pod = { namespace: 'a', name: 'b' };
    await expect(client.reader.readPod(pod, 1000)).rejects.toMatchObject({ kind: 'denied' });
    await expect(client.reader.readPod(pod, 1000)).rejects.toMatchObject({ kind: 'denied' });
    expect(api.wire.connections()).toBe(2);
    await client.close();
    await api.stop();
  });

  test('the fingerprint of a CA bundle does not depend on order, comments or repetition', () => {
    const bundle = `# one\n${authority.cert}\n${identity.cert}`;
    expect(caFingerprint(bundle)).toBe(caFingerprint(identity.cert + authority.cert + identity.cert));
    expect(caFingerprint(bundle)).not.toBe(caFingerprint(authority.cert));
    expect(() => caFingerprint('none')).toThrow(/holds no certificate/);
    expect(() => caFingerprint('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')).toThrow(/cannot be read/);
  });
});

describe('an access without credentials', () => {
  const anonymous = { anonymous: true, inCluster: { host: '10.96.0.1', port: '443', tokenFile: '/sa/token', caFile: '/sa/ca.crt' } };

  test('needs no token file, reads none that is there, and still verifies the server', async () => {
    for (const files of [{}, { '/sa/token': SECRET }]) {
      const access = await load({ '/sa/ca.crt': authority.cert, ...files }, anonymous);

      expect(access.token).toBeUndefined();
      expect(access.endpoints.map(({ url }) => url)).toEqual(['https://10.96.0.1:443']);
      expect(await access.trust()).toEqual({ ca: authority.cert });
    }
  });

  test('does not do without the CA, and an ordinary access not without the token', async () => {
    await expect(load({}, anonymous)).rejects.toThrow('/sa/ca.crt');
    await expect(load({ '/sa/ca.crt': authority.cert }, { ...anonymous, anonymous: false })).rejects.toThrow('/sa/token');
  });

  test('concludes nothing from a watch that sees nothing, and reads nothing', async () => {
    const watch = blindWatch();
    watch.start(() => undefined);
    watch.retryNow();

    expect(watch.view()).toEqual({ synced: false, healthy: false, pods: new Map() });
    await watch.stop();
    await expect(deniedReader('c1').readPod({ namespace: 'a', name: 'b' }, 1)).rejects.toMatchObject({ kind: 'denied' });
    expect(deniedReader('c1').clusterFingerprint()).toBe('c1');
  });
});
