/**
 * Keeps what this node has for copies: what the kubelet gives, and the sum of what everything bound to the node asks
 * for. The sum is taken while the watch is healthy, and goes to the disk when it has changed, at most once a minute: an
 * agent that starts without an API server has nothing else to go by. Contains no rules; those are in `core/room/`.
 */
import { messageOf } from '../core/model/errors.ts';
import type { Millis } from '../core/model/model.ts';
import { podsTooMany } from '../core/room/pods-too-many.ts';
import { type Counted, type Requested, requestedOf, sameRequested } from '../core/room/requested.ts';
import type { NodeRoom } from '../core/room/reserve.ts';
import type { Observation } from '../core/turn/observation.ts';
import type { NodeCapacity } from '../ports/room.ts';
import type { Ports } from '../ports.ts';
import type { Held } from './held.ts';

const WRITE_EVERY_MS: Millis = 60_000;
/** The kubelet may be given another configuration while we run. */
const LOOK_EVERY_MS: Millis = 600_000;

export interface Room {
  /** Once, at the start, without any server. Never throws. */
  begin(): Promise<void>;
  /** The observation with the room that copies have. */
  look(o: Observation): Observation;
  /** Writes what is due. Not while anything else is written, or waited for. Never throws. */
  keep(): Promise<void>;
  /** One sentence while there may be more pods than the kubelet takes. */
  tooMany(): string | undefined;
}

export function createRoom(ports: Pick<Ports, 'clock' | 'resources' | 'log'>, held: Held, activeLimit: number): Room {
  const { clock, resources, log } = ports;
  const counted: Counted = new WeakMap();
  let capacity: NodeCapacity | undefined;
  let requested: Requested | undefined;
  let written: Requested | undefined;
  let writtenAt: Millis = Number.NEGATIVE_INFINITY;
  let lookedAt: Millis = Number.NEGATIVE_INFINITY;
  let tooMany: string | undefined;

  async function lookAtNode(): Promise<void> {
    capacity = await resources.capacity();
    lookedAt = clock.now();
  }

  function note(): void {
    const before = tooMany;
    tooMany = podsTooMany({ requested, podLimit: capacity?.podLimit, checkpoints: [...held.checkpoints.values()], activeLimit });
    // how many they are changes with every pod: that is no news
    if (before === undefined && tooMany !== undefined) log.warn(`Pods too many for this node: ${tooMany}`);
    if (before !== undefined && tooMany === undefined) log.info('This node takes its pods and their copies');
  }

  return {
    async begin() {
      await lookAtNode();
      try {
        written = await resources.readRequested();
        requested = written;
      } catch (error) {
        log.warn('What is bound to this node is not known: copies reserve nothing', { error: messageOf(error) });
      }
    },
    look(o) {
      if (o.watch.synced && o.watch.healthy) requested = requestedOf(o.watch.pods.values(), [...held.checkpoints.values()], counted);
      note();
      const { allocatable, exclusiveCpus } = capacity ?? {};
      const room: NodeRoom | undefined =
        allocatable === undefined || exclusiveCpus === undefined
          ? undefined
          : { allocatable, exclusiveCpus, requested: requested?.amounts };
      return room === undefined ? o : { ...o, room };
    },
    async keep() {
      const now = clock.now();
      if (now - lookedAt >= LOOK_EVERY_MS) await lookAtNode();
      if (requested === undefined || sameRequested(requested, written) || now - writtenAt < WRITE_EVERY_MS) return;
      writtenAt = now;
      try {
        const next = requested;
        await resources.writeRequested(next);
        written = next;
      } catch (error) {
        log.warn('What is bound to this node could not be written down', { error: messageOf(error) });
      }
    },
    tooMany: () => tooMany,
  };
}
