/**
 * How would each copy fare if it had to start, and what keeps down one that has to? For people: nothing is decided by
 * it. Pure.
 *
 * Judged in every turn, also while the API server answers: after the next power cut it would be too late. A quiet turn
 * asks neither for images nor for what lies in staticPodPath, so what was last seen of them holds until they are asked
 * for again: what is told does not come and go with the questions.
 */
import type { Checkpoint, CheckpointKey, Decision, Facts, ManifestFile, Millis, Obstacle, Reason, Seen } from '../model/model.ts';
import { type Hindering, isCopyTrouble, meaningOf, OBSTACLES } from '../model/obstacles.ts';
import { sinceEach } from '../model/since.ts';
import { exitWords } from './copy-words.ts';
import type { Observation } from './observation.ts';
import { ofItself } from './obstacles.ts';
import type { Subject } from './subject.ts';

/** What is rather an unknown is told when it has lasted so long: a runtime that restarts is back by then. */
export const SETTLES_MS: Millis = 10_000;

export interface Hindrance {
  readonly reason: Hindering;
  /** It keeps the copy down now; else the copy would not start in an outage. */
  readonly down: boolean;
  /** Which image, which file, what is damaged; never anything of a file's content. */
  readonly detail?: string;
}

/** What one turn leaves to the next, and to those who tell people. */
export interface Outlook {
  readonly hindrances: ReadonlyMap<CheckpointKey, Hindrance>;
  /** Is the image on the node, by the last answer? */
  readonly images: ReadonlyMap<string, Seen<boolean>>;
  /** What lay in staticPodPath, by the last answer. */
  readonly manifests: Seen<readonly ManifestFile[]>;
  /** Since when a checkpoint has what is told only when it has lasted. */
  readonly unsettled: ReadonlyMap<CheckpointKey, Millis>;
}

export const NO_OUTLOOK: Outlook = {
  hindrances: new Map(),
  images: new Map(),
  manifests: { known: false, why: 'not asked yet' },
  unsettled: new Map(),
};

/** One checkpoint of this turn, with what was decided of it, and by which facts. */
export interface Decided extends Subject {
  readonly decision: Decision;
  readonly facts: Pick<Facts, 'copy'>;
}

export function outlook(before: Outlook, all: readonly Decided[], now: Observation): Outlook {
  const images = lastSeen(before, all, now);
  const manifests = now.manifests.known ? now.manifests : before.manifests;
  const o = { ...now, images, manifests };
  const found = all.map((one) => {
    const last = before.hindrances.get(one.checkpoint.key);
    return { one, last, down: downBy(one, last), ahead: aheadOf(one, last, all, o) };
  });
  const settling = found.filter(({ down, ahead }) => settles(down) > 0 || settles(ahead) > 0).map(({ one }) => one.checkpoint.key);
  const unsettled = sinceEach(before.unsettled, settling, now.now);
  const hindrances = new Map<CheckpointKey, Hindrance>();
  for (const { one, last, down, ahead } of found) {
    const { key } = one.checkpoint;
    const from = unsettled.get(key);
    const lasted = from === undefined ? 0 : now.now - from;
    const told = [down, ahead].find((reason) => reason !== undefined && lasted >= settles(reason));
    const reason = told ?? (from === undefined ? undefined : last?.reason);
    if (reason === undefined) continue;
    const detail = detailOf(reason, one, o) ?? (last?.reason === reason ? last.detail : undefined);
    hindrances.set(key, { reason, down: down !== undefined, ...(detail === undefined ? {} : { detail }) });
  }
  return { hindrances, images, manifests, unsettled };
}

/** The reason that people are shown: in good times, what would keep the copy from starting. */
export function shownReason(reason: Reason, hindrance: Pick<Hindrance, 'reason' | 'down'> | undefined): string {
  const good = reason === 'api-reachable' || reason === 'api-unsure' || reason === 'parent-running';
  return good && hindrance?.down === false ? `would-not-start: ${hindrance.reason}` : reason;
}

/** What it means, with the detail, and what to do: plain text. */
export function sentenceOf({ reason, detail }: Hindrance): string {
  const { means, todo } = meaningOf(reason);
  const whole = detail === undefined ? means : means.replace(/\.(?= |$)/, () => ` (${detail}).`);
  return (todo === undefined ? whole : `${whole} ${todo}`).replaceAll('`', '');
}

/** Images of this checkpoint that are not on the node, as far as that is known. */
export function missingImages({ record }: Checkpoint, images: Outlook['images']): readonly string[] {
  const names = new Set(record.images.map(({ image }) => image));
  return [...names].filter((image) => {
    const present = images.get(image);
    return present?.known === true && !present.value;
  });
}

/** Of the images that any checkpoint still needs. */
function lastSeen(before: Outlook, all: readonly Decided[], o: Observation): Outlook['images'] {
  const names = new Set(all.flatMap(({ checkpoint }) => checkpoint.record.images.map(({ image }) => image)));
  const entries = [...names].flatMap((name): readonly (readonly [string, Seen<boolean>])[] => {
    const asked = o.images.get(name);
    const answer = asked?.known === true ? asked : before.images.get(name);
    return answer === undefined ? [] : [[name, answer]];
  });
  return new Map(entries);
}

/**
 * By the decision itself: a copy that has to run does not. A wait that ends by itself keeps none down, and one that is
 * placed may run although its manifest has been replaced.
 */
function downBy({ decision: { state, reason }, facts }: Decided, last: Hindrance | undefined): Hindering | undefined {
  if (isCopyTrouble(reason)) return meaningOf(reason).told === 'never' ? undefined : reason;
  // nobody can tell whether it still does not run: that is no all-clear
  if (state === 'active' && reason === 'local-truth-unknown' && last?.down === true && isCopyTrouble(last.reason)) return last.reason;
  if (state !== 'inactive' && facts.copy !== 'gone') return undefined;
  if (reason === 'local-truth-unknown') return state === 'inactive' ? reason : undefined;
  return isObstacle(reason) && OBSTACLES[reason].told !== 'never' ? reason : undefined;
}

/** What is about the checkpoint itself; of two of one DaemonSet the earlier may well be without its image. */
function aheadOf(one: Decided, last: Hindrance | undefined, all: readonly Decided[], o: Observation): Hindering | undefined {
  // that it goes is no all-clear
  if (one.decision.state === 'retired') return last?.reason;
  if (one.placed !== undefined || one.decision.state !== 'inactive') return undefined;
  const found = hindering(one, last, o);
  // all others are looked at only where there is something to tell
  return found === undefined || replaced(one, all, o) ? undefined : found;
}

function hindering(one: Decided, last: Hindrance | undefined, o: Observation): Hindering | undefined {
  const found = ofItself(one, o);
  if (found !== undefined) return OBSTACLES[found].told === 'ahead' ? found : undefined;
  // a new revision's images are unknown until they are asked for: that is no all-clear
  const unknown = one.checkpoint.record.images.some(({ image }) => !o.images.has(image));
  return unknown && last?.reason === 'image-missing' ? last.reason : undefined;
}

/** A later pod of the same DaemonSet was captured here, and its copy runs or would start. */
function replaced({ checkpoint: { key, record } }: Decided, all: readonly Decided[], o: Observation): boolean {
  const { controller } = record.parent;
  if (controller?.kind !== 'DaemonSet') return false;
  return all.some((other) => {
    const { parent, capturedAt } = other.checkpoint.record;
    const later = other.checkpoint.key !== key && parent.controller?.uid === controller.uid && capturedAt > record.capturedAt;
    return later && (other.placed !== undefined || ofItself(other, o) === undefined);
  });
}

function detailOf(reason: Hindering, one: Decided, o: Observation): string | undefined {
  const { checkpoint } = one;
  switch (reason) {
    case 'copy-failing':
      return exitWords(one, o);
    case 'network-not-ready':
      return o.network?.known === true && o.network.value.message !== '' ? o.network.value.message : undefined;
    case 'image-missing': {
      const missing = missingImages(checkpoint, o.images);
      return missing.length === 0 ? undefined : missing.join(', ');
    }
    case 'checkpoint-damaged':
    case 'checkpoint-unread':
      return checkpoint.problem;
    case 'node-under-pressure':
      return o.short?.known === true && o.short.value.length > 0 ? o.short.value.join('; ') : undefined;
    case 'parent-ended':
      return o.short?.known === false ? o.short.why : undefined;
    case 'checkpoint-expired':
      return `confirmed ${checkpoint.confirmedAt}`;
    default:
      return undefined;
  }
}

/** How long it has to last before it is told. */
function settles(reason: Hindering | undefined): Millis {
  const settling = reason === undefined ? undefined : meaningOf(reason).settles;
  return settling === true ? SETTLES_MS : (settling ?? 0);
}

function isObstacle(reason: Reason): reason is Obstacle {
  return Object.hasOwn(OBSTACLES, reason);
}
