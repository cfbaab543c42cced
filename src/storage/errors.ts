/**
 * - NOT_FOUND: no file behind this handle
 * - STORAGE_MISSING: the storage itself, or a folder that is written to, is not there
 * - EXISTS_DIFFERENT: a metadata file of this name is there with other content; nothing was changed
 * - NAME_INVALID: a name or handle that could reach outside of the storage
 * - TOO_LARGE: a file larger than the reader allows
 * - NO_SPACE, READ_ONLY, DENIED: the storage cannot be written to
 * - STORAGE_STALLED: an operation was not answered in time; it may hang for ever
 * - STORAGE_FAILED: anything else the storage reported
 */
export type StorageErrorCode =
  | 'NOT_FOUND'
  | 'STORAGE_MISSING'
  | 'EXISTS_DIFFERENT'
  | 'NAME_INVALID'
  | 'TOO_LARGE'
  | 'NO_SPACE'
  | 'READ_ONLY'
  | 'DENIED'
  | 'STORAGE_STALLED'
  | 'STORAGE_FAILED';

export class StorageError extends Error {
  override readonly name = 'StorageError';

  constructor(
    readonly code: StorageErrorCode,
    readonly handle: string,
    message: string,
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
