import type { StorageErrorCode } from '../errors/catalogue.js';
import { CodedError } from '../errors/coded-error.js';

/** A failure that concerns `handle`, or the whole storage when `handle` is empty. */
export class StorageError extends CodedError<StorageErrorCode> {
  override readonly name = 'StorageError';

  constructor(
    code: StorageErrorCode,
    readonly handle: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** Whether an error is a StorageError with one of these codes. */
export function isStorageError(
  error: unknown,
  ...codes: readonly StorageErrorCode[]
): error is StorageError {
  return error instanceof StorageError && codes.includes(error.code);
}
