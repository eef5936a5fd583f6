/**
 * Faults on order for the embedded API server. Without an order it does its best.
 */
import type { Json } from '../../core/model/model.ts';

export type RequestVerb = 'list' | 'watch' | 'get' | 'write' | 'health';

export type Fault =
  /** Exactly this reply; no Kubernetes body unless `body` is one. */
  | { readonly do: 'reply'; readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** A `Status` object. */
  | { readonly do: 'status'; readonly code: number; readonly reason: string; readonly headers?: Readonly<Record<string, string>> }
  /** Never answers. */
  | { readonly do: 'hang' }
  /** Half a list, then the connection breaks. */
  | { readonly do: 'half' }
  /** The connection breaks before any reply. */
  | { readonly do: 'drop' }
  /** The list as it would be, changed: another resourceVersion, no items. */
  | { readonly do: 'rewrite'; readonly change: (list: Json) => Json }
  /** A watch that sends these texts, as they are, before anything else, and then ends if told so. */
  | { readonly do: 'lines'; readonly texts: readonly string[]; readonly end: boolean };

export interface FaultBox {
  /** The next `times` requests with this verb meet the fault. */
  next(verb: RequestVerb | 'any', fault: Fault, times?: number): void;
  clear(): void;
  /** readyz fails and names etcd. */
  storageDown: boolean;
  /** No bookmarks on watches opened from now on. */
  noBookmarks: boolean;
  /** Watches opened from now on send no events either. */
  muteWatches: boolean;
  take(verb: RequestVerb): Fault | undefined;
}

export function createFaultBox(): FaultBox {
  let orders: { readonly verb: RequestVerb | 'any'; readonly fault: Fault; left: number }[] = [];
  return {
    storageDown: false,
    noBookmarks: false,
    muteWatches: false,
    next(verb, fault, times = 1) {
      orders.push({ verb, fault, left: times });
    },
    clear() {
      orders = [];
      this.storageDown = false;
      this.noBookmarks = false;
      this.muteWatches = false;
    },
    take(verb) {
      const order = orders.find((each) => each.verb === verb || each.verb === 'any');
      if (order === undefined) return undefined;
      order.left -= 1;
      if (order.left <= 0) orders = orders.filter((each) => each !== order);
      return order.fault;
    },
  };
}
