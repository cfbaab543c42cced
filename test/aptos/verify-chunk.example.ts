import { readFile } from 'node:fs/promises';
import {
  RecordFramer,
  TransactionChunkVerifier,
  createBatchHasher,
  decodeTransactionRangeProof,
} from '../../src/aptos/index.js';

/** Proves a chunk file of transactions by its proof file. Returns the ledger info that it is proven against. */
export async function verifyChunk(chunkFile: string, proofFile: string, firstVersion: bigint) {
  const hasher = createBatchHasher();
  const framer = new RecordFramer(hasher);
  const verifier = new TransactionChunkVerifier(hasher, firstVersion);
  for (const block of framer.push(await readFile(chunkFile))) verifier.add(block, 0, block.count);
  const rest = framer.flush();
  if (rest) verifier.add(rest, 0, rest.count);
  const proof = decodeTransactionRangeProof(await readFile(proofFile));
  verifier.prove(proof);
  return proof.ledgerInfo;
}
