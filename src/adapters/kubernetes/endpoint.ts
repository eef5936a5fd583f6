/** An address of an API server, as configuration and kubeconfig files write it. */
import { PortError } from '../../ports.ts';

export interface ApiEndpoint {
  /** `https://host:port` and the server's path prefix, if it has one; no trailing slash. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly prefix: string;
  /** The address of the cluster's own service, which is dead until kube-proxy runs. */
  readonly service?: boolean;
  /** Learnt from a server, not configured. */
  readonly learnt?: boolean;
  /** Names that its certificate may carry instead of the host. */
  readonly alsoNamed?: readonly string[];
}

/** `https://host[:port][/prefix]` taken apart. Throws PortError `invalid`, naming `where`. */
export function apiEndpoint(text: string, where: string): ApiEndpoint {
  const help = `${where}: must look like https://<host>:<port>`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new PortError('invalid', `${help}: what is there is no URL`);
  }
  if (url.protocol !== 'https:') throw new PortError('invalid', `${help}: ${url.protocol.replace(':', '')} is not supported`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new PortError('invalid', `${help}: remove user, password, query and fragment`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 443 : Number(url.port);
  const prefix = url.pathname.replace(/\/+$/, '');
  return { url: `https://${url.hostname}:${port}${prefix}`, host, port, prefix };
}
