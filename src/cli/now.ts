import type { BackupType } from '../contract/job.js';
import { typedStream } from './typed.js';

export interface NowFlags {
  startEpoch?: string;
  endEpoch?: string;
  stateSnapshotEpoch?: string;
  startVersion?: string;
  num_transactions?: string;
  numTransactions?: string;
}

/** Builds the argument of the coordinator's update `backUpNow`. The update itself reports mistakes. */
export function nowRequest(stream: string, flags: NowFlags): { type: BackupType } {
  const range = {
    start_epoch: flags.startEpoch,
    end_epoch: flags.endEpoch,
    epoch: flags.stateSnapshotEpoch,
    start_version: flags.startVersion,
    num_transactions: flags.num_transactions ?? flags.numTransactions,
  };
  const given = Object.entries(range).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { type: typedStream(stream), ...Object.fromEntries(given) };
}
