/** What of the parent's requests a copy keeps, and why. Data only; it is decided in `core/room/`. */

/** What the kubelet counts, and a copy may ask less of. Huge pages must be asked for as they are limited. */
export const RESOURCES = ['cpu', 'memory', 'ephemeral-storage'] as const;
export type Resource = (typeof RESOURCES)[number];

/** Whole numbers: thousandths of a CPU, bytes. */
export type Amounts = Readonly<Record<Resource, number>>;

/** What `checkpointer/requests` asks for; without it: as far as there is room. */
export type RequestsWish = 'keep' | 'none';

/**
 * - `room`: there is room for all of it beside everything else bound to this node
 * - `no-room`: there is none for what was lowered
 * - `room-unknown`: nobody knows what else is bound to this node, or what the kubelet can give
 * - `parent-holds-it`: the kubelet knows the parent, which has its reservation already
 * - `tried-again`: the kubelet refused the copy before
 * - `annotation`: the parent's annotation says so
 * - `found`: it was read off a manifest of ours that the ledger did not know any more
 */
export type ReservationReason = 'room' | 'no-room' | 'room-unknown' | 'parent-holds-it' | 'tried-again' | 'annotation' | 'found';

export interface Reservation {
  /** Requested as an explicit zero; in the order of {@link RESOURCES}. */
  readonly zeroed: readonly Resource[];
  /** Whole CPUs are asked for less a thousandth, so that none becomes the copy's own. */
  readonly shared?: true;
  readonly why: ReservationReason;
  /** What is left of the requests, as the kubelet counts them. */
  readonly amounts: Amounts;
}

/** Of an entry of the ledger. */
export interface WithReservation {
  /** Left out: placed by an older version, with all requests; or the pod has none. */
  readonly reserves?: Reservation;
}

/** Of a record. */
export interface WithWish {
  readonly requests?: RequestsWish;
}
