import type { DevnodeOptions } from '../../src/devnode/devnode.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import type { VerifyScope } from '../../src/contract/verification.js';
import { backUp, devnode, storageFolder } from './backup.js';

/** Up to here nobody has signed, as in the history of a migrated chain. */
export const UNSIGNED_UNTIL = 3;
const CHAIN: DevnodeOptions = {
  seed: 11,
  format: 'V0',
  transactions: 400,
  stateItems: 300,
  epochs: 5,
  unsignedUntilEpoch: UNSIGNED_UNTIL,
};

/** A node whose chain is unsigned up to the end of epoch 3 and signed behind it; it is in epoch 5. */
export async function unsignedChain(options: DevnodeOptions = {}) {
  const node = await devnode({ ...CHAIN, ...options });
  const own = node.facts().trust_waypoint;
  if (own !== undefined) return { node, waypoint: own };
  // The waypoint of an epoch that this node has not reached yet, as others publish it.
  const longer = await devnode(CHAIN);
  return { node, waypoint: longer.facts().trust_waypoint! };
}

/** A storage that is filled step by step from nodes of such a chain. */
export class UnsignedStorage {
  readonly folder = storageFolder();

  constructor(private readonly trust: string[]) {}

  private to(node: { address: string }) {
    return { node: node.address, folder: this.folder, trust: this.trust, maxChunkSize: 20_000 };
  }

  endings(node: { address: string }, first: number, last: number) {
    const target = { type: 'epoch_ending', start_epoch: first, end_epoch: last + 1 } as const;
    return backUp({ ...this.to(node), target });
  }

  transactions(node: { address: string }, first: number, last: number) {
    const count = last - first + 1;
    const target = { type: 'transaction', start_version: first, num_transactions: count } as const;
    return backUp({ ...this.to(node), target });
  }

  snapshot(node: { address: string }, epoch: number) {
    return backUp({ ...this.to(node), target: { type: 'state_snapshot', epoch } });
  }

  verify(trust: string[] = this.trust, scope: Partial<VerifyScope> = {}) {
    const storage = { local_fs_dir: this.folder };
    const settings = { storage, trustWaypoints: trust };
    return verifyStorage(openStorage(storage), settings, { ...WHOLE_STORAGE, ...scope });
  }
}
