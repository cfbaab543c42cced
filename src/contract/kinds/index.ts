import type { BackupType } from '../job.js';
import { type EpochEndings, epochEndingRules } from './epoch-ending-rules.js';
import type { KindRules } from './kind-rules.js';
import { type StateSnapshot, stateSnapshotRules } from './state-snapshot-rules.js';
import { type Transactions, transactionRules } from './transaction-rules.js';

/**
 * The kinds of backup, with their own types. `target` names a backup. `fields` are the input fields that name it.
 * `unit` holds what its plan found out. `result` says what was stored.
 */
export interface Kinds {
  epoch_ending: EpochEndings;
  state_snapshot: StateSnapshot;
  transaction: Transactions;
}

const RULES: { [K in BackupType]: KindRules<K> } = {
  epoch_ending: epochEndingRules,
  state_snapshot: stateSnapshotRules,
  transaction: transactionRules,
};

/** All kinds, in the order in which a coordinator looks at them. */
export const BACKUP_TYPES = Object.keys(RULES) as readonly BackupType[];

export function rulesOf<K extends BackupType>(type: K): KindRules<K> {
  return RULES[type];
}

/** Makes one value for each kind. */
export function perKind<T>(make: (type: BackupType) => T): Record<BackupType, T> {
  return Object.fromEntries(BACKUP_TYPES.map((type) => [type, make(type)])) as Record<
    BackupType,
    T
  >;
}
