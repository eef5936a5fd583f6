/**
 * The event stream of containerd 2.x as seen: whoever subscribes first gets every event of the last five minutes that
 * nobody has read; later subscribers get live ones only.
 */
import type { Messages } from '../../adapters/grpc/messages.ts';

export type EventMessage = Messages['ContainerEventResponse'];

const BACKLOG_MS = 5 * 60_000;
const BACKLOG_EVENTS = 1000;

export interface EventLog {
  emit(event: EventMessage): void;
  /** Resolves when the signal aborts. */
  subscribe(receive: (event: EventMessage) => void, signal: AbortSignal): Promise<void>;
}

export function createEventLog(wall: () => number): EventLog {
  const subscribers = new Set<(event: EventMessage) => void>();
  let unread: { readonly at: number; readonly event: EventMessage }[] = [];

  function emit(event: EventMessage): void {
    for (const receive of subscribers) receive(event);
    if (subscribers.size > 0) return;
    unread = [...unread.slice(1 - BACKLOG_EVENTS), { at: wall(), event }];
  }

  async function subscribe(receive: (event: EventMessage) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (subscribers.size === 0) {
      const backlog = unread.filter(({ at }) => wall() - at <= BACKLOG_MS);
      unread = [];
      for (const { event } of backlog) receive(event);
    }
    subscribers.add(receive);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    subscribers.delete(receive);
  }

  return { emit, subscribe };
}
