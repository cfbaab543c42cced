import { ApplicationFailure } from '@temporalio/activity';

/** An attempt that was given back because its worker stops in order. */
export const HANDED_BACK = 'HANDED_BACK';
/** The same after an error that belongs to no activity, and may be of any of those in hand. */
export const STRAY_ERROR = 'STRAY_ERROR';

let strayError: string | undefined;

/** What the attempts that this process hands back from now on say. */
export function noteStrayError(message: string): void {
  strayError ??= message;
}

/** The failure of an attempt whose worker stops; the next one may begin at once. */
export function handedBack(): ApplicationFailure {
  const why = strayError === undefined ? 'was told to stop' : `stops after a stray error`;
  return ApplicationFailure.create({
    message: `its worker (process ${process.pid}) ${why}${strayError ? `: ${strayError}` : ''}`,
    type: strayError === undefined ? HANDED_BACK : STRAY_ERROR,
    nextRetryDelay: '500 milliseconds',
  });
}
