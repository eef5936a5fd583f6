/** The port to what this node has for pods, and to what was last known of what they ask for. Part of `ports.ts`. */
import type { Amounts } from '../core/model/reservation.ts';
import type { Requested } from '../core/room/requested.ts';

/** What the kubelet gives. */
export interface NodeCapacity {
  /** What is not known is left out. */
  readonly allocatable: Partial<Amounts>;
  /** Left out: not known. */
  readonly podLimit?: number;
  /** The static CPU policy: whole CPUs are given to those who ask for them. */
  readonly exclusiveCpus: boolean;
}

export interface NodeResources {
  /** undefined: the kubelet's configuration is there and cannot be read. Never throws. */
  capacity(): Promise<NodeCapacity | undefined>;
  /** As it was last written, by whichever agent; undefined: nothing that can be used. Throws PortError `failed`. */
  readRequested(): Promise<Requested | undefined>;
  /** Atomic and durable. Throws PortError `failed`. */
  writeRequested(requested: Requested): Promise<void>;
}
