/** The program of a thread that consolidates one batch. So hashing does not block the main thread. */
import { createBatchHasher } from '../../aptos/index.js';
import type { ConsolidatedGroup } from '../../contract/consolidation.js';
import { type JobInThread, serveJobs } from '../../lib/host/thread-entry.js';
import { openStorage } from '../../storage/open.js';
import { TrustedWaypoints } from '../../trust/trusted-waypoints.js';
import { StoredChain } from '../../verify/stored-chain.js';
import { type GroupProgress, consolidateGroup } from './consolidate-group.js';
import type { ConsolidateOrder } from './run-consolidate.js';

let progress: GroupProgress = { phase: 'reading', bytes: 0, chunks: 0 };
serveJobs(run, () => progress);

function run(
  { storage: settings, group, maxChunkSize, endings, trusted }: ConsolidateOrder,
  { signal }: JobInThread<never, never>,
): Promise<ConsolidatedGroup> {
  const storage = openStorage(settings, signal);
  const chain = new StoredChain(storage, new TrustedWaypoints(trusted, []));
  chain.restore(endings);
  const report = (latest: GroupProgress) => (progress = latest);
  const tools = { storage, chain, signal, report, hasher: createBatchHasher() };
  return consolidateGroup({ group, maxChunkSize }, tools);
}
