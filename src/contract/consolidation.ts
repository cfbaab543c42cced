import type { Finding } from './answers/verify-answers.js';
import type { UnitOf } from './unit.js';

/** The batch that an activity consolidates. Versions, both inclusive. */
export interface GroupOrder {
  first: string;
  last: string;
  maxChunkSize: number;
}

/** A batch that a page of the plan names. */
export interface PlannedGroup {
  first: string;
  last: string;
  /** Small backups. */
  backups: number;
}

/** A page of groups, and where the next page begins. Without `next` it is the last page. */
export interface ConsolidationPage {
  groups: PlannedGroup[];
  left: { first: string; last: string; why: string }[];
  leftCount: number;
  /** The first version that the next page looks at. */
  next?: string;
}

/** What became of one batch before its commit. `of`: identifies the small backups that were read. */
export type ConsolidatedGroup =
  | { status: 'stored'; unit: UnitOf<'transaction'>; of: string }
  /** The full batch is committed, and only the small ones are to be retired. */
  | { status: 'whole'; manifest: string; of: string }
  | { status: 'nothing to do' }
  | { status: 'left'; why: string }
  | { status: 'damaged'; findings: Finding[]; findingCount: number };

/** What a commit did. */
export type CommittedGroup =
  | { status: 'committed'; manifest: string; backups: number; chunks: number; bytes: number }
  | { status: 'nothing to do' }
  | { status: 'left'; why: string };
