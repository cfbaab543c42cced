import { onTestFinished } from 'vitest';
import { join } from 'node:path';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import type { CoordinatorInput } from '../../src/contract/coordinator-input.js';
import { superviseWorkers } from '../../src/supervisor/worker-group.js';
import { startTemporal } from './temporal.js';
import { until } from './until.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';

/** A coordinator with a Temporal server and a worker of its own, until the test ends. */
export async function coordinated(input: CoordinatorInput) {
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const worker = superviseWorkers({
    env: session.workerEnv,
    say: () => undefined,
    logFile: join(session.dataFolder, 'worker.log'),
  });
  onTestFinished(() => worker.kill());
  const { workflowId } = await ensureCoordinator(session.client, input);
  return {
    /** Waits for a status. Trouble of a minute fails the test. */
    async reaches(what: string, wanted: (status: LiveStatus) => boolean): Promise<LiveStatus> {
      let status: LiveStatus | undefined;
      await until(
        what,
        async () => {
          status = await readCoordinator(session.client, workflowId).catch(() => undefined);
          return status !== undefined && wanted(status);
        },
        120_000,
      );
      return status!;
    },
    configure: (changed: CoordinatorInput) => ensureCoordinator(session.client, changed),
    async stop(): Promise<void> {
      // Cancelled, not terminated: so the next one gets the storage at once.
      const handle = session.client.workflow.getHandle(workflowId);
      await handle.cancel();
      await handle.result().catch(() => undefined);
      await worker.stop();
    },
  };
}
