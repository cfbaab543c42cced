import { statfs } from 'node:fs/promises';
import { constants } from 'node:os';
import { type StorageErrorCode, entryOf } from '../../errors/catalogue.js';
import { StorageError } from '../storage-error.js';

interface Meaning {
  code: StorageErrorCode;
  why: string;
}

function meaning(code: StorageErrorCode, why: string): Meaning {
  return { code, why };
}

const AWAY = meaning('STORAGE_FAILED', 'the file server does not answer; is it reachable?');
const CANNOT = meaning('STORAGE_UNFIT', 'the file system cannot do that; use another one');

/** The meaning of errors of the file system. */
const KNOWN: Record<string, Meaning> = {
  ENOENT: meaning('NOT_FOUND', 'there is no such file'),
  ENOTDIR: meaning('PATH_INVALID', 'a part of the path is not a folder; check the path'),
  EISDIR: meaning('PATH_INVALID', 'it is a folder; check the path'),
  ELOOP: meaning('NAME_INVALID', 'links lead in a circle, or it is a link; check the path'),
  ENAMETOOLONG: meaning('NAME_INVALID', 'the path or a name in it is too long; use a shorter one'),
  EFBIG: meaning('STORAGE_UNFIT', 'the file system holds no files so large; use smaller chunks'),
  ENOSYS: CANNOT,
  ENOTSUP: CANNOT,
  EOPNOTSUPP: CANNOT,
  EXDEV: CANNOT,
  ENOSPC: meaning('NO_SPACE', 'the disk is full; free some space'),
  EDQUOT: meaning('NO_SPACE', 'the quota is used up; raise it'),
  EROFS: meaning('READ_ONLY', 'the file system is read-only; remount it'),
  EACCES: meaning('DENIED', 'permission denied; check owner and mode'),
  EPERM: meaning('DENIED', 'not permitted; check owner and mode'),
  EIO: meaning('STORAGE_FAILED', 'the disk reports an error; check it'),
  EUCLEAN: meaning('STORAGE_FAILED', 'the file system is damaged; check it'),
  ENODEV: meaning('STORAGE_FAILED', 'the disk is gone; attach it again'),
  ENXIO: meaning('STORAGE_FAILED', 'the disk is gone; attach it again'),
  ESTALE: meaning('STORAGE_FAILED', 'the file server no longer knows it; remount it'),
  ENOTCONN: meaning('STORAGE_FAILED', 'the file system behind it is gone; remount it'),
  EHOSTDOWN: AWAY,
  EHOSTUNREACH: AWAY,
  ENETDOWN: AWAY,
  ENETUNREACH: AWAY,
  ENOLINK: AWAY,
  ECONNABORTED: AWAY,
  ECONNREFUSED: AWAY,
  ECONNRESET: AWAY,
  EREMOTEIO: AWAY,
  ESHUTDOWN: AWAY,
  ETIMEDOUT: AWAY,
  EAGAIN: meaning('STORAGE_FAILED', 'it is busy'),
  EBUSY: meaning('STORAGE_FAILED', 'something else uses it'),
  EINTR: meaning('STORAGE_FAILED', 'it was interrupted'),
  ETXTBSY: meaning('STORAGE_FAILED', 'something else uses it'),
  EMFILE: meaning('STORAGE_FAILED', 'this process has too many open files; raise its limit'),
  ENFILE: meaning('STORAGE_FAILED', 'this host has too many open files; raise its limit'),
  ENOMEM: meaning('STORAGE_FAILED', 'this host has no memory left'),
};

/** Error numbers of Linux that Node.js has no name for. Node.js calls them "Unknown system error". */
const UNNAMED: Record<number, string> = {
  [constants.errno.ESTALE]: 'ESTALE',
  [constants.errno.EDQUOT]: 'EDQUOT',
  [constants.errno.ENOLINK]: 'ENOLINK',
  117: 'EUCLEAN',
};

/** The name of an error of the file system, such as ENOSPC. */
export function nameOf(error: unknown): string {
  const { code = '', errno } = (error ?? {}) as NodeJS.ErrnoException;
  return (errno !== undefined && UNNAMED[-errno]) || code;
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes(nameOf(error));
}

/** Whether the error may pass. Other errors mean that the file system cannot or must not do this. */
export function mayPass(error: unknown): boolean {
  const known = KNOWN[nameOf(error)];
  return known !== undefined && known.code !== 'DENIED' && entryOf(known.code).retryable;
}

/** Turns an error of the file system into one that says what to do. */
export function localError(error: unknown, handle: string, what: string): StorageError {
  if (error instanceof StorageError) return error;
  const known = KNOWN[nameOf(error)];
  const why = known?.why ?? (error as Error).message;
  return new StorageError(known?.code ?? 'STORAGE_FAILED', handle, `${what}: ${why}`, {
    cause: error,
  });
}

/**
 * The same for writing into `folder`. There, only a folder can be missing, and it may be mounted again.
 */
export async function localWriteError(
  error: unknown,
  handle: string,
  what: string,
  folder: string,
): Promise<StorageError> {
  if (isCode(error, 'ENOENT')) {
    const why = 'a folder of the path is missing or was removed; is everything mounted?';
    return new StorageError('FOLDER_GONE', handle, `${what}: ${why}`, { cause: error });
  }
  if (isCode(error, 'ENOSPC') && (await hasNoInodes(folder))) {
    const why =
      'no inodes are left: the file system holds no more files, although it has room; remove files, or use one with more inodes';
    return new StorageError('NO_SPACE', handle, `${what}: ${why}`, { cause: error });
  }
  return localError(error, handle, what);
}

/** Some file systems create inodes on demand and report 0 of 0. */
async function hasNoInodes(folder: string): Promise<boolean> {
  try {
    const { files, ffree } = await statfs(folder);
    return files > 0 && ffree === 0;
  } catch {
    return false;
  }
}
