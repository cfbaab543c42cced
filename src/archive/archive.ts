import { createBatchHasher } from '../aptos/index.js';
import {
  encodeDbState,
  encodeU64,
  MAX_U64,
  type ServiceRequest,
} from '../backup-service/request.js';
import type { BackupStorage } from '../storage/storage.js';
import type { Block } from './blocks.js';
import { Catalogue } from './catalogue.js';
import { ChunkCache } from './chunk-cache.js';
import { ChunkReader } from './chunk-reader.js';
import { Endings } from './endings.js';
import type { Holdings } from './holdings.js';
import { NotStored } from './not-served.js';
import { Snapshots } from './snapshots.js';
import { StoredFiles } from './stored-files.js';
import { type Tip, tipOf } from './tip.js';
import { Transactions } from './transactions.js';

export type RawEndpoint = Exclude<ServiceRequest['endpoint'], StreamEndpoint>;
export type StreamEndpoint =
  'epoch_ending_ledger_infos' | 'transactions' | 'state_snapshot_chunk' | 'state_snapshot';

export interface ArchiveOptions {
  storage: BackupStorage;
  /** Memory for chunks of which small parts are asked for, in bytes. */
  cacheBytes: number;
  /** Told of a reading of the metadata that failed. What was known before stays known. */
  onError: (error: unknown) => void;
  /** How old the metadata may be, in milliseconds. @default 30,000 */
  paceMs?: number | undefined;
}

/**
 * What a node's backup service would answer that has just what a storage holds. Everything is proven by the stored
 * proofs before it is given out whole. Signatures are not checked: the client decides whom it trusts.
 */
export class Archive {
  private known: { holdings: Holdings; tip: Tip | undefined } | undefined;

  private constructor(
    private readonly onError: (error: unknown) => void,
    private readonly catalogue: Catalogue,
    private readonly endings: Endings,
    private readonly transactions: Transactions,
    private readonly snapshots: Snapshots,
  ) {}

  /** Reads the metadata of the storage. @throws StorageError, CatalogError */
  static async open({ storage, cacheBytes, onError, paceMs }: ArchiveOptions): Promise<Archive> {
    const catalogue = new Catalogue(storage, onError, paceMs);
    await catalogue.open();
    const holdings = () => catalogue.now;
    const files = new StoredFiles(storage);
    const reader = new ChunkReader(storage, createBatchHasher(), new ChunkCache(cacheBytes));
    const endings = new Endings(holdings, files, reader);
    return new Archive(
      onError,
      catalogue,
      endings,
      new Transactions(holdings, files, reader, endings),
      new Snapshots(holdings, files, reader),
    );
  }

  /** The tip that it claims; undefined when nothing is stored. @throws StorageError */
  async tip(): Promise<Tip | undefined> {
    const holdings = await this.catalogue.newest();
    if (this.known?.holdings === holdings) return this.known.tip;
    const tip = await tipOf(holdings, this.endings, this.transactions, this.onError);
    this.known = { holdings, tip };
    return tip;
  }

  /** The answer of a raw endpoint. @throws NotStored, DamagedFile, StorageError */
  async value(endpoint: RawEndpoint, { numbers, key }: ServiceRequest): Promise<Uint8Array> {
    const [a, b] = numbers;
    switch (endpoint) {
      case 'db_state':
        return encodeDbState(await this.tip());
      case 'transaction_range_proof':
        if (b < a) throw new NotStored(`versions ${a} to ${b} are no range`);
        return this.transactions.rangeProof(a, b);
      case 'state_item_count':
        return encodeU64(await this.snapshots.itemCount(a));
      case 'state_range_proof':
        return this.snapshots.rangeProof(a, key!);
      case 'state_root_proof':
        return this.snapshots.has(a) ? this.snapshots.rootProof(a) : this.transactions.infoProof(a);
    }
  }

  /** The records of a stream endpoint. `signal` ends it. @throws NotStored, DamagedFile, StorageError */
  stream(
    endpoint: StreamEndpoint,
    { numbers: [a, b, c] }: ServiceRequest,
    signal: AbortSignal,
  ): AsyncIterable<Block> {
    switch (endpoint) {
      case 'epoch_ending_ledger_infos':
        return this.endings.stream(a, b, signal);
      case 'transactions':
        if (a + b > MAX_U64) throw new NotStored(`there is no version ${a + b}`);
        return this.transactions.stream(a, a + b, signal);
      case 'state_snapshot_chunk':
        return this.snapshots.stream(a, b, c, signal);
      case 'state_snapshot':
        return this.snapshots.stream(a, 0n, MAX_U64, signal);
    }
  }
}
