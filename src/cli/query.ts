import { type JsonObject, type MetadataLine, stringifyJson } from '../aptos/index.js';
import { NodeClient } from '../node/client.js';
import { listKnownMetadata, refuseEmptyListing } from '../repository/known-metadata.js';
import { readMetadataFile } from '../repository/metadata-file.js';
import { openStorage } from '../storage/open.js';
import { type CommonFlags, nodeAddress, storageOf } from './options.js';

/** `query node-state`: shows what the node has. Asks only the node. */
export async function queryNodeState(flags: CommonFlags): Promise<void> {
  const node = new NodeClient({ address: nodeAddress(flags) });
  try {
    const state = await node.dbState();
    if (flags.json) {
      print(state ? { epoch: state.epoch, committed_version: state.committedVersion } : {});
    } else if (state) {
      console.log(`epoch: ${state.epoch}, committed_version: ${state.committedVersion}`);
    } else {
      console.log('DB not bootstrapped.');
    }
  } finally {
    node.close();
  }
}

/**
 * `query backup-storage-state`: shows the highest epoch and version that metadata lines name, with or
 * without holes below. Never writes. Names lines that cannot be read on stderr.
 */
export async function queryStorageState(flags: CommonFlags): Promise<void> {
  const storage = openStorage(storageOf(flags));
  const newest: Newest = {};
  const handles = await listKnownMetadata(storage);
  if (handles.length === 0) await refuseEmptyListing(storage);
  for (const handle of handles) {
    const file = await readMetadataFile(storage, handle);
    for (const line of file?.lines ?? []) take(newest, line);
    for (const why of file?.errors ?? []) console.error(`${handle}, ${why}`);
  }
  const state = {
    latest_epoch_ending_epoch: newest.epoch ?? null,
    latest_state_snapshot_epoch: newest.snapshot?.epoch ?? null,
    latest_state_snapshot_version: newest.snapshot?.version ?? null,
    latest_transaction_version: newest.version ?? null,
  };
  if (flags.json) {
    print(state);
  } else {
    const fields = Object.entries(state).map(([name, value]) => `${name}: ${value ?? 'none'}`);
    console.log(fields.join(', '));
  }
}

interface Newest {
  epoch?: bigint;
  version?: bigint;
  snapshot?: { epoch: bigint; version: bigint };
}

function take(newest: Newest, line: MetadataLine): void {
  switch (line.type) {
    case 'EpochEndingBackup':
      if (newest.epoch === undefined || line.lastEpoch > newest.epoch) {
        newest.epoch = line.lastEpoch;
      }
      break;
    case 'TransactionBackup':
      if (newest.version === undefined || line.lastVersion > newest.version) {
        newest.version = line.lastVersion;
      }
      break;
    case 'StateSnapshotBackup':
      if (newest.snapshot === undefined || line.epoch > newest.snapshot.epoch) {
        newest.snapshot = { epoch: line.epoch, version: line.version };
      }
      break;
    default:
  }
}

function print(value: JsonObject): void {
  console.log(stringifyJson(value));
}
