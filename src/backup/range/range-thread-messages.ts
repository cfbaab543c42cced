import type { Traffic } from '../../node/traffic.js';
import type { Job } from '../../contract/job.js';
import type { RangeReport } from './range.js';
import type { Range, Unit } from '../../contract/unit.js';

export interface RangeTask {
  job: Job;
  unit: Unit;
  range: Range;
}

/** The order to a range thread: a range, and the node to take it from. */
export interface RangeOrder {
  task: RangeTask;
  node: string;
  /** The use of the node is limited. */
  limited?: true;
}

export interface RangeProgress {
  report: RangeReport;
  traffic?: Traffic;
}

/**
 * Asks the main thread, which has the epoch history, to prove a ledger info. Without `last`, the ledger
 * info ends its epoch.
 */
export interface ProofQuestion {
  ledgerInfo: Uint8Array;
  last?: bigint;
}
