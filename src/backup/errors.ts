/**
 * What can go wrong with a backup as a whole, beside the errors of the chain's data, the node and
 * the storage. `retryable` says whether the same request may succeed later by itself.
 *
 * - CHAIN_MISMATCH: node, storage and trusted waypoints do not belong to one chain
 * - NODE_BEHIND: the node has not (yet) what was asked for
 * - NODE_PRUNED: the node had it, but has it no longer
 * - NODE_LIED: what the node sent fails its proof
 * - UNSUPPORTED: what the node sent has a form that this version cannot prove, or is damaged
 * - HISTORY_UNSIGNED: signatures are missing or wrong and no trusted waypoint covers them
 * - FRONTIER_MISMATCH: a state that is not empty has no chunks
 * - STORED_DAMAGED: a file of ours in the storage cannot be what was written, and it is not known how to go on
 * - UNIT_INCOMPLETE: the commit found ranges whose chunks are not there, no longer as they were proven, or
 *   each proven and not fitting together
 * - RANGE_COMMITTED: the storage already holds another backup of the same range
 * - RANGE_OVERLAP: it holds one of a part of the range
 * - COMMIT_LOCK_LOST: another host committed while this one was silent for too long
 * - UNIT_ABANDONED: the folder of the unit is being removed
 * - STORAGE_EMPTIED: what was written before is gone: unmounted, or emptied by somebody
 * - TOO_MANY_CHUNKS: chunks so small that the manifest could not be read again
 * - THREAD_DIED: the thread that worked on a range crashed
 */
export type BackupErrorCode =
  | 'CHAIN_MISMATCH'
  | 'NODE_BEHIND'
  | 'NODE_PRUNED'
  | 'NODE_LIED'
  | 'UNSUPPORTED'
  | 'HISTORY_UNSIGNED'
  | 'FRONTIER_MISMATCH'
  | 'STORED_DAMAGED'
  | 'UNIT_INCOMPLETE'
  | 'RANGE_COMMITTED'
  | 'RANGE_OVERLAP'
  | 'COMMIT_LOCK_LOST'
  | 'UNIT_ABANDONED'
  | 'STORAGE_EMPTIED'
  | 'TOO_MANY_CHUNKS'
  | 'THREAD_DIED';

export class BackupError extends Error {
  override readonly name = 'BackupError';

  constructor(
    readonly code: BackupErrorCode,
    message: string,
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** UNIT_INCOMPLETE, with the ranges that have to be stored again. */
export class UnitIncomplete extends BackupError {
  constructor(
    message: string,
    /** Range numbers; the first of very many. */
    readonly ranges: number[],
  ) {
    super('UNIT_INCOMPLETE', message, false);
  }
}

/** The stable code of any of our errors, or undefined for one that is not ours. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
