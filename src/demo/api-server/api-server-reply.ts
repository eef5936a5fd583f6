/** Requests and replies of the embedded API server, as its handlers pass them on. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Json } from '../../core/model/model.ts';
import type { FaultBox } from './api-server-faults.ts';
import type { PodStore } from './api-server-store.ts';

/** node:http2 serves both protocols with objects of the same shape; HTTP/1.1's types are the ones that fit. */
export type Request = IncomingMessage;

export type Response = ServerResponse;

export interface RestOptions {
  readonly store: PodStore;
  readonly faults: FaultBox;
  readonly tokens: ReadonlySet<string>;
  readonly bookmarkMs: number;
  /** `host:port` of this server. */
  readonly address: () => string;
  /** Events (core/v1) that clients posted. */
  readonly events: Json[];
}

/** Breaks the connection a response belongs to. */
export function destroy(response: Response): void {
  const { stream } = response as unknown as Partial<Http2ServerResponse>;
  if (stream?.session !== undefined) stream.session.destroy();
  else response.socket?.destroy();
}

export function send(response: Response, code: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  if (response.headersSent) return;
  response.writeHead(code, { 'content-type': 'application/json', 'audit-id': 'embedded', ...headers });
  response.end(JSON.stringify(body));
}

export function sendText(response: Response, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'audit-id': 'embedded' });
  response.end(text);
}

export function statusObject(code: number, reason: string, message: string): Json {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}
