import { StorageError, type StorageErrorCode } from './errors.js';

/** What reports of the file system mean. */
const KNOWN: Record<string, { code: StorageErrorCode; why: string; retryable: boolean }> = {
  ENOENT: { code: 'NOT_FOUND', why: 'there is no such file', retryable: false },
  ENOSPC: { code: 'NO_SPACE', why: 'the disk is full; free some space', retryable: true },
  EDQUOT: { code: 'NO_SPACE', why: 'the quota is used up; raise it', retryable: true },
  EROFS: { code: 'READ_ONLY', why: 'the file system is read-only; remount it', retryable: true },
  EACCES: { code: 'DENIED', why: 'permission denied; check owner and mode', retryable: true },
  EPERM: { code: 'DENIED', why: 'not permitted; check owner and mode', retryable: true },
  ENOTDIR: {
    code: 'STORAGE_FAILED',
    why: 'a part of the path is not a folder; check the path',
    retryable: false,
  },
  EIO: { code: 'STORAGE_FAILED', why: 'the disk reports an error; check it', retryable: true },
  ESTALE: {
    code: 'STORAGE_FAILED',
    why: 'the file server no longer knows it; remount it',
    retryable: true,
  },
  ENOTCONN: {
    code: 'STORAGE_FAILED',
    why: 'the file system behind it is gone; remount it',
    retryable: true,
  },
  ELOOP: { code: 'NAME_INVALID', why: 'it is a symbolic link', retryable: false },
};

/** Turns an error of the file system into one that says what to do. */
export function localError(error: unknown, handle: string, what: string): StorageError {
  if (error instanceof StorageError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known = KNOWN[code];
  const why = known?.why ?? (error as Error).message;
  return new StorageError(
    known?.code ?? 'STORAGE_FAILED',
    handle,
    `${what}: ${why}`,
    known?.retryable ?? true,
    { cause: error },
  );
}

/** The same for writing, where only a folder can be missing; it may be mounted again. */
export function localWriteError(error: unknown, handle: string, what: string): StorageError {
  if (!isCode(error, 'ENOENT')) return localError(error, handle, what);
  const why = 'a folder of the path is missing or was removed; is everything mounted?';
  return new StorageError('STORAGE_MISSING', handle, `${what}: ${why}`, true, { cause: error });
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}
