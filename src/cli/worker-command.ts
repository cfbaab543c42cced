import { superviseWorkers } from '../supervisor/worker-group.js';
import { NodeMetrics } from '../monitor/node-metrics.js';
import { openPage } from './open-page.js';
import { type WorkerFlags, chunkWorkerCount } from './options.js';
import { workerHealth } from '../monitor/worker-health.js';
import { say } from './say.js';

/** `worker`: runs worker processes, and restarts those that die, until the signal aborts. */
export async function runWorkerCommand(flags: WorkerFlags, signal: AbortSignal): Promise<number> {
  const chunkWorkers = chunkWorkerCount(flags);
  const served = await openPage(flags, say);
  const traffic = new NodeMetrics();
  const workers = superviseWorkers({
    ...{ env: process.env, say, chunkWorkers },
    onTraffic: (more) => traffic.add(more),
  });
  served?.health.show(workerHealth(workers, traffic));
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
  await workers.stop();
  served?.health.close();
  return 0;
}
