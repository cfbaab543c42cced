import type { BatchHasher, JsonObject, MetadataLine } from '../../aptos/index.js';
import type { BackupType, TargetOf } from '../../contract/job.js';
import type { Kinds } from '../../contract/kinds/index.js';
import type { UnitOf } from '../../contract/unit.js';
import type { NodeClient } from '../../node/client.js';
import type { OpenChunk } from '../../repository/chunk-file.js';
import type { Receipt, ReceiptOf } from '../../repository/receipt.js';
import type { Site } from '../../site/site.js';
import type { LedgerInfoProver } from '../../trust/ledger-info-proof.js';
import type { Learnt } from '../plan/learnt.js';

/**
 * The half of a kind that needs a node or a storage. Its members stand in the order in which a backup uses them. The
 * other half needs only plain data: `src/contract/kinds`.
 */
export interface Kind<K extends BackupType> {
  /**
   * The handle of a backup's metadata file. @throws BackupError NODE_BEHIND when its name needs what the node does
   * not have yet
   */
  metadataOf(site: Site, target: TargetOf<K>, signal: AbortSignal): Promise<string>;
  /** Asks the node what there is to store. @throws BackupError NODE_BEHIND, NODE_PRUNED */
  plan(site: Site, target: TargetOf<K>, tools: PlanTools): Promise<Draft<K>>;
  /** How many records a plan reads at each of a few places, to estimate their size. */
  samples: bigint;
  /** Streams the records of a range, and proves its chunks. */
  records(unit: UnitOf<K>, tools: RecordTools): Records;
  /** Chunks that are proven, but do not fit their neighbours or the whole unit. */
  misfits(unit: UnitOf<K>, receipts: readonly ReceiptOf<K>[]): ReadonlySet<Receipt>;
  /** Makes the manifest of a unit from all its receipts, in order. May store files that the manifest names. */
  manifest(
    unit: UnitOf<K>,
    receipts: readonly ReceiptOf<K>[],
    site: Site,
    signal: AbortSignal,
  ): Promise<NewManifest<K>>;
  /** Reads a manifest, ours or the stock tool's. @throws AptosDataError */
  read(manifest: Uint8Array): Content<K>;
}

export interface PlanTools {
  /** What the node answered to earlier attempts. */
  learnt: Learnt;
  signal: AbortSignal;
}

/** Streams the records `first` to `first + count - 1` of a node. Each has its frame: its length in front. */
export type RecordStream = (
  first: bigint,
  count: bigint,
  signal: AbortSignal,
) => AsyncIterable<Uint8Array>;

/** What a plan knows of a unit before it is cut into ranges. */
export interface Draft<K extends BackupType> {
  /** Folder name up to the suffix, e.g. `transaction_0-`. */
  base: string;
  first: string;
  records: bigint;
  /** Snapshots only: units with different roots are different units. */
  rootHash?: string;
  /** The unit's fields of this kind. */
  facts: Kinds[K]['unit'];
  stream: RecordStream;
}

export interface RecordTools {
  node: NodeClient;
  hasher: BatchHasher;
  ledgerInfos: LedgerInfoProver;
}

/** Serves one range, inside one thread. */
export interface Records {
  /** It may end with GaveWay (node/gate.ts): then the rest is asked for. */
  stream: RecordStream;
  /** Begins the chunk that starts at `first`; `before` is the chunk of the same range before it. */
  startChunk(first: bigint, before: Receipt | undefined, signal: AbortSignal): Promise<OpenChunk>;
  /** Why the node no longer gives record `first`. Undefined if the node gives it, or prunes no such records. */
  lackOf(first: bigint, signal: AbortSignal): Promise<Error | undefined>;
}

export interface NewManifest<K extends BackupType> {
  name: string;
  bytes: Uint8Array;
  content: Content<K>;
  /** The metadata line that commits the unit. */
  line: BackupLine;
}

/** A metadata line that names a manifest. */
type BackupLine = Extract<MetadataLine, { manifest: string }>;

/** What a manifest says of its backup. */
export interface Content<K extends BackupType> {
  /** Its range, as in a result. */
  range: Kinds[K]['result'];
  records: bigint;
  chunks: { file: string; extra: JsonObject | undefined }[];
  /** Our own fields, beside the stock tool's. */
  extra: JsonObject | undefined;
}
