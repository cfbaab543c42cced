import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageConfig } from '../src/contract/job.js';
import { startVerify } from '../src/client/start-verification.js';
import { openTemporal } from '../src/temporal-server/open-temporal.js';
import { superviseWorkers } from '../src/supervisor/worker-group.js';

const TICKS_PER_SECOND = 100;

export type MeasuredWorker = Awaited<ReturnType<typeof startMeasuredWorker>>;

/** An embedded Temporal server with workers like those of an operator, and what their chunk process takes. */
export async function startMeasuredWorker(folder: string) {
  const session = await openTemporal({ dataFolder: join(folder, 'data'), say: () => undefined });
  const start = () =>
    superviseWorkers({
      env: session.workerEnv,
      say: (line: string) => console.error(line),
      logFile: join(folder, 'worker.log'),
    });
  let worker = start();
  const of = (file: string) => readFileSync(`/proc/${worker.pid('chunks')}/${file}`, 'utf8');
  return {
    client: session.client,
    /** Begins with a process that has used no memory yet. */
    async restart() {
      await worker.stop();
      worker = start();
    },
    /** User and system time of the process with all its threads. */
    cpuSeconds(): number {
      const stat = of('stat');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    /** The peak of its resident memory. */
    peakMb: () => Math.round(Number(/VmHWM:\s+(\d+)/.exec(of('status'))![1]) / 1024),
    async close() {
      await worker.stop();
      await session.close();
    },
  };
}

/** Verifies a whole storage again. Wall and CPU time are in seconds. */
export async function verifyOnce(worker: MeasuredWorker, storage: StorageConfig) {
  const before = worker.cpuSeconds();
  const started = performance.now();
  const { handle } = await startVerify(worker.client, { storage, again: true });
  const { ok, checked } = await handle.result();
  if (!ok) throw new Error('the storage that was just written does not verify');
  const wall = (performance.now() - started) / 1000;
  return { bytes: checked.bytes, wall, cpu: worker.cpuSeconds() - before };
}
