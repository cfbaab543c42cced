import type { Worker } from 'node:worker_threads';
import { fromPlain, toPlain } from '../plain-error.js';
import type { FromThread, ToThread } from './thread-messages.js';
import { watchThread } from './watch-thread.js';

/** How long a cancelled thread may take to stop by itself, and all programs that it runs, before it is given up. */
const CANCEL_GRACE_MS = 2_000;

/** The caller's side of a job in a thread. */
export interface JobWatch<Progress, Question, Answer> {
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** For jobs that ask questions. */
  answer?: (question: Question) => Promise<Answer>;
  /** The error for a thread that ended or fell silent. */
  died(why: string): Error;
}

/**
 * Gives one job to a thread that runs `serveJobs`. After a failed job, the thread must not be used again,
 * and the caller ends it.
 * @throws what the job threw, what `died` makes, or the reason of the signal
 */
export function runJob<Order, Progress, Result, Question = never, Answer = never>(
  thread: Worker,
  order: Order,
  watch: JobWatch<Progress, Question, Answer>,
): Promise<Result> {
  return new Promise<Result>((resolve, reject) => {
    const send = (message: ToThread<Order, Answer>) => thread.postMessage(message);
    let grace: NodeJS.Timeout | undefined;
    const onMessage = (message: FromThread<Progress, Question, Result>) => {
      switch (message.kind) {
        case 'progress':
          watch.onProgress(message.progress);
          break;
        case 'question':
          void watch.answer?.(message.question).then(
            (answer) => send({ kind: 'answer', id: message.id, answer }),
            (error: unknown) => send({ kind: 'no answer', id: message.id, error: toPlain(error) }),
          );
          break;
        case 'done':
          settle(() => resolve(message.result));
          break;
        case 'failed':
          settle(() => reject(fromPlain(message.error)));
          break;
      }
    };
    const watching = watchThread(thread, (why) => settle(() => reject(watch.died(why))));
    const onAbort = () => {
      send({ kind: 'cancel' });
      grace = setTimeout(() => settle(() => reject(watch.signal.reason as Error)), CANCEL_GRACE_MS);
    };
    const settle = (how: () => void) => {
      clearTimeout(grace);
      watching.stop();
      thread.off('message', onMessage);
      watch.signal.removeEventListener('abort', onAbort);
      how();
    };
    thread.on('message', onMessage);
    watch.signal.addEventListener('abort', onAbort);
    send({ kind: 'run', order });
  });
}
