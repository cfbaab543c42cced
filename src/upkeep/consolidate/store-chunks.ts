import {
  decodeTransactionRangeProof,
  frontierDigest,
  type RecordBlock,
  RecordFramer,
  TransactionChunkVerifier,
  transactionProofName,
} from '../../aptos/index.js';
import { ChunkFile, type OpenChunk } from '../../repository/chunk-file.js';
import { checksOut, readReceipt } from '../../repository/receipt.js';
import { requireOpenUnit } from '../../repository/unit-folder.js';
import type { BackupStorage } from '../../storage/storage.js';
import type { ProvenCut } from './make-proofs.js';
import type { ReadTools, StoredChunk } from './read-parts.js';

/** Where the chunks of the full batch go. */
export interface Target {
  folder: string;
  signal: AbortSignal;
  /** Called with the number of chunks that are stored and proven. */
  onChunk: (stored: number) => void;
}

/**
 * Writes the chunks of the full batch that are not stored yet, one after another. Each is proven again, by its own
 * proof, before anybody sees it. Returns whether all are stored; `findings` says why not.
 */
export async function storeChunks(
  tools: ReadTools,
  sources: readonly StoredChunk[],
  cuts: readonly ProvenCut[],
  target: Target,
): Promise<boolean> {
  const missing: ProvenCut[] = [];
  for (const cut of cuts) {
    if (!(await isStored(tools.storage, target.folder, cut))) missing.push(cut);
  }
  const writer = new BatchWriter(tools, missing, target, cuts.length);
  try {
    for (const source of sources) {
      if (!writer.needs(source)) continue;
      const done = await tools.findings.about(source.transactions, source.manifest, async () => {
        await copyRecords(tools, source, writer);
        return true;
      });
      if (!done) return false;
    }
    const last = sources.at(-1)!;
    const why = 'it has fewer records than before';
    if (!writer.isDone) tools.findings.add(last.transactions, 'DAMAGED', why, last.manifest);
    return writer.isDone;
  } finally {
    await writer.discard();
  }
}

async function isStored(storage: BackupStorage, folder: string, { first, last }: ProvenCut) {
  const receipt = await readReceipt(storage, folder, first);
  if (receipt?.kind !== 'transaction' || receipt.last !== `${last}`) return false;
  return checksOut(storage, folder, receipt);
}

async function copyRecords(tools: ReadTools, source: StoredChunk, writer: BatchWriter) {
  const framer = new RecordFramer(tools.hasher);
  let version = source.firstVersion;
  const take = async (block: RecordBlock) => {
    await writer.take(block, version);
    version += BigInt(block.count);
  };
  for await (const part of tools.storage.read(source.transactions)) {
    for (const block of framer.push(part)) await take(block);
    tools.onProgress({ bytes: part.length, objects: 0 });
  }
  const rest = framer.flush();
  if (rest) await take(rest);
  tools.onProgress({ bytes: 0, objects: 1 });
}

/** Copies the records of the missing chunks, which come in order, into their files. */
class BatchWriter {
  private open: ChunkFile | undefined;
  private at = 0;

  constructor(
    private readonly tools: ReadTools,
    private readonly missing: readonly ProvenCut[],
    private readonly target: Target,
    private readonly of: number,
  ) {
    this.told();
  }

  /** Whether a stored chunk has records of the chunks that are still missing. */
  needs({ lastVersion }: StoredChunk): boolean {
    const cut = this.missing[this.at];
    return cut !== undefined && cut.first <= lastVersion;
  }

  get isDone(): boolean {
    return this.at === this.missing.length;
  }

  /** Takes a block whose first record is `version`. */
  async take(block: RecordBlock, version: bigint): Promise<void> {
    const end = version + BigInt(block.count);
    for (let next = version; next < end;) {
      const cut = this.missing[this.at];
      if (!cut || cut.first >= end) return;
      if (next < cut.first) next = cut.first;
      const upTo = cut.last + 1n < end ? cut.last + 1n : end;
      this.open ??= await this.begin(cut);
      await this.open.add(block, Number(next - version), Number(upTo - version));
      next = upTo;
      if (next > cut.last) await this.finish();
    }
  }

  async discard(): Promise<void> {
    await this.open?.discard();
  }

  private async begin(cut: ProvenCut): Promise<ChunkFile> {
    const { storage } = this.tools;
    const { folder, signal } = this.target;
    await requireOpenUnit(storage, folder);
    return ChunkFile.start(storage, folder, cut.first, chunkOf(this.tools, cut), signal);
  }

  private async finish(): Promise<void> {
    await this.open!.finish();
    this.open = undefined;
    this.at += 1;
    this.told();
  }

  private told(): void {
    this.target.onChunk(this.of - this.missing.length + this.at);
  }
}

function chunkOf({ hasher, chain }: ReadTools, cut: ProvenCut): OpenChunk {
  const verifier = new TransactionChunkVerifier(hasher, cut.first);
  return {
    add: (block, from, to) => verifier.add(block, from, to),
    proof: {
      name: (last) => transactionProofName(cut.first, last),
      fetch: () => Promise.resolve(cut.proof),
    },
    async prove(last, bytes) {
      const proof = decodeTransactionRangeProof(bytes!);
      const { inFrontier, outFrontier } = verifier.prove(proof);
      const proven = await chain.prove(proof.ledgerInfo);
      chain.requireEpochOf(last, proof.ledgerInfo.ledgerInfo.epoch);
      return {
        kind: 'transaction',
        proven,
        format: verifier.format,
        in_frontier: frontierDigest(inFrontier),
        out_frontier: frontierDigest(outFrontier),
      };
    },
  };
}
