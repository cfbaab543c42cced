import type { Span } from '../lib/spans.js';
import type { NodeLimits } from './node-limits.js';
import { type Kinds, rulesOf } from './kinds/index.js';

/**
 * What a backup workflow is asked to do, in the form that travels in payloads: u64 values are decimal
 * strings, everything else is plain JSON. Workflows, activities and clients share it, so it is
 * deterministic.
 */
export type BackupType = keyof Kinds;

/** Where backups go; the field names the kind. Without secrets: it stands in histories. */
export type StorageConfig =
  { local_fs_dir: string } | { url: string } | { command_adapter_config: string };

export interface JobSettings {
  /** URLs of backup services of one chain: at least one, preferred node first. */
  nodes: string[];
  storage: StorageConfig;
  network?: string | undefined;
  trustWaypoints: string[];
  maxChunkSize: number;
  /** The storage was written to before. If it is missing now, do not begin a new one. */
  existingStorage?: true | undefined;
  /** What the nodes may be asked for, each by all of us together. */
  nodeLimits?: NodeLimits | undefined;
}

export type TargetOf<K extends BackupType> = { [T in K]: { type: T } & Kinds[T]['target'] }[K];
export type Target = TargetOf<BackupType>;

export interface Job extends JobSettings {
  target: Target;
}

/** A job of one kind. */
export type JobFor<K extends BackupType> = JobSettings & { target: TargetOf<K> };

/** What may change while a backup runs. */
export interface Controls {
  concurrency: number;
  whenBlocked: 'wait' | 'fail';
}

/** Describes a target for summaries and messages, e.g. "transactions 0 to 999". */
export function describeTarget<K extends BackupType>(target: TargetOf<K>): string {
  return rulesOf<K>(target.type).describe(target);
}

/** A key that is equal for equal ranges, e.g. `transaction/0-999`. */
export function targetKey<K extends BackupType>(target: TargetOf<K>): string {
  return `${target.type}/${keyOf(target)}`;
}

/** The same among targets of one kind: `0-999`. */
export function keyOf<K extends BackupType>(target: TargetOf<K>): string {
  return rulesOf<K>(target.type).key(target);
}

/** The epochs or versions that are wanted. */
export function spanOfTarget<K extends BackupType>(target: TargetOf<K>): Span {
  return rulesOf<K>(target.type).span(target);
}

/** The id of the workflow of a unit. All ids of one storage have the same prefix. */
export function workflowIdOf(storageId: string, target: Target): string {
  return `aptos-backup/${storageId}/${targetKey(target)}`;
}
