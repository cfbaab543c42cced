import { createBatchHasher } from '../../src/aptos/index.js';
import type { CommittedGroup, ConsolidatedGroup } from '../../src/contract/consolidation.js';
import type { BackupStorage } from '../../src/storage/storage.js';
import { groupToMake } from '../../src/upkeep/consolidate/batch-entries.js';
import { commitGroup } from '../../src/upkeep/consolidate/commit-group.js';
import { consolidateGroup } from '../../src/upkeep/consolidate/consolidate-group.js';
import { planGroups, settleSwaps } from '../../src/upkeep/consolidate/plan-groups.js';
import { readChain } from '../../src/verify/read-chain.js';
import type { StoredChain } from '../../src/verify/stored-chain.js';
import { inThread } from './in-thread.js';

const hasher = createBatchHasher();
const holder = { owner: 'a test', host: 'here', workflow: 'a test' };
export const DAY_MS = 24 * 60 * 60_000;

interface ConsolidateSettings {
  size: bigint;
  maxChunkSize?: number;
  /** Changes what was read of the epoch endings. */
  change?: (chain: StoredChain) => void;
}

/** What the workflow does, in this process: every group of a storage, one after another. */
export async function consolidate(
  storage: BackupStorage,
  { size, maxChunkSize = 120_000, change }: ConsolidateSettings,
) {
  const { signal } = new AbortController();
  const tools = { storage, holder, graceMs: DAY_MS, signal, report: () => undefined };
  await settleSwaps(storage, tools);
  const page = await planGroups(storage, size, 0n);
  const settings = { storage: { local_fs_dir: '/not/used' }, trustWaypoints: [] };
  const reading = { storage, hasher, onProgress: () => undefined };
  const { chain } = await readChain(reading, settings);
  change?.(chain);
  const outcomes: (ConsolidatedGroup | CommittedGroup)[] = [];
  for (const { first, last } of page.groups) {
    const batch = { first: BigInt(first), last: BigInt(last) };
    const found = await groupToMake(storage, batch);
    const group =
      'instead' in found
        ? found.instead
        : await consolidateGroup(
            { group: found.group, maxChunkSize },
            { ...tools, storage: inThread(storage), chain, hasher },
          );
    outcomes.push(
      group.status === 'stored' || group.status === 'whole'
        ? await commitGroup(batch, group, tools)
        : group,
    );
  }
  return { page, outcomes };
}
