import { BACKUP_ERRORS } from './codes/backup-codes.js';
import { CHAIN_DATA_ERRORS } from './codes/chain-data-codes.js';
import { NODE_ERRORS } from './codes/node-codes.js';
import { STORAGE_ERRORS } from './codes/storage-codes.js';
import { WORK_ERRORS } from './codes/work-codes.js';
import type { ErrorEntry } from './entry.js';

/**
 * Every code that our errors can have, and what it means to retries, rests and verifications. A code has
 * one meaning: it is retryable everywhere or nowhere. docs/errors.md is generated from it.
 */
export const ERRORS = {
  ...NODE_ERRORS,
  ...CHAIN_DATA_ERRORS,
  ...BACKUP_ERRORS,
  ...STORAGE_ERRORS,
  ...WORK_ERRORS,
} as const;

export type ErrorCode = keyof typeof ERRORS;
export type NodeErrorCode = keyof typeof NODE_ERRORS;
export type StorageErrorCode = Exclude<
  keyof typeof STORAGE_ERRORS,
  'LISTING_EMPTY' | 'LISTING_SHORT'
>;
/** A backup uses `UNSUPPORTED`, a code of the chain's data, for a whole range. */
export type BackupErrorCode =
  Exclude<keyof typeof BACKUP_ERRORS, 'NOTHING_TO_VERIFY'> | 'UNSUPPORTED';
export type TemporalErrorCode = Extract<ErrorCode, `TEMPORAL_${string}` | 'DATA_FOLDER_LOCKED'>;

/** What to do about an error of this code. */
export function entryOf(code: ErrorCode): Omit<ErrorEntry, 'meaning'> {
  return ERRORS[code];
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(ERRORS, text);
}

/** The code of any of our errors, even of one from a thread; undefined for others. */
export function codeOf(error: unknown): ErrorCode | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return isErrorCode(code) ? code : undefined;
}
