/**
 * What is asked of the runtime about copies that do not serve, and what it has told of them. Pure.
 *
 * While every copy serves nothing is asked. A container that has exited does not change any more, so that it is asked
 * about once; the network every few seconds. Both are asked for by the turn that sees the need, and told to the next.
 */
import type { ContainerExit, CopyStand, NetworkWord } from '../model/copy-stand.ts';
import type { Millis, Seen } from '../model/model.ts';
import { formatTime } from '../model/time.ts';
import { copyShape } from './copy-listed.ts';
import { exited } from './copy-serves.ts';
import type { Observation } from './observation.ts';
import type { Subject } from './subject.ts';

/** Between two questions for the network. */
export const NETWORK_LOOK_MS: Millis = 5_000;

export interface CopyWords {
  /** By container id; one that could not be had is not asked for again. */
  readonly exits: ReadonlyMap<string, Seen<ContainerExit>>;
  readonly network?: { readonly word: Seen<NetworkWord>; readonly at: Millis };
  /** Containers to ask about. */
  readonly askExits: readonly string[];
  readonly askNetwork: boolean;
}

export const NO_WORDS: CopyWords = { exits: new Map(), askExits: [], askNetwork: false };

/** The observation with what was told before. */
export function withWords(before: CopyWords, o: Observation): Observation {
  const network = o.network ?? before.network?.word;
  return { ...o, exits: new Map([...before.exits, ...(o.exits ?? [])]), ...(network === undefined ? {} : { network }) };
}

/** `asked`: the observation as it came; `o`: the same with what was told before. */
export function nextWords(
  before: CopyWords,
  all: readonly (Subject & { readonly facts: { readonly copy: CopyStand } })[],
  o: Observation,
  asked: Observation,
): CopyWords {
  const network = asked.network === undefined ? before.network : { word: asked.network, at: o.now };
  const told = o.exits ?? before.exits;
  // a turn in which the runtime told nothing changes nothing
  if (!o.runtime.known) return { ...before, exits: told, ...(network === undefined ? {} : { network }) };
  const view = o.runtime.value;
  const idle = all.filter(({ checkpoint: { record }, facts }) => record.self !== true && facts.copy !== 'serving');
  const ended = idle.flatMap(({ checkpoint, placed }) =>
    placed?.phase === 'placed' ? exited(checkpoint, placed, view).map(({ id }) => id) : [],
  );
  const last = all.flatMap(({ track }) => (track.copyFailing === undefined ? [] : [track.copyFailing.id]));
  const wanted = new Set([...ended, ...last]);
  const askNetwork = idle.some(({ checkpoint, placed }) => placed?.phase === 'placed' && copyShape(checkpoint).podNetwork);
  return {
    exits: new Map([...told].filter(([id]) => wanted.has(id))),
    askExits: ended.filter((id) => !told.has(id)),
    askNetwork,
    ...(askNetwork && network !== undefined ? { network } : {}),
  };
}

/** What the next turn has to ask; nothing where there is nothing to ask. */
export function copyNeeds({ askExits, askNetwork, network }: CopyWords, now: Millis): { exits?: readonly string[]; network?: true } {
  const due = askNetwork && (network === undefined || now - network.at >= NETWORK_LOOK_MS);
  return { ...(askExits.length > 0 ? { exits: askExits } : {}), ...(due ? { network: true } : {}) };
}

/** How the container ended, for people; undefined where the runtime has not told. */
export function exitWords({ track }: Pick<Subject, 'track'>, o: Pick<Observation, 'exits'>): string | undefined {
  const { copyFailing } = track;
  if (copyFailing === undefined) return undefined;
  const exit = o.exits?.get(copyFailing.id);
  if (exit?.known !== true) return `container ${copyFailing.container}`;
  const { code, reason, at } = exit.value;
  const when = at > 0 ? ` at ${formatTime(at)}` : '';
  return `container ${copyFailing.container}, exit code ${code}${reason === '' ? '' : `, ${reason}`}${when}`;
}
