import type { Worker } from 'node:worker_threads';
import { watchForSilence } from '../../silence.js';

/** Loading its code, on a slow disk under load; less than the heartbeat timeout of what it works on. */
const FIRST_WORD_S = 25;

/**
 * Watches over a thread at work, which tells of itself twice a second: calls `died` with the reason, once,
 * when it ends, or is silent for 20 seconds. It is up to the caller to terminate it.
 */
export function watchThread(thread: Worker, died: (why: string) => void): { stop(): void } {
  const { maxOldGenerationSizeMb: limit } = thread.resourceLimits ?? {}; // gone with the thread
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
