/**
 * What can be said of a field: the five kinds of row of the field tables.
 * Types and constructors only; the rows are in fields.ts, fields-container.ts and fields-volume.ts.
 */
import type { RefusalCode } from '../model/refusal.ts';

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
      /**
       * Minor version of the first kubelet that does with it in a static pod what it does in its parent. With an older
       * or unknown one the pod is refused. Most fields need none: a kubelet without the field, or with its gate off,
       * ignores it in the parent too, so that the copy is neither more nor less than the parent.
       */
      readonly since?: number;
    }
  | { readonly action: 'drop'; readonly why: string }
  /** Made by code of the sanitizer. `of`: what it is made from, so that a field nobody knows in there is noticed. */
  | { readonly action: 'rewrite'; readonly why: string; readonly of?: Shape }
  /** `why` also says what to do about it. */
  | { readonly action: 'refuse'; readonly code: RefusalCode; readonly why: string };

export type FieldTable = Readonly<Record<string, FieldRule>>;

export function keep(shape: Shape, why: string): FieldRule {
  return { action: 'keep', shape, why };
}
/** `why` also says what to do about it. */
export function keepSince(since: number, shape: Shape, why: string): FieldRule {
  return { action: 'keep', shape, why, since };
}
export function drop(why: string): FieldRule {
  return { action: 'drop', why };
}
export function rewrite(why: string, of?: Shape): FieldRule {
  return of === undefined ? { action: 'rewrite', why } : { action: 'rewrite', why, of };
}
export function refuse(code: RefusalCode, why: string): FieldRule {
  return { action: 'refuse', code, why };
}
