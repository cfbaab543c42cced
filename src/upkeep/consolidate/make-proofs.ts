import { encodeTransactionRangeProof } from '../../aptos/index.js';
import { BackupError } from '../../errors/backup-error.js';
import type { StoredChain } from '../../verify/stored-chain.js';
import { type ReadTools, type RangeProof, type StoredChunk, readParts } from './read-parts.js';

/** A chunk of the full batch and the content of its proof file. */
export interface ProvenCut {
  first: bigint;
  last: bigint;
  proof: Uint8Array;
}

/**
 * Cuts the records of small backups as the stock tool would, and makes the proof of each chunk. Undefined when
 * something is damaged. @throws BackupError SIGNERS_NOT_STORED when an epoch ending within the batch is missing
 */
export async function makeProofs(
  tools: ReadTools,
  chunks: readonly StoredChunk[],
): Promise<ProvenCut[] | undefined> {
  const read = await readParts(tools, chunks);
  if (!read) return undefined;
  const { cutter, lastProof } = read;
  const end = chunks.at(-1)!.lastVersion;
  const epochs = tools.chain.epochs();
  const made: ProvenCut[] = [];
  for (const { first, last, left } of cutter.cuts) {
    const { ledgerInfo, size } = await treeOf(tools.chain, epochs, { last, end, lastProof });
    const beyond = { last: end, siblings: lastProof.rightSiblings };
    const right = cutter.leaves.rightSiblings(last, size, beyond);
    made.push({ first, last, proof: encodeTransactionRangeProof(left, right, ledgerInfo) });
  }
  return made;
}

/**
 * The ledger info under which the stock tool proves a chunk that ends with `last`: the one that ends the epoch of
 * that version. An epoch may end behind the batch. Then the leaves up to its end are not known, and the ledger info of
 * the last small proof is taken, which is of the same epoch.
 */
async function treeOf(
  chain: StoredChain,
  epochs: readonly bigint[],
  { last, end, lastProof }: { last: bigint; end: bigint; lastProof: RangeProof },
): Promise<{ ledgerInfo: Uint8Array; size: bigint }> {
  const epoch = epochOf(chain, epochs, last);
  const ending = epoch === undefined ? undefined : chain.ending(epoch);
  if (epoch !== undefined && ending && ending.version <= end) {
    const signed = await chain.ledgerInfoOf(epoch);
    if (!signed) throw notStored(epoch, last);
    return { ledgerInfo: signed.bytes, size: ending.version + 1n };
  }
  const { bytes, ledgerInfo } = lastProof.ledgerInfo;
  return { ledgerInfo: bytes, size: ledgerInfo.version + 1n };
}

/** The epoch of a version; undefined for one after the newest stored ending. */
function epochOf(
  chain: StoredChain,
  epochs: readonly bigint[],
  version: bigint,
): bigint | undefined {
  const epoch = epochs.find((one) => chain.ending(one)!.version >= version);
  if (epoch !== undefined && epoch > 0n && !chain.ending(epoch - 1n)) {
    throw notStored(epoch - 1n, version);
  }
  return epoch;
}

function notStored(epoch: bigint, version: bigint): BackupError {
  const why = `the epoch ending ${epoch} is not stored, so it is not known to which epoch version ${version} belongs`;
  return new BackupError('SIGNERS_NOT_STORED', why);
}
