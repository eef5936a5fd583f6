/**
 * Watches of the embedded API server: history first, then what happens, with bookmarks, until the time asked for is
 * over.
 *
 * A pod that enters or leaves a selector shows as ADDED or DELETED, as in the real server's watch cache.
 */

import type { Json, RawPod } from '../../core/model/model.ts';
import type { Fault } from './api-server-faults.ts';
import { type Response, type RestOptions, statusObject } from './api-server-reply.ts';
import type { StoreEvent } from './api-server-store.ts';

export interface PodSelection {
  readonly namespace?: string;
  readonly name?: string;
  readonly nodeName?: string;
}

export function selects(selection: PodSelection, pod: RawPod): boolean {
  return (
    (selection.namespace === undefined || pod.metadata?.namespace === selection.namespace) &&
    (selection.name === undefined || pod.metadata?.name === selection.name) &&
    (selection.nodeName === undefined || pod.spec?.nodeName === selection.nodeName)
  );
}

export function startWatch(options: RestOptions, selection: PodSelection, url: URL, response: Response, fault: Fault | undefined): void {
  const { store, faults, bookmarkMs } = options;
  const write = (text: string) => response.write(text);
  const tell = (type: string, object: unknown) => write(`${JSON.stringify({ type, object })}\n`);
  response.writeHead(200, { 'content-type': 'application/json', 'audit-id': 'embedded' });
  response.flushHeaders();
  if (fault?.do === 'lines') {
    for (const text of fault.texts) write(text);
    if (fault.end) {
      response.end();
      return;
    }
  }
  const from = Number(url.searchParams.get('resourceVersion') || '0');
  const muted = faults.muteWatches;
  if (from === 0) for (const pod of store.pods().filter((each) => selects(selection, each))) tell('ADDED', pod);
  const missed = from === 0 ? [] : store.since(from);
  if (missed === undefined) {
    tell('ERROR', statusObject(410, 'Expired', `too old resource version: ${from}`));
    response.end();
    return;
  }
  const show = (event: StoreEvent) => {
    const seen = muted ? undefined : asSeen(selection, event);
    if (seen !== undefined) tell(seen, event.pod);
  };
  for (const event of missed) show(event);
  const unsubscribe = store.subscribe(show);
  const bookmark = (): Json => ({
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { resourceVersion: String(store.resourceVersion()), creationTimestamp: null },
    spec: { containers: null },
    status: {},
  });
  const wanted = url.searchParams.get('allowWatchBookmarks') === 'true' && !faults.noBookmarks && !muted;
  const bookmarks = wanted ? setInterval(() => tell('BOOKMARK', bookmark()), bookmarkMs) : undefined;
  const seconds = Number(url.searchParams.get('timeoutSeconds') || '1800');
  const timeout = setTimeout(() => response.end(), seconds * 1000);
  response.once('close', () => {
    unsubscribe();
    clearInterval(bookmarks);
    clearTimeout(timeout);
  });
}

function asSeen(selection: PodSelection, event: StoreEvent): 'ADDED' | 'MODIFIED' | 'DELETED' | undefined {
  const now = event.type !== 'DELETED' && selects(selection, event.pod);
  const before = event.before !== undefined && selects(selection, event.before);
  if (now) return before ? 'MODIFIED' : 'ADDED';
  return before ? 'DELETED' : undefined;
}
