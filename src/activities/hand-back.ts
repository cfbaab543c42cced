import { ApplicationFailure } from '@temporalio/activity';
import { failureOf } from '../contract/failure.js';
import type { ErrorCode } from '../errors/catalogue.js';

/** The failure code of an attempt whose worker was told to stop. */
export const HANDED_BACK = 'HANDED_BACK' satisfies ErrorCode;
/**
 * The failure code of an attempt whose worker stops after a stray error: one that belongs to no activity,
 * so that any activity in hand may have caused it.
 */
export const STRAY_ERROR = 'STRAY_ERROR' satisfies ErrorCode;

let strayError: string | undefined;

/** Sets the reason that attempts of this process give from now on when they are handed back. */
export function noteStrayError(message: string): void {
  strayError ??= message;
}

/** The failure of an attempt whose worker stops. The next attempt may begin at once. */
export function handedBack(): ApplicationFailure {
  const why = strayError === undefined ? 'was told to stop' : `stops after a stray error`;
  return failureOf(
    strayError === undefined ? HANDED_BACK : STRAY_ERROR,
    `its worker (process ${process.pid}) ${why}${strayError ? `: ${strayError}` : ''}`,
    { nextRetryDelay: '500 milliseconds' },
  );
}
