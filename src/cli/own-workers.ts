import path from 'node:path';
import type { Traffic } from '../node/traffic.js';
import type { TemporalSession } from '../temporal-server/open-temporal.js';
import type { Say } from '../temporal/temporal-error.js';
import { reportLeftBehind } from '../supervisor/worker-death.js';
import { type WorkerGroup, superviseWorkers } from '../supervisor/worker-group.js';

/**
 * Starts workers if the command brings its own Temporal server. A server that somebody else runs has its
 * own workers.
 */
export function ownWorkers(
  { embedded, workerEnv }: TemporalSession,
  options: {
    data: string;
    chunkWorkers: number;
    say: Say;
    onTraffic?: (traffic: Traffic) => void;
  },
): WorkerGroup | undefined {
  if (!embedded) return undefined;
  const { data, ...others } = options;
  const { say } = others;
  const logFile = path.join(data, 'logs', 'worker.log');
  void reportLeftBehind({ env: workerEnv, say });
  return superviseWorkers({ env: workerEnv, logFile, ...others });
}
