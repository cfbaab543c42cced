import { StorageError } from './storage-error.js';

/** Folders at the top of a storage that are no backups (docs/formats.md, Files). */
export const METADATA = 'metadata';
export const RETIRED = 'metadata_backup';
/** Our own folder: it tells the chain of the storage and who writes to it now. */
export const OWN_FOLDER = 'aptos-backup';
export const RESERVED: ReadonlySet<string> = new Set([METADATA, RETIRED, OWN_FOLDER]);

/** The shell-safe names of the format (docs/formats.md, Files). */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{2,126}$/;

/** Checks a name before we create it. @throws StorageError NAME_INVALID */
export function requireName(name: string): void {
  if (!NAME.test(name) || name.includes('\n')) throw invalid(name, 'is not a safe file name');
}

/**
 * Checks a handle from a manifest or a listing, which anybody may have written. It must be relative,
 * without a way upwards, and with nothing hidden.
 * @throws StorageError NAME_INVALID
 */
export function requireHandle(handle: string): void {
  const parts = handle.split('/');
  const bad = parts.some((part) => part === '' || part === '.' || part === '..');
  if (bad || parts.length > 8 || /[\u0000-\u001f\\]/.test(handle) || handle.length > 1024) {
    throw invalid(handle, 'is not a file handle of this storage');
  }
}

function invalid(name: string, why: string): StorageError {
  const shown = JSON.stringify(name.slice(0, 160));
  return new StorageError('NAME_INVALID', name, `${shown} ${why}; nothing was read or written`);
}
