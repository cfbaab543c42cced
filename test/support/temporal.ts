import { readFileSync, rmSync } from 'node:fs';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  makeTelemetryFilterString,
} from '@temporalio/worker';
import { createAttributeActivities } from '../../src/activities/attribute-activities.js';
import { builtProgram } from '../../src/lib/host/built.js';
import { APART_QUEUE, CHUNK_QUEUE, CONTROL_QUEUE } from '../../src/contract/messages.js';
import { type TemporalSession, openTemporal } from '../../src/temporal-server/open-temporal.js';
import { SEARCH_ATTRIBUTE_NAMES } from '../../src/temporal/register-attributes.js';
import { withoutServer } from '../../src/temporal-server/without-server.js';
import { FEW_THREADS } from './few-threads.js';
import { temporaryFolder } from './temporary-folder.js';

/** A real Temporal server of its own in a temporary data folder. */
export async function startTemporal(): Promise<TemporalSession & { dataFolder: string }> {
  const dataFolder = temporaryFolder('data');
  const env = { ...FEW_THREADS, ...withoutServer(process.env) };
  const session = await openTemporal({ dataFolder, say: () => undefined, env });
  const close = async () => {
    await session.close();
    rmSync(dataFolder, { recursive: true, force: true, maxRetries: 10 });
  };
  return { ...session, close, dataFolder };
}

/** The built workflows. */
export const workflowBundle = { code: readFileSync(builtProgram('workflow-bundle.js'), 'utf8') };

/** Runs the real workflows, or other code, with activities of the test while `work` runs. */
export async function withActivities<T>(
  session: TemporalSession,
  activities: Record<string, (...args: never[]) => Promise<unknown>>,
  work: () => Promise<T>,
  bundle = workflowBundle,
): Promise<T> {
  quietRuntime();
  const connection = await NativeConnection.connect({ address: session.address });
  const attributes = createAttributeActivities(SEARCH_ATTRIBUTE_NAMES);
  const common = {
    connection,
    namespace: session.namespace,
    activities: { ...attributes, ...activities },
  };
  const control = await Worker.create({
    ...common,
    taskQueue: CONTROL_QUEUE,
    workflowBundle: bundle,
  });
  const chunks = await Worker.create({
    ...common,
    taskQueue: CHUNK_QUEUE,
    maxConcurrentActivityTaskExecutions: 100,
  });
  const apart = await Worker.create({ ...common, taskQueue: APART_QUEUE });
  try {
    return await control.runUntil(chunks.runUntil(apart.runUntil(work)));
  } finally {
    await connection.close();
  }
}

let installed = false;
export function quietRuntime(): void {
  if (installed) return;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) },
    },
  });
  installed = true;
}
