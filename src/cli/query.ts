import { type JsonObject, stringifyJson } from '../aptos/index.js';
import { NodeClient } from '../node/client.js';
import { readKnownCatalog } from '../repository/catalog.js';
import { openReadable } from '../storage/index/open-readable.js';
import { type CommonFlags, nodeAddress } from './options.js';
import { storageOf } from './storage-options.js';
import { print } from './print.js';
import { say } from './say.js';

/** `query node-state`: shows what the node has. Asks only the node. */
export async function queryNodeState(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  const node = new NodeClient({ address: nodeAddress(flags) });
  try {
    const state = await node.dbState(signal);
    if (flags.json) {
      printJson(state ? { epoch: state.epoch, committed_version: state.committedVersion } : {});
    } else if (state) {
      print(`epoch: ${state.epoch}, committed_version: ${state.committedVersion}`);
    } else {
      print('DB not bootstrapped.');
    }
  } finally {
    node.close();
  }
}

/**
 * `query backup-storage-state`: shows the highest epoch and version that metadata lines name, with or
 * without holes below. Never writes. Names lines that cannot be read on stderr.
 */
export async function queryStorageState(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  const storage = await openReadable(storageOf(flags), signal);
  const { epochEndings, transactions, snapshots, damaged } = await readKnownCatalog(storage);
  for (const { object, why } of damaged) say(`${object}, ${why}`);
  const snapshot = newestOf(snapshots, ({ epoch }) => epoch);
  const state = {
    latest_epoch_ending_epoch: newestOf(epochEndings, (e) => e.lastEpoch)?.lastEpoch ?? null,
    latest_state_snapshot_epoch: snapshot?.epoch ?? null,
    latest_state_snapshot_version: snapshot?.version ?? null,
    latest_transaction_version: newestOf(transactions, (t) => t.lastVersion)?.lastVersion ?? null,
  };
  if (flags.json) {
    printJson(state);
  } else {
    const fields = Object.entries(state).map(([name, value]) => `${name}: ${value ?? 'none'}`);
    print(fields.join(', '));
  }
}

/** The first of those with the highest number. */
function newestOf<E>(entries: readonly E[], numberOf: (entry: E) => bigint): E | undefined {
  return entries.reduce<E | undefined>(
    (newest, entry) => (newest && numberOf(newest) >= numberOf(entry) ? newest : entry),
    undefined,
  );
}

function printJson(value: JsonObject): void {
  print(stringifyJson(value));
}
