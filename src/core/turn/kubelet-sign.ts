/**
 * Has the kubelet something new from an API server? A pod that it did not list before, or one that it runs under a uid
 * that it did not run before: then it reaches a server, and the parents of our copies may come within a second. Pure.
 *
 * By pods, not by sandboxes or containers: a parent that cannot start without its server gets those again and again.
 */
import type { Millis } from '../model/model.ts';
import type { Observation } from './observation.ts';
import { apiPodsListed, fromApi } from './witness.ts';

/** Pods of an API server that the kubelet showed when it was last asked, and when some of them were last news. */
export interface KubeletSign {
  readonly listed: ReadonlySet<string>;
  readonly run: ReadonlySet<string>;
  readonly at?: Millis;
}

/** What is seen first counts as news: nobody knows since when it is so. `before`: undefined at first. */
export function kubeletSign(
  before: KubeletSign | undefined,
  o: Pick<Observation, 'kubelet' | 'runtime' | 'watch' | 'where' | 'now'>,
): KubeletSign {
  const listed = o.kubelet.known ? new Set(apiPodsListed(o)) : before?.listed;
  const run = o.runtime.known ? new Set(fromApi(o.runtime.value).map(({ uid }) => uid)) : before?.run;
  const next = { listed: listed ?? new Set<string>(), run: run ?? new Set<string>() };
  const news = hasMore(next.listed, before?.listed) || hasMore(next.run, before?.run);
  if (news) return { ...next, at: o.now };
  return before?.at === undefined ? next : { ...next, at: before.at };
}

function hasMore(now: ReadonlySet<string>, before: ReadonlySet<string> = new Set()): boolean {
  return [...now].some((name) => !before.has(name));
}
