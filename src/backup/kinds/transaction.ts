import { frontierDigest } from '../../aptos/accumulator/frontier.js';
import { decodeTransactionRangeProof } from '../../aptos/chain/proofs.js';
import { transactionProofName } from '../../aptos/files/names.js';
import type { BatchHasher } from '../../aptos/hash/batch-hasher.js';
import { TransactionChunkVerifier } from '../../aptos/records/transaction-chunk.js';
import type { NodeClient } from '../../node/client.js';
import type { LedgerInfoProver } from '../trust/ledger-info-proof.js';
import type { RecordKind } from './kind.js';

/** Transactions: every chunk stands alone, under a range proof and a ledger info. */
export function transactionKind(
  node: NodeClient,
  hasher: BatchHasher,
  ledgerInfos: LedgerInfoProver,
): RecordKind {
  return {
    stream: (first, count, signal) => node.transactions(first, count, signal),
    startChunk(first) {
      const verifier = new TransactionChunkVerifier(hasher, first);
      return Promise.resolve({
        add: (block, from, to) => verifier.add(block, from, to),
        proofName: (last) => transactionProofName(first, last),
        fetchProof: (last, signal) => node.transactionRangeProof(first, last, signal),
        async prove(last, bytes, signal) {
          const proof = decodeTransactionRangeProof(bytes!);
          const { inFrontier, outFrontier } = verifier.prove(proof);
          return {
            proven: await ledgerInfos.prove(proof.ledgerInfo, last, signal),
            format: verifier.format,
            in_frontier: frontierDigest(inFrontier),
            out_frontier: frontierDigest(outFrontier),
          };
        },
      });
    },
  };
}
