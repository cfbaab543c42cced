import { superviseWorkers } from '../temporal/worker-group.js';

/** `worker`: a worker process that is started again whenever it dies, until the signal aborts. */
export async function runWorkerCommand(signal: AbortSignal): Promise<number> {
  const say = (line: string) => console.error(line);
  const worker = superviseWorkers({ env: process.env, say });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
  await worker.stop();
  return 0;
}
