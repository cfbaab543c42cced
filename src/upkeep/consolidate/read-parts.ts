import {
  AptosDataError,
  decodeTransactionManifest,
  decodeTransactionRangeProof,
  frontierDigest,
  TransactionChunkVerifier,
  type TransactionManifest,
} from '../../aptos/index.js';
import { BackupError } from '../../errors/backup-error.js';
import type { TransactionEntry } from '../../repository/catalog.js';
import type { Findings } from '../../verify/findings.js';
import type { StoredChain } from '../../verify/stored-chain.js';
import { type CheckTools, readChunk, readSmall } from '../../verify/stored-records.js';
import { ChunkCutter } from './cut-chunks.js';

export type StoredChunk = TransactionManifest['chunks'][number] & { manifest: string };
export type RangeProof = ReturnType<typeof decodeTransactionRangeProof>;

export interface ReadTools extends CheckTools {
  chain: StoredChain;
  findings: Findings;
  maxChunkSize: number;
}

/** The chunks of small backups, in order, as their manifests name them. Undefined when a manifest is damaged. */
export async function chunksOfParts(
  tools: Pick<ReadTools, 'findings'> & CheckTools,
  parts: readonly TransactionEntry[],
): Promise<StoredChunk[] | undefined> {
  const chunks: StoredChunk[] = [];
  for (const { manifest, source, firstVersion, lastVersion } of parts) {
    const read = await tools.findings.about(manifest, source, async () => {
      const content = decodeTransactionManifest(await readSmall(tools, manifest));
      if (content.firstVersion === firstVersion && content.lastVersion === lastVersion) {
        return content;
      }
      const why = `it says versions ${content.firstVersion} to ${content.lastVersion}, its metadata line ${firstVersion} to ${lastVersion}`;
      throw new AptosDataError('MANIFEST_INVALID', why);
    });
    if (!read) return undefined;
    chunks.push(...read.chunks.map((chunk) => ({ ...chunk, manifest })));
  }
  return chunks;
}

/**
 * Reads and proves all chunks, in order: each record against its info, the infos against the chunk's own proof, its
 * ledger info by the stored epoch endings, and that each chunk continues the one before. Returns where the full
 * batch is cut, and the last proof. Undefined when something is damaged or unproven: `findings` names it.
 */
export async function readParts(
  tools: ReadTools,
  chunks: readonly StoredChunk[],
): Promise<{ cutter: ChunkCutter; lastProof: RangeProof } | undefined> {
  const [{ firstVersion }, { lastVersion }] = [chunks[0]!, chunks.at(-1)!];
  const ends = endsWithin(tools.chain, firstVersion, lastVersion);
  let cutter: ChunkCutter | undefined;
  let before: { file: string; frontier: string } | undefined;
  let lastProof: RangeProof | undefined;
  for (const chunk of chunks) {
    const { firstVersion: first, lastVersion: last, manifest } = chunk;
    const proof = await tools.findings.about(chunk.proof, manifest, async () => {
      const read = await provenProof(tools, chunk);
      cutter ??= new ChunkCutter(tools.hasher, first, read.leftSiblings, tools.maxChunkSize, ends);
      return read;
    });
    if (!proof || !cutter) return undefined;
    const verifier = verifierOf(tools, chunk, cutter);
    const frontier = await tools.findings.about(chunk.transactions, manifest, async () => {
      await readChunk(tools, chunk.transactions, chunk.extra, last - first + 1n, verifier.sink);
      const { inFrontier, outFrontier } = verifier.prove(proof);
      requireContinues(chunk, frontierDigest(inFrontier), before);
      return frontierDigest(outFrontier);
    });
    if (frontier === undefined) return undefined;
    before = { file: chunk.transactions, frontier };
    lastProof = proof;
  }
  cutter!.close();
  return { cutter: cutter!, lastProof: lastProof! };
}

/** The proof of a stored chunk. Its ledger info is proven by the stored epoch endings, its siblings not yet. */
async function provenProof(tools: ReadTools, chunk: StoredChunk): Promise<RangeProof> {
  const proof = decodeTransactionRangeProof(await readSmall(tools, chunk.proof, chunk.extra));
  const { epoch, version } = proof.ledgerInfo.ledgerInfo;
  const proven = await tools.chain.prove(proof.ledgerInfo);
  // A verification waits for what may prove it later. What takes the place of other backups must be proven now, or lie
  // below a trusted waypoint, where history may be unsigned.
  if (proven === 'not yet proven' && !tools.chain.trusted.covers(version)) {
    const why = `its ledger info is of epoch ${epoch}, and epoch endings before that are missing, so no signature proves it`;
    throw new BackupError('SIGNERS_NOT_STORED', why);
  }
  tools.chain.requireEpochOf(chunk.lastVersion, epoch);
  return proof;
}

function verifierOf({ hasher }: ReadTools, chunk: StoredChunk, cutter: ChunkCutter) {
  const { firstVersion: first, lastVersion: last, format } = chunk;
  const verifier = new TransactionChunkVerifier(hasher, first, format);
  verifier.onLeaves = (address, count) => cutter.leaves.add(address, count);
  return {
    sink: { add: cutter.add.bind(cutter, verifier) },
    prove(proof: RangeProof) {
      if (BigInt(verifier.count) === last - first + 1n) return verifier.prove(proof);
      const why = `it has ${verifier.count} records instead of versions ${first} to ${last}`;
      throw new AptosDataError('RECORD_INVALID', why);
    },
  };
}

function requireContinues(
  { firstVersion }: StoredChunk,
  inFrontier: string,
  before: { file: string; frontier: string } | undefined,
): void {
  if (!before || before.frontier === inFrontier) return;
  const why = `it does not follow ${before.file}: it continues another history than the one stored before version ${firstVersion}`;
  throw new AptosDataError('RANGE_PROOF_MISMATCH', why);
}

/** The versions from `first` to `last` at which an epoch ends, as the stored endings say. */
function endsWithin(chain: StoredChain, first: bigint, last: bigint): bigint[] {
  return chain
    .epochs()
    .map((epoch) => chain.ending(epoch)!.version)
    .filter((version) => version >= first && version <= last);
}
