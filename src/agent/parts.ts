/** What an agent is made of, each part knowing those that it needs and no others. */
import type { Ports } from '../ports.ts';
import { type ApiBelief, createApiBelief } from './api-belief.ts';
import { withdrawAtOnce } from './apply.ts';
import { type Captures, createCaptures } from './capture/captures.ts';
import { createImageLooks, type ImageLooks } from './capture/images.ts';
import { createDoubts, type Doubts } from './doubts.ts';
import { createGlance, type Glance } from './glance.ts';
import { type CloseWatch, createCloseWatch } from './hand-back/close-watch.ts';
import { createStarts, type Starts } from './hand-back/starts.ts';
import { createHeld, type Held } from './held.ts';
import { createObserver, type Observe } from './observe.ts';
import { createReporter, type Reporter } from './report/reporter.ts';
import { createStrangerNews, type StrangerNews } from './report/stranger-news.ts';
import { createRoom, type Room } from './room.ts';
import { createStandby, type Standby } from './self/standby.ts';
import { createStaticPods, type StaticPods } from './self/static-pods.ts';
import type { AgentSettings } from './settings.ts';
import { createStamps, type Stamps } from './stamps.ts';
import { createVerifier, type Verifier } from './verify.ts';
import type { Wakeups } from './wakeups.ts';

export interface Parts {
  readonly held: Held;
  readonly api: ApiBelief;
  readonly observe: Observe;
  readonly doubts: Doubts;
  readonly room: Room;
  readonly verifier: Verifier;
  readonly closeWatch: CloseWatch;
  readonly glance: Glance;
  readonly starts: Starts;
  readonly captures: Captures;
  readonly imageLooks: ImageLooks;
  readonly stamps: Stamps;
  readonly standby: Standby;
  readonly staticPods: StaticPods;
  readonly reporter: Reporter;
  readonly strangers: StrangerNews;
}

export function createParts(ports: Ports, settings: AgentSettings, wakeups: Wakeups): Parts {
  const held = createHeld(ports);
  const reporter = createReporter(ports);
  const starts = createStarts(ports);
  const closeWatch = createCloseWatch(
    ports,
    {
      withdraw: (withdrawal, podUid, sign) => withdrawAtOnce(ports, held, withdrawal, podUid, sign),
      wake: () => wakeups.wake('close-watch'),
    },
    () => starts.sign(),
  );
  return {
    held,
    reporter,
    strangers: createStrangerNews(ports),
    api: createApiBelief(
      ports,
      settings.reachability,
      {
        changed: (before, after) => reporter.reachability(before, after),
        probed: () => wakeups.wake('probe'),
      },
      // a standby has no watch, and the first round of an agent in no pod is waited for at boot
      { random: settings.random, watchOpens: settings.policy.role === 'daemonset' },
    ),
    observe: createObserver(ports),
    doubts: createDoubts(ports.log, settings.bootedAt),
    room: createRoom(ports, held, settings.policy.activeLimit),
    verifier: createVerifier(ports, held),
    closeWatch,
    glance: createGlance(ports, { containers: (all) => closeWatch.show(all), news: () => wakeups.wake('runtime') }),
    starts,
    captures: createCaptures(ports, settings, held, () => wakeups.wake('capture')),
    imageLooks: createImageLooks(ports),
    stamps: createStamps(ports, held),
    standby: createStandby(ports, settings, held),
    staticPods: createStaticPods(ports, settings, held),
  };
}
