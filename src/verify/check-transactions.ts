import {
  AptosDataError,
  decodeTransactionRangeProof,
  frontierDigest,
  toHex,
  TransactionChunkVerifier,
  type TransactionManifest,
} from '../aptos/index.js';
import type { Piece, UnitSlice } from '../contract/verification.js';
import type { Findings } from './findings.js';
import { joinPieces } from '../contract/pieces.js';
import type { StoredChain } from './stored-chain.js';
import { type RecordTools, readChunk, readSmall } from './stored-records.js';

/**
 * Checks the chunks of one slice of a transaction backup (docs/formats.md, Verification): every record
 * against its transaction info, all infos against the range proof, and the ledger info of the proof
 * against the stored chain. Returns the proven versions as pieces (neighbours whose frontiers fit are
 * joined), the number of records, and the newest epoch that the ledger infos name.
 */
export async function checkTransactions(
  tools: RecordTools,
  slice: UnitSlice,
  manifest: TransactionManifest,
  chain: StoredChain,
  findings: Findings,
): Promise<{ pieces: Piece[]; records: number; ledgerEpoch?: string }> {
  if (slice.from === 0) compareLine(slice, manifest, findings);
  const pieces: Piece[] = [];
  let records = 0;
  let newest: bigint | undefined;
  const noteEpoch = (epoch: bigint) => {
    if (newest === undefined || epoch > newest) newest = epoch;
  };
  for (const chunk of manifest.chunks.slice(slice.from, slice.to)) {
    const piece = await checkChunk(tools, slice.manifest, chunk, chain, findings, noteEpoch);
    if (!piece) continue;
    pieces.push(piece);
    records += Number(chunk.lastVersion - chunk.firstVersion) + 1;
  }
  const joined = joinPieces(pieces);
  for (const finding of joined.findings) findings.add(finding.object, finding.code, finding.why);
  const named = newest === undefined ? {} : { ledgerEpoch: `${newest}` };
  return { pieces: joined.pieces, records, ...named };
}

function compareLine(slice: UnitSlice, manifest: TransactionManifest, findings: Findings): void {
  const { firstVersion, lastVersion } = manifest;
  if (`${firstVersion}` === slice.first && `${lastVersion}` === slice.last) return;
  const why = `it says versions ${slice.first} to ${slice.last}, its manifest ${slice.manifest} ${firstVersion} to ${lastVersion}`;
  findings.add(slice.source, 'METADATA', why);
}

async function checkChunk(
  tools: RecordTools,
  manifest: string,
  chunk: TransactionManifest['chunks'][number],
  chain: StoredChain,
  findings: Findings,
  noteEpoch: (epoch: bigint) => void,
): Promise<Piece | undefined> {
  const { firstVersion: first, lastVersion: last, transactions, proof: proofHandle } = chunk;
  const proof = await findings.about(proofHandle, manifest, async () =>
    decodeTransactionRangeProof(await readSmall(tools, proofHandle, chunk.extra)),
  );
  const proven =
    proof &&
    (await findings.about(proofHandle, manifest, async () => {
      const { epoch } = proof.ledgerInfo.ledgerInfo;
      noteEpoch(epoch);
      const how = await chain.prove(proof.ledgerInfo);
      chain.requireEpochOf(last, epoch);
      return how;
    }));
  const ends = chain.unprovenWithin(first, last);
  const rootsAt = ends.map((end) => end.version);
  const verifier = new TransactionChunkVerifier(tools.hasher, first, chunk.format, rootsAt);
  return findings.about(transactions, manifest, async () => {
    const count = last - first + 1n;
    await readChunk(tools, transactions, chunk.extra, count, verifier);
    if (BigInt(verifier.count) !== count) {
      throw new AptosDataError(
        'RECORD_INVALID',
        `it has ${verifier.count} records instead of versions ${first} to ${last}`,
      );
    }
    if (!proof || proven === undefined) return undefined;
    const { inFrontier, outFrontier, roots } = proveWith(verifier, proof, proofHandle);
    for (const [i, { epoch, version, root, file }] of ends.entries()) {
      const actual = toHex(roots[i]!);
      if (actual === root) continue;
      const why = `the unsigned ledger info that ends epoch ${epoch} says root ${root}; the transactions up to its version ${version} in ${transactions} give ${actual}`;
      findings.add(file, 'DAMAGED', why);
    }
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

/** When records and proof do not fit, either file may be the damaged one: the error names both. */
function proveWith(
  verifier: TransactionChunkVerifier,
  proof: ReturnType<typeof decodeTransactionRangeProof>,
  proofHandle: string,
) {
  try {
    return verifier.prove(proof);
  } catch (error) {
    if (!(error instanceof AptosDataError) || error.code === 'UNSUPPORTED') throw error;
    throw new AptosDataError(error.code, `it and ${proofHandle} do not fit: ${error.message}`);
  }
}
