/**
 * What can be said of a field: the five kinds of row of the field tables.
 * Types and constructors only; the rows are in fields.ts, fields-container.ts and fields-volume.ts.
 */
import type { RefusalCode } from './refusal.ts';

/** What a kept value must look like. A nested object is kept only as far as its own rows say. */
export type Shape =
  | 'text'
  | 'integer'
  | 'boolean'
  | 'texts'
  | 'integers'
  | 'quantity'
  | 'quantities'
  | 'port'
  | { readonly object: FieldTable }
  | { readonly list: FieldTable };

export type FieldRule =
  | {
      readonly action: 'keep';
      readonly shape: Shape;
      readonly why: string;
      /** Minor version of the first kubelet that has it switched on; older and unknown ones do `otherwise`. */
      readonly since?: number;
      readonly otherwise?: 'drop' | 'refuse';
    }
  | { readonly action: 'drop'; readonly why: string }
  /** Made by code of the sanitizer. */
  | { readonly action: 'rewrite'; readonly why: string }
  /** `why` also says what to do about it. */
  | { readonly action: 'refuse'; readonly code: RefusalCode; readonly why: string };

export type FieldTable = Readonly<Record<string, FieldRule>>;

export function keep(shape: Shape, why: string): FieldRule {
  return { action: 'keep', shape, why };
}
export function keepSince(since: number, otherwise: 'drop' | 'refuse', shape: Shape, why: string): FieldRule {
  return { action: 'keep', shape, why, since, otherwise };
}
export function drop(why: string): FieldRule {
  return { action: 'drop', why };
}
export function rewrite(why: string): FieldRule {
  return { action: 'rewrite', why };
}
export function refuse(code: RefusalCode, why: string): FieldRule {
  return { action: 'refuse', code, why };
}
