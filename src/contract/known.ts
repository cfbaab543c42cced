import type { CoordinatorSettings } from './coordinator-state.js';
import type { CoordinatorMemory, NodeView, Unreferenced } from './coordinator-memory.js';
import type { StoredForRestore } from './restore-memory.js';

/** Types that stay mutable here, because functions outside the coordinator take them. */
type Whole = CoordinatorSettings | NodeView | StoredForRestore | Unreferenced;
type Fixed<T> = T extends Whole
  ? Readonly<T>
  : T extends readonly (infer U)[]
    ? readonly Fixed<U>[]
    : T extends object
      ? { readonly [K in keyof T]: Fixed<T[K]> }
      : T;

/** The coordinator's memory as everybody but `Memory` sees it: read-only. */
export type Known = Fixed<CoordinatorMemory>;
export type KnownStream = Known['streams'][keyof Known['streams']];
export type KnownSurvey = NonNullable<Known['survey']>;
