import type { BackupType } from '../../contract/job.js';
import type { UnitOf } from '../../contract/unit.js';
import { epochEndingKind } from './epoch-ending.js';
import type { Kind, Records, RecordTools } from './kind.js';
import { stateSnapshotKind } from './state-snapshot.js';
import { transactionKind } from './transaction.js';

const KINDS: { [K in BackupType]: Kind<K> } = {
  epoch_ending: epochEndingKind,
  state_snapshot: stateSnapshotKind,
  transaction: transactionKind,
};

export function kindOf<K extends BackupType>(type: K): Kind<K> {
  return KINDS[type];
}

/** The records of a unit, from a node. */
export function recordsOf<K extends BackupType>(unit: UnitOf<K>, tools: RecordTools): Records {
  return kindOf<K>(unit.kind).records(unit, tools);
}
