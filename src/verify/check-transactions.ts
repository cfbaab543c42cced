import { frontierDigest } from '../aptos/accumulator/frontier.js';
import { decodeTransactionRangeProof } from '../aptos/chain/proofs.js';
import { AptosDataError } from '../aptos/errors.js';
import type { TransactionManifest } from '../aptos/files/manifest.js';
import { TransactionChunkVerifier } from '../aptos/records/transaction-chunk.js';
import type { Piece, UnitSlice } from '../plan/verify.js';
import type { Findings } from './findings.js';
import { joinPieces } from '../plan/pieces.js';
import type { StoredChain } from './stored-chain.js';
import { type CheckTools, readChunk, readSmall } from './stored-records.js';

/**
 * Checks chunks of one backup of transactions: every record against its info, all infos against the
 * range proof, its ledger info against the stored chain (docs/formats.md, Verification). Returns what
 * was proven, in pieces that lead into each other.
 */
export async function checkTransactions(
  tools: CheckTools,
  slice: UnitSlice,
  manifest: TransactionManifest,
  chain: StoredChain,
  findings: Findings,
): Promise<{ pieces: Piece[]; records: number }> {
  if (slice.from === 0) compareLine(slice, manifest, findings);
  const pieces: Piece[] = [];
  let records = 0;
  for (const chunk of manifest.chunks.slice(slice.from, slice.to)) {
    const piece = await checkChunk(tools, slice.manifest, chunk, chain, findings);
    if (!piece) continue;
    pieces.push(piece);
    records += Number(chunk.lastVersion - chunk.firstVersion) + 1;
  }
  const joined = joinPieces(pieces);
  for (const finding of joined.findings) findings.add(finding.object, finding.code, finding.why);
  return { pieces: joined.pieces, records };
}

function compareLine(slice: UnitSlice, manifest: TransactionManifest, findings: Findings): void {
  const { firstVersion, lastVersion } = manifest;
  if (`${firstVersion}` === slice.first && `${lastVersion}` === slice.last) return;
  const why = `it says versions ${slice.first} to ${slice.last}, its manifest ${slice.manifest} ${firstVersion} to ${lastVersion}`;
  findings.add(slice.source, 'METADATA', why);
}

async function checkChunk(
  tools: CheckTools,
  manifest: string,
  chunk: TransactionManifest['chunks'][number],
  chain: StoredChain,
  findings: Findings,
): Promise<Piece | undefined> {
  const { firstVersion: first, lastVersion: last, transactions, proof: proofHandle } = chunk;
  const proof = await findings.about(proofHandle, manifest, async () =>
    decodeTransactionRangeProof(await readSmall(tools, proofHandle, chunk.extra)),
  );
  const proven =
    proof &&
    (await findings.about(proofHandle, manifest, async () => {
      const { epoch } = proof.ledgerInfo.ledgerInfo;
      const how = await chain.prove(proof.ledgerInfo);
      chain.requireEpochOf(last, epoch);
      return how;
    }));
  const verifier = new TransactionChunkVerifier(tools.hasher, first, chunk.format);
  return findings.about(transactions, manifest, async () => {
    await readChunk(tools, transactions, chunk.extra, verifier);
    if (BigInt(verifier.count) !== last - first + 1n) {
      throw new AptosDataError(
        'RECORD_INVALID',
        `it has ${verifier.count} records instead of versions ${first} to ${last}`,
      );
    }
    if (!proof || proven === undefined) return undefined;
    const { inFrontier, outFrontier } = proveWith(verifier, proof, proofHandle);
    return {
      first: `${first}`,
      last: `${last}`,
      inFrontier: frontierDigest(inFrontier),
      outFrontier: frontierDigest(outFrontier),
      proven,
      head: transactions,
      tail: transactions,
    };
  });
}

/** Records and proof that do not fit: either of the two is damaged. */
function proveWith(
  verifier: TransactionChunkVerifier,
  proof: ReturnType<typeof decodeTransactionRangeProof>,
  proofHandle: string,
) {
  try {
    return verifier.prove(proof);
  } catch (error) {
    if (!(error instanceof AptosDataError)) throw error;
    throw new AptosDataError(error.code, `it and ${proofHandle} do not fit: ${error.message}`);
  }
}
