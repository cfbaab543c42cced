import { type JsonObject, stringifyJson } from '../aptos/files/json.js';
import { type MetadataLine, parseMetadataFile } from '../aptos/files/metadata.js';
import { NodeClient } from '../node/client.js';
import { MAX_METADATA_BYTES } from '../catalog/catalog.js';
import { openStorage } from '../storage/open.js';
import { type CommonFlags, nodeAddress, storageOf } from './options.js';

/** `query node-state`: what the node has. Asks nobody but the node. */
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
 * `query backup-storage-state`: the highest of everything that metadata lines name, holes or not.
 * Never writes; lines that cannot be read are named on stderr.
 */
export async function queryStorageState(flags: CommonFlags): Promise<void> {
  const storage = openStorage(storageOf(flags));
  const newest: Newest = {};
  for (const handle of await storage.listMetadata()) {
    const { lines, errors } = parseMetadataFile(await storage.readAll(handle, MAX_METADATA_BYTES));
    for (const line of lines) take(newest, line);
    for (const error of errors) console.error(`${handle}, ${error.message}`);
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
