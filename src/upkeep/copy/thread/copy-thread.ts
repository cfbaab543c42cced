/** The program of a thread that copies. So hashing does not block the main thread. */
import { createBatchHasher } from '../../../aptos/index.js';
import type { CopyTaskResult } from '../../../contract/copying.js';
import { type JobInThread, serveJobs } from '../../../lib/host/thread-entry.js';
import { TrustedWaypoints } from '../../../trust/trusted-waypoints.js';
import { StoredChain } from '../../../verify/stored-chain.js';
import { openEnds } from '../copy-ends.js';
import { copySlices } from '../copy-task.js';
import type { CopyOrder, CopyProgress } from './copy-thread-messages.js';

let progress: CopyProgress = { bytes: 0, objects: 0 };
serveJobs(run, () => progress);

async function run(
  order: CopyOrder,
  { signal }: JobInThread<never, never>,
): Promise<CopyTaskResult> {
  const ends = await openEnds(order.ends, signal, order.limits);
  const chain = new StoredChain(ends.from, new TrustedWaypoints(order.trusted, []));
  chain.restore(order.endings);
  const onProgress = ({ bytes, objects }: CopyProgress) => {
    progress = { bytes: progress.bytes + bytes, objects: progress.objects + objects };
  };
  const tools = { ends, hasher: createBatchHasher(), chain, onProgress };
  return copySlices(tools, order.units, order.slices);
}
