import { parentPort } from 'node:worker_threads';
import { type PlainError, fromPlain, toPlain } from '../plain-error.js';
import type { FromThread, ToThread } from './thread-messages.js';
import { tidied } from './tidying.js';

const PROGRESS_INTERVAL_MS = 500;
/** After a job that failed, for so long is waited for what it leaves. */
const TIDY_MS = 5_000;

/** What a job may use while it runs in its thread. */
export interface JobInThread<Question, Answer> {
  /** Aborted when the main thread wants the job no more. */
  signal: AbortSignal;
  /** Asks the main thread. @throws what it throws there */
  ask: (question: Question) => Promise<Answer>;
}

/**
 * The body of a thread that does jobs, one at a time. `progress` is read twice a second, also while nothing
 * changes: it shows that this thread's loop turns. What a job throws fails it in the main thread.
 */
export function serveJobs<Order, Progress, Result, Question = never, Answer = never>(
  run: (order: Order, job: JobInThread<Question, Answer>) => Promise<Result>,
  progress: () => Progress,
): void {
  if (!parentPort) throw new Error('this is the entry of a thread');
  const port = parentPort;
  const send = (message: FromThread<Progress, Question, Result>) => port.postMessage(message);
  const waiting = new Map<number, (answer: { answer: Answer } | { error: PlainError }) => void>();
  let stopping = new AbortController();
  let lastId = 0;

  const ask = (question: Question) =>
    new Promise<Answer>((resolve, reject) => {
      const id = (lastId += 1);
      waiting.set(id, (told) => {
        if ('answer' in told) resolve(told.answer);
        else reject(fromPlain(told.error));
      });
      send({ kind: 'question', id, question });
    });
  const tick = () => send({ kind: 'progress', progress: progress() });
  const work = async (order: Order) => {
    stopping = new AbortController();
    const ticker = setInterval(tick, PROGRESS_INTERVAL_MS);
    try {
      tick();
      const result = await run(order, { signal: stopping.signal, ask });
      tick();
      send({ kind: 'done', result });
    } catch (error) {
      await tidied(TIDY_MS); // whoever hears of the failure ends this thread
      tick(); // how far it came counts
      send({ kind: 'failed', error: toPlain(error) });
    } finally {
      clearInterval(ticker);
    }
  };

  port.on('message', (message: ToThread<Order, Answer>) => {
    switch (message.kind) {
      case 'run':
        void work(message.order);
        break;
      case 'cancel':
        stopping.abort();
        break;
      case 'answer':
      case 'no answer':
        waiting.get(message.id)?.(message);
        waiting.delete(message.id);
        break;
    }
  });
}
