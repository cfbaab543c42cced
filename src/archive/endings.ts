import {
  AptosDataError,
  decodeLedgerInfoWithSignatures,
  type EpochEndingManifest,
  formatWaypoint,
  parseWaypoint,
  type RecordBlock,
  waypointOf,
} from '../aptos/index.js';
import { type Block, recordOf } from './blocks.js';
import type { ChunkCheck, ChunkFile, ChunkReader } from './chunk-reader.js';
import type { Holdings } from './holdings.js';
import { NotStored, unlike } from './not-served.js';
import type { StoredFiles } from './stored-files.js';

interface EndingChunk {
  file: ChunkFile;
  manifest: string;
  firstEpoch: bigint;
  lastEpoch: bigint;
}

/** The stored ledger infos that end epochs. */
export class Endings {
  constructor(
    private readonly holdings: () => Holdings,
    private readonly files: StoredFiles,
    private readonly reader: ChunkReader,
  ) {}

  /** The version at which an epoch ends, as the manifest says it; undefined when its ending is not stored. */
  async versionOf(epoch: bigint): Promise<bigint | undefined> {
    try {
      const manifest = await this.files.firstUsable(
        `the ending of epoch ${epoch}`,
        this.holdings().endingsOf(epoch),
        (entry) => this.files.endings(entry.manifest),
      );
      const waypoint = manifest.waypoints[Number(epoch - manifest.firstEpoch)];
      return waypoint === undefined ? undefined : parseWaypoint(waypoint).version;
    } catch (error) {
      if (error instanceof NotStored) return undefined;
      throw error;
    }
  }

  /** The ledger info that ends an epoch, as it is stored. @throws NotStored, DamagedFile, StorageError */
  async ledgerInfoOf(epoch: bigint): Promise<Uint8Array> {
    for await (const block of this.stream(epoch, epoch + 1n)) return recordOf(block, 0).slice();
    throw new NotStored(`the ending of epoch ${epoch} is not stored`);
  }

  /** The endings of epochs [start, end). Ends before the first epoch above all that are stored. */
  async *stream(start: bigint, end: bigint, signal?: AbortSignal): AsyncGenerator<Block> {
    const newest = this.holdings().lastEpoch ?? -1n;
    const stop = end <= newest ? end : newest + 1n;
    for (let at = start; at < stop;) {
      const chunk = await this.chunkOf(at);
      const to = stop <= chunk.lastEpoch ? stop : chunk.lastEpoch + 1n;
      const [from, until] = [Number(at - chunk.firstEpoch), Number(to - chunk.firstEpoch)];
      try {
        yield* this.reader.read(chunk.file, from, until, signal);
      } catch (error) {
        this.files.suspect(chunk.manifest, error);
        throw error;
      }
      at = to;
    }
  }

  private chunkOf(epoch: bigint): Promise<EndingChunk> {
    const entries = this.holdings().endingsOf(epoch);
    return this.files.firstUsable(`the ending of epoch ${epoch}`, entries, (entry) =>
      this.open(entry.manifest, epoch),
    );
  }

  private async open(handle: string, epoch: bigint): Promise<EndingChunk> {
    const manifest = await this.files.endings(handle);
    const chunk = manifest.chunks.find((c) => c.firstEpoch <= epoch && c.lastEpoch >= epoch);
    if (!chunk) throw unlike(handle, `epoch ${epoch}`);
    const { firstEpoch, lastEpoch, ledgerInfos, extra } = chunk;
    const file: ChunkFile = {
      handle: ledgerInfos,
      count: Number(lastEpoch - firstEpoch) + 1,
      extra,
      beginCheck: () => Promise.resolve(new EndingCheck(manifest, firstEpoch)),
    };
    return { file, manifest: handle, firstEpoch, lastEpoch };
  }
}

/** Compares ledger infos with the waypoints of their manifest. A waypoint covers all but signatures. */
class EndingCheck implements ChunkCheck {
  private epoch: bigint;

  constructor(
    private readonly manifest: EpochEndingManifest,
    firstEpoch: bigint,
  ) {
    this.epoch = firstEpoch;
  }

  add(block: RecordBlock): void {
    for (let i = 0; i < block.count; i += 1) {
      const record = block.bytes.subarray(block.start(i) + 4, block.end(i));
      const { ledgerInfo } = decodeLedgerInfoWithSignatures(record);
      const expected = this.manifest.waypoints[Number(this.epoch - this.manifest.firstEpoch)];
      const actual = formatWaypoint(waypointOf(ledgerInfo));
      if (ledgerInfo.epoch !== this.epoch || actual !== expected || !ledgerInfo.nextEpochState) {
        const why = `the ending of epoch ${this.epoch} should be ${expected}; it has ${actual} of epoch ${ledgerInfo.epoch}`;
        throw new AptosDataError('WAYPOINT_INVALID', why);
      }
      this.epoch += 1n;
    }
  }

  prove(): void {
    // Each was compared as it came.
  }
}
