import type { FindingCode } from './codes/findings-codes.js';

/**
 * How often an activity may meet an error before it fails for good (activities/activity-failure.ts has the numbers):
 *
 * - lies: a node sent wrong data, or lacks the requested data
 * - unknown: a form that this version does not know
 * - node: a node is away, or does not work as it should
 * - storage: the storage is away or full
 * - stalled: the storage did not answer for a whole deadline
 * - troubles: everything else that may pass
 */
export type Budget = 'lies' | 'unknown' | 'node' | 'storage' | 'stalled' | 'troubles';

/** How long a node rests after it (site/node-rests.ts). The longest is that of a lie. */
export type Rest = 'trouble' | 'silence' | 'lie';

/** Who or what must change. */
export type Fault =
  'the node' | 'the storage' | 'the network' | 'the input' | 'the host' | 'nobody' | 'aptos-backup';

/** What an error of one code means to everybody who meets it. */
export interface ErrorEntry {
  /** One sentence, as it stands in docs/errors.md. */
  readonly meaning: string;
  readonly fault: Fault;
  /** Whether the same request may succeed later by itself. Activities try again as long as the budget lasts. */
  readonly retryable: boolean;
  /** For retryable errors, and for errors that may not happen with another node. */
  readonly budget?: Budget;
  /** The error counts against the node, which then rests this long. */
  readonly rest?: Rest;
  /** The finding of a verification that meets this error with an object. Without it, the verification itself fails. */
  readonly finding?: FindingCode;
  /** Minutes that a coordinator lets a failed unit rest: the first rest and the longest. Each rest doubles. */
  readonly unitRest?: readonly [first: number, longest: number];
  readonly whatToDo: string;
}
