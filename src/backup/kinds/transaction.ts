import {
  decodeTransactionManifest,
  decodeTransactionRangeProof,
  encodeTransactionManifest,
  frontierDigest,
  naming,
  TRANSACTION_MANIFEST,
  TransactionChunkVerifier,
  transactionFolderBase,
  transactionMetadataName,
  type TransactionManifest,
  transactionProofName,
} from '../../aptos/index.js';
import { type TargetOf, spanOfTarget } from '../../contract/job.js';
import type { UnitOf } from '../../contract/unit.js';
import type { NodeClient, StreamForm } from '../../node/client.js';
import type { TransactionReceipt } from '../../repository/receipt.js';
import { transactionLineOf, transactionManifestOf } from '../../repository/transaction-manifest.js';
import { lackOfTransaction } from '../../site/prune-edge.js';
import type { Site } from '../../site/site.js';
import { chainProofs, leastProven } from '../../trust/proven.js';
import { misfits } from '../../repository/misfits.js';
import { behind, nodeState } from '../plan/node-has.js';
import type {
  Content,
  Draft,
  Kind,
  NewManifest,
  PlanTools,
  Records,
  RecordStream,
  RecordTools,
} from './kind.js';

/** Transactions: every chunk stands alone, under a range proof and a ledger info. */
export const transactionKind: Kind<'transaction'> = {
  metadataOf(_site, target) {
    const { first, last } = spanOfTarget(target);
    return Promise.resolve(`metadata/${transactionMetadataName(first, last)}`);
  },
  plan,
  samples: 32n,
  records,
  misfits: (_unit, receipts) => misfits(receipts),
  manifest: (unit, receipts) => Promise.resolve(manifest(unit, receipts)),
  read: (bytes) => contentOf(decodeTransactionManifest(bytes)),
};

async function plan(
  { node }: Site,
  target: TargetOf<'transaction'>,
  { signal }: PlanTools,
): Promise<Draft<'transaction'>> {
  const { first, last } = spanOfTarget(target);
  const tip = await nodeState(node, signal);
  if (last > tip.committedVersion) {
    throw behind(`committed version ${tip.committedVersion}, but version ${last} was asked for`);
  }
  const lack = await lackOfTransaction(node, first, signal);
  if (lack) throw lack;
  return {
    base: transactionFolderBase(first),
    first: `${first}`,
    records: last - first + 1n,
    facts: {},
    stream: streamOf(node),
  };
}

function streamOf(node: NodeClient, form?: StreamForm): RecordStream {
  return (first, count, signal) => node.transactions(first, count, signal, form);
}

function records(
  _unit: UnitOf<'transaction'>,
  { node, hasher, ledgerInfos }: RecordTools,
): Records {
  return {
    stream: streamOf(node, { givesWay: true }),
    lackOf: (first, signal) => lackOfTransaction(node, first, signal),
    startChunk(first) {
      const verifier = new TransactionChunkVerifier(hasher, first);
      return Promise.resolve({
        add: (block, from, to) => verifier.add(block, from, to),
        proof: {
          name: (last) => transactionProofName(first, last),
          fetch: (last, signal) => node.transactionRangeProof(first, last, signal),
        },
        async prove(last, bytes, signal) {
          const proof = naming(`the range proof of versions ${first} to ${last}`, () =>
            decodeTransactionRangeProof(bytes!),
          );
          const { inFrontier, outFrontier } = verifier.prove(proof);
          return {
            kind: 'transaction',
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

function manifest(
  { folder }: UnitOf<'transaction'>,
  receipts: readonly TransactionReceipt[],
): NewManifest<'transaction'> {
  const proven = chainProofs(receipts.map((receipt) => receipt.proven));
  const made = transactionManifestOf(folder, receipts, proven, leastProven(proven));
  return {
    name: TRANSACTION_MANIFEST,
    bytes: encodeTransactionManifest(made),
    content: contentOf(made),
    line: transactionLineOf(folder, made),
  };
}

function contentOf(manifest: TransactionManifest): Content<'transaction'> {
  const { firstVersion: first, lastVersion: last, chunks } = manifest;
  return {
    range: { first: `${first}`, last: `${last}` },
    records: last - first + 1n,
    chunks: chunks.map(({ transactions: file, extra }) => ({ file, extra })),
    extra: manifest.extra,
  };
}
