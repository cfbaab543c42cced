/** The program of a thread that runs one task of a verification. So hashing does not block the main thread. */
import { createBatchHasher } from '../../aptos/index.js';
import type { TaskResult } from '../../contract/verification.js';
import { type JobInThread, serveJobs } from '../../lib/host/thread-entry.js';
import { TrustedWaypoints } from '../../trust/trusted-waypoints.js';
import { openReadable } from '../../storage/index/open-readable.js';
import { runTask } from '../run-task.js';
import { StoredChain } from '../stored-chain.js';
import type { TaskProgress, VerifyOrder } from './verify-thread-messages.js';

let progress: TaskProgress = { bytes: 0, objects: 0 };
serveJobs(run, () => progress);

async function run(order: VerifyOrder, { signal }: JobInThread<never, never>): Promise<TaskResult> {
  const storage = await openReadable(order.storage, signal);
  const chain = new StoredChain(storage, new TrustedWaypoints(order.trusted, []));
  chain.restore(order.endings);
  const onProgress = ({ bytes, objects }: TaskProgress) => {
    progress = { bytes: progress.bytes + bytes, objects: progress.objects + objects };
  };
  const tools = { storage, hasher: createBatchHasher(), onProgress };
  return runTask(tools, order.task, chain, order.again);
}
