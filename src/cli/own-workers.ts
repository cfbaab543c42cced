import path from 'node:path';
import type { Traffic } from '../node/traffic.js';
import type { TemporalSession } from '../temporal/connection.js';
import type { Say } from '../temporal/errors.js';
import { reportLeftBehind } from '../temporal/supervision/worker-death.js';
import { type WorkerGroup, superviseWorkers } from '../temporal/supervision/worker-group.js';

/**
 * The workers of a command that brings its own Temporal server; none for a server of somebody
 * else's, whose workers are somebody else's too.
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
