import type { Worker } from 'node:worker_threads';
import { watchForSilence } from './silence.js';

/** Time for the first message, while the thread loads its code. Must be less than the activity's heartbeat timeout. */
const FIRST_WORD_S = 25;

/**
 * Watches a working thread, which sends a message twice a second. Calls `died` once, with the reason, when the
 * thread ends or is silent for 20 seconds. The caller must then terminate the thread.
 */
export function watchThread(thread: Worker, died: (why: string) => void): { stop(): void } {
  // The limits are read now: they are gone once the thread has ended.
  const { maxOldGenerationSizeMb: limit } = thread.resourceLimits ?? {};
  const onError = (error: Error) => settle(wordsFor(error, limit));
  const onExit = (code: number) => settle(`it exited with code ${code}`);
  const onMessage = () => silence.heard();
  const silence = watchForSilence(
    (seconds) => settle(`it did not answer for ${seconds} s and was ended`),
    FIRST_WORD_S,
  );
  const stop = () => {
    silence.stop();
    thread.off('message', onMessage).off('error', onError).off('exit', onExit);
  };
  const settle = (why: string) => {
    stop();
    died(why);
  };
  thread.on('message', onMessage).on('error', onError).on('exit', onExit);
  return { stop };
}

function wordsFor(error: Error, limitMb: number | undefined): string {
  if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return `it needed more than its ${limitMb ?? '?'} MB of memory`;
  }
  return `${error.name}: ${error.message}`;
}
