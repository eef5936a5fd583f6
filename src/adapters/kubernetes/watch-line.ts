/**
 * One line of a watch stream, read with suspicion. Pure; never quotes the line.
 */
import { isObject } from '../../core/model/json.ts';
import type { RawPod } from '../../core/model/model.ts';
import { asPod } from './pod-list.ts';

export type WatchLine =
  | { readonly kind: 'put' | 'gone'; readonly pod: RawPod; readonly resourceVersion: string }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  /** The server's own word in the stream; 410 is an expired resourceVersion. */
  | { readonly kind: 'error'; readonly code: number }
  | { readonly kind: 'garbage' };

export function parseWatchLine(line: string): WatchLine {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return { kind: 'garbage' };
  }
  if (!isObject(event) || !isObject(event['object'])) return { kind: 'garbage' };
  const object = event['object'];
  if (event['type'] === 'ERROR') return { kind: 'error', code: typeof object['code'] === 'number' ? object['code'] : 0 };
  const metadata = object['metadata'];
  const resourceVersion = isObject(metadata) ? metadata['resourceVersion'] : undefined;
  if (typeof resourceVersion !== 'string' || resourceVersion === '') return { kind: 'garbage' };
  switch (event['type']) {
    case 'BOOKMARK':
      return { kind: 'bookmark', resourceVersion };
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      try {
        return { kind: event['type'] === 'DELETED' ? 'gone' : 'put', pod: asPod(object), resourceVersion };
      } catch {
        return { kind: 'garbage' };
      }
    default:
      // A type we do not know may carry a change we would miss.
      return { kind: 'garbage' };
  }
}
