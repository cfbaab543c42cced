import {
  AccumulatorWindow,
  AptosDataError,
  decodeTransactionRangeProof,
  encodeStateRootProof,
  encodeTransactionRangeProof,
  type RecordFormat,
  TransactionChunkVerifier,
  type TransactionManifest,
  transactionInfoIn,
} from '../aptos/index.js';
import type { TransactionEntry } from '../repository/catalog.js';
import { type Block, recordOf } from './blocks.js';
import type { ChunkCheck, ChunkFile, ChunkReader } from './chunk-reader.js';
import type { Endings } from './endings.js';
import type { Holdings } from './holdings.js';
import { NotStored, about, unlike } from './not-served.js';
import { SizedCache } from './sized-cache.js';
import type { StoredFiles } from './stored-files.js';
import { Turns } from './turns.js';

type RangeProof = ReturnType<typeof decodeTransactionRangeProof>;

interface TransactionChunk {
  file: ChunkFile;
  manifest: string;
  first: bigint;
  last: bigint;
  format: RecordFormat;
  proofHandle: string;
  proof: () => Promise<RangeProof>;
}

/** What the proofs of a chunk are made of: its leaves, and what is left and right of them. */
interface ProvenLeaves {
  window: AccumulatorWindow;
  proof: RangeProof;
}

/** The ledger info that proves a version, and the right siblings of that version as of it. */
interface Proven {
  rightSiblings: Uint8Array[];
  ledgerInfo: Uint8Array;
}

/** About two million transactions. */
const LEAVES_BYTES = 128 * 1024 * 1024;
/** So many chunks are read for proofs at a time. */
const READS_FOR_PROOFS = 2;

/** The stored transactions, and proofs of any range of them. */
export class Transactions {
  private readonly leaves = new SizedCache<ProvenLeaves>(LEAVES_BYTES);
  private readonly turns = new Turns(READS_FOR_PROOFS);

  constructor(
    private readonly holdings: () => Holdings,
    private readonly files: StoredFiles,
    private readonly reader: ChunkReader,
    private readonly endings: Endings,
  ) {}

  /**
   * The transactions of versions [start, end). Ends before the first version above all that are stored.
   * @throws NotStored at a hole; DamagedFile, StorageError
   */
  async *stream(start: bigint, end: bigint, signal?: AbortSignal): AsyncGenerator<Block> {
    const newest = this.holdings().lastVersion ?? -1n;
    const stop = end <= newest ? end : newest + 1n;
    for (let at = start; at < stop;) {
      const chunk = await this.chunkAt(at);
      const to = stop <= chunk.last ? stop : chunk.last + 1n;
      const [from, until] = [Number(at - chunk.first), Number(to - chunk.first)];
      yield* this.ofChunk(chunk, () => this.reader.read(chunk.file, from, until, signal));
      at = to;
    }
  }

  /** The proof of versions first to last. @throws NotStored, DamagedFile, StorageError */
  async rangeProof(first: bigint, last: bigint): Promise<Uint8Array> {
    // A run from version 0 has nothing left of it.
    const leftSiblings = first === 0n ? [] : await this.leftSiblings(first);
    const { rightSiblings, ledgerInfo } = await this.provenAt(last);
    return encodeTransactionRangeProof(leftSiblings, rightSiblings, ledgerInfo);
  }

  /** The transaction info of a version and its proof. @throws NotStored, DamagedFile, StorageError */
  async infoProof(version: bigint): Promise<Uint8Array> {
    const { rightSiblings: right, ledgerInfo } = await this.provenAt(version);
    const left = await this.leftSiblings(version);
    const siblings: Uint8Array[] = [];
    const [lefts, rights] = [left.values(), right.values()];
    for (let height = 0; siblings.length < left.length + right.length; height += 1) {
      const side = ((version >> BigInt(height)) & 1n) === 1n ? lefts : rights;
      siblings.push(side.next().value!);
    }
    return encodeStateRootProof(siblings, await this.infoAt(version), ledgerInfo);
  }

  /** The epoch of the ledger info that proves the chunk of a version. */
  async epochProving(version: bigint): Promise<bigint> {
    const chunk = await this.chunkAt(version);
    return (await chunk.proof()).ledgerInfo.ledgerInfo.epoch;
  }

  private async leftSiblings(first: bigint): Promise<Uint8Array[]> {
    const chunk = await this.chunkAt(first);
    return (await this.leavesOf(chunk)).window.leftSiblings(first);
  }

  /**
   * A node gives the last ledger info that it has of the epoch of `last`. So do we if it is that of the chunk, or lies
   * in the chunk: a chunk of several epochs has the ledger info of the last of them, which does not prove the others.
   */
  private async provenAt(last: bigint): Promise<Proven> {
    const chunk = await this.chunkAt(last);
    const { window, proof } = await this.leavesOf(chunk);
    const { epoch, version } = proof.ledgerInfo.ledgerInfo;
    const ended = await this.endingWithin(last, epoch);
    if (ended) {
      return {
        rightSiblings: window.rightSiblings(last, ended.version + 1n),
        ledgerInfo: await this.endings.ledgerInfoOf(ended.epoch),
      };
    }
    return {
      rightSiblings: window.rightSiblings(last, version + 1n, proof.rightSiblings),
      ledgerInfo: proof.ledgerInfo.bytes,
    };
  }

  /** Where the epoch of `version` ends, if that is before `epoch`. */
  private async endingWithin(
    version: bigint,
    epoch: bigint,
  ): Promise<{ epoch: bigint; version: bigint } | undefined> {
    let found: { epoch: bigint; version: bigint } | undefined;
    for (let before = epoch - 1n; before >= 0n; before -= 1n) {
      const end = await this.endings.versionOf(before);
      if (end === undefined || end < version) break;
      found = { epoch: before, version: end };
    }
    return found;
  }

  private leavesOf(chunk: TransactionChunk): Promise<ProvenLeaves> {
    const make = async () => {
      const proof = await chunk.proof();
      const leaves = new Uint8Array(chunk.file.count * 32);
      let filled = 0;
      const check = checkOf(this.reader, chunk, proof, (more) => {
        leaves.set(more, filled);
        filled += more.length;
      });
      const scan = this.ofChunk(chunk, () => this.reader.scan(chunk.file, check));
      while (!(await scan.next()).done); // the check takes what it needs
      const { hasher } = this.reader;
      const window = new AccumulatorWindow(hasher, chunk.first, leaves, proof.leftSiblings);
      return { value: { window, proof }, bytes: window.bytes };
    };
    return this.leaves.get(chunk.file.handle, () => this.turns.take(make));
  }

  private async infoAt(version: bigint): Promise<Uint8Array> {
    const chunk = await this.chunkAt(version);
    const at = Number(version - chunk.first);
    const blocks = this.ofChunk(chunk, () => this.reader.read(chunk.file, at, at + 1));
    for await (const block of blocks) {
      return about(chunk.file.handle, () => transactionInfoIn(recordOf(block, 0), chunk.format));
    }
    throw new NotStored(`version ${version} is not stored`);
  }

  /** Reads a chunk, and remembers when that fails. */
  private async *ofChunk(
    { manifest }: TransactionChunk,
    read: () => AsyncGenerator<Block>,
  ): AsyncGenerator<Block> {
    try {
      yield* read();
    } catch (error) {
      this.files.suspect(manifest, error);
      throw error;
    }
  }

  private chunkAt(version: bigint): Promise<TransactionChunk> {
    const entries = this.holdings().transactionsAt(version);
    return this.files.firstUsable(`version ${version}`, entries, (entry) =>
      this.open(entry, version),
    );
  }

  private async open({ manifest: handle }: TransactionEntry, version: bigint) {
    const manifest = await this.files.transactions(handle);
    const chunk = chunkOf(manifest, version);
    if (!chunk) throw unlike(handle, `version ${version}`);
    const { firstVersion: first, lastVersion: last, proof: proofHandle, format, extra } = chunk;
    const proof = async () => {
      try {
        const bytes = await this.files.proof(proofHandle, extra);
        return await about(proofHandle, () => decodeTransactionRangeProof(bytes));
      } catch (error) {
        this.files.suspect(handle, error);
        throw error;
      }
    };
    const opened: TransactionChunk = {
      manifest: handle,
      first,
      last,
      format,
      proofHandle,
      proof,
      file: {
        handle: chunk.transactions,
        count: Number(last - first) + 1,
        extra,
        beginCheck: async () => checkOf(this.reader, opened, await proof()),
      },
    };
    return opened;
  }
}

function chunkOf({ chunks }: TransactionManifest, version: bigint) {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (chunks[middle]!.lastVersion < version) low = middle + 1;
    else high = middle;
  }
  const chunk = chunks[low];
  return chunk && chunk.firstVersion <= version ? chunk : undefined;
}

/** When records and proof do not fit, either file may be the damaged one: the error names both. */
function checkOf(
  { hasher }: ChunkReader,
  { first, format, proofHandle }: TransactionChunk,
  proof: RangeProof,
  onLeaves?: (leaves: Uint8Array) => void,
): ChunkCheck {
  const verifier = new TransactionChunkVerifier(hasher, first, format);
  verifier.onLeaves = (address, count) =>
    onLeaves?.(hasher.memory.subarray(address, address + count * 32));
  return {
    add: (block) => verifier.add(block, 0, block.count),
    prove() {
      try {
        verifier.prove(proof);
      } catch (error) {
        if (!(error instanceof AptosDataError) || error.code === 'UNSUPPORTED') throw error;
        throw new AptosDataError(error.code, `it and ${proofHandle} do not fit: ${error.message}`);
      }
    },
  };
}
