import type { BackupErrorCode } from './catalogue.js';
import { CodedError } from './coded-error.js';

/**
 * An error of a backup as a whole. Errors of the chain's data, the node and the storage have classes of
 * their own.
 */
export class BackupError extends CodedError<BackupErrorCode> {
  override readonly name = 'BackupError';
}

/**
 * The error for a storage that vanished. The message says what to do: mount it again, or cancel if it was
 * removed on purpose.
 */
export function storageEmptied(what: string): BackupError {
  const why = `${what}; nothing is written before it is back. If it was removed on purpose: aptos-backup stop (or cancel the backup, if it was started alone), then start it again, which makes a new storage`;
  return new BackupError('STORAGE_EMPTIED', why);
}

/** UNIT_INCOMPLETE, with the ranges to store again. */
export class UnitIncomplete extends BackupError {
  constructor(
    message: string,
    /** Range numbers; of very many, only the first. */
    readonly ranges: number[],
  ) {
    super('UNIT_INCOMPLETE', message);
  }
}
