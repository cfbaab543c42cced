/**
 * What one backup workflow is asked to do, in a form that travels in payloads: u64 values are
 * decimal strings, everything else plain JSON. Pure: workflows, activities and clients share it.
 */
export type BackupType = 'epoch_ending' | 'state_snapshot' | 'transaction';

/** Where backups go. Local folders for now; the key names the kind. */
export interface StorageConfig {
  local_fs_dir: string;
}

export interface JobSettings {
  /** URLs of backup services of one chain, at least one, the preferred one first. */
  nodes: string[];
  storage: StorageConfig;
  network?: string;
  trustWaypoints: string[];
  maxChunkSize: number;
  /** The storage was written to before: where there is none now, none is begun. */
  existingStorage?: true;
}

export type Target =
  | { type: 'epoch_ending'; first: string; last: string }
  | { type: 'state_snapshot'; epoch: string }
  | { type: 'transaction'; first: string; last: string };

export interface Job extends JobSettings {
  target: Target;
}

/** A job of one kind. */
export type JobFor<T extends BackupType> = JobSettings & { target: Extract<Target, { type: T }> };

/** What may change while a backup runs. */
export interface Controls {
  concurrency: number;
  whenBlocked: 'wait' | 'fail';
}

/** "transactions 0 to 999" and the like, for summaries and messages. */
export function describeTarget(target: Target): string {
  switch (target.type) {
    case 'epoch_ending':
      return `epoch endings ${target.first} to ${target.last}`;
    case 'state_snapshot':
      return `state snapshot of epoch ${target.epoch}`;
    case 'transaction':
      return `transactions ${target.first} to ${target.last}`;
  }
}

/** The same for everybody who wants the same range, e.g. `transaction/0-999`. */
export function targetKey(target: Target): string {
  return target.type === 'state_snapshot'
    ? `state_snapshot/${target.epoch}`
    : `${target.type}/${target.first}-${target.last}`;
}

/** Workflow ids of one storage begin so. */
export function workflowIdOf(storageId: string, target: Target): string {
  return `aptos-backup/${storageId}/${targetKey(target)}`;
}
