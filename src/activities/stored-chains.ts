import { createBatchHasher } from '../aptos/index.js';
import type { TaskResult, VerifySettings } from '../contract/verification.js';
import type { StorageLimits } from '../storage/limits.js';
import { openReadable } from '../storage/index/open-readable.js';
import { readChain } from '../verify/read-chain.js';
import type { StoredChain } from '../verify/stored-chain.js';
import { currentHeart } from './heartbeat.js';

/** Number of chains that a process keeps. Each takes some megabytes. */
const CHAINS_KEPT = 4;

interface ReadChain {
  chain: StoredChain;
  result: TaskResult;
}

/**
 * The chains of stored epoch endings of this process. All activities that give the same `name` use the same chain, which
 * the first of them reads. `limits` bounds that reading.
 */
export function storedChains() {
  const chains = new Map<string, Promise<ReadChain>>();
  return (settings: VerifySettings, name: string, limits?: StorageLimits): Promise<ReadChain> => {
    const known = chains.get(name);
    if (known) return known;
    const chain = readChainOf(settings, limits);
    chains.set(name, chain);
    chain.catch(() => chains.delete(name));
    const oldest = chains.keys().next();
    if (chains.size > CHAINS_KEPT && !oldest.done) chains.delete(oldest.value);
    return chain;
  };
}

/** Reads the epoch endings. The activity that asks first reports the progress. */
async function readChainOf(
  settings: VerifySettings,
  limits: StorageLimits | undefined,
): Promise<ReadChain> {
  const { beat } = currentHeart();
  let bytes = 0;
  const tools = {
    // Other tasks may wait for the same chain, so it is not cancelled with this one.
    storage: await openReadable(settings.storage, undefined, limits),
    hasher: createBatchHasher(),
    onProgress: (more: { bytes: number }) => {
      bytes += more.bytes;
      beat({ phase: 'epoch endings', bytes });
    },
  };
  return readChain(tools, settings);
}
