/** Text of a kubeconfig for an embedded API server: one cluster, one user, a bearer token. */

export interface ServerAccess {
  readonly url: string;
  /** PEM of the authority that signed its certificate. */
  readonly ca: string;
  readonly token: string;
}

export function kubeconfigText({ url, ca, token }: ServerAccess): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'demo',
    contexts: [{ name: 'demo', context: { cluster: 'demo', user: 'demo' } }],
    clusters: [{ name: 'demo', cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: 'demo', user: { token } }],
  });
}
