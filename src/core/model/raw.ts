/** The API's objects as their JSON came. Types only. */
import type { V1Container, V1Pod, V1PodSpec, V1Volume } from '@kubernetes/client-node';

/**
 * client-node's types describe objects whose dates were parsed. We keep the API's JSON as it came, so that fields
 * unknown to those types survive; in it every date is a string.
 */
export type Raw<T> = T extends Date ? string : T extends (infer U)[] ? Raw<U>[] : T extends object ? { [K in keyof T]: Raw<T[K]> } : T;
export type RawPod = Raw<V1Pod>;
export type RawPodSpec = Raw<V1PodSpec>;
export type RawContainer = Raw<V1Container>;
export type RawVolume = Raw<V1Volume>;
