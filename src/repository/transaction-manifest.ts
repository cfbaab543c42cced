import { TRANSACTION_MANIFEST, type TransactionManifest } from '../aptos/index.js';
import type { Proven } from '../contract/unit.js';
import { chunkExtra, spanOfReceipts } from './manifest-parts.js';
import type { TransactionReceipt } from './receipt.js';

/**
 * The manifest of a backup of transactions, from the receipts of all its chunks, in order. `proven`: how each chunk is
 * proven, also by those after it; `least`: how all of it is.
 */
export function transactionManifestOf(
  folder: string,
  receipts: readonly TransactionReceipt[],
  proven: readonly Proven[],
  least: Proven,
): TransactionManifest {
  const [firstVersion, lastVersion] = spanOfReceipts(receipts);
  return {
    firstVersion,
    lastVersion,
    chunks: receipts.map((receipt, i) => ({
      firstVersion: BigInt(receipt.first),
      lastVersion: BigInt(receipt.last),
      transactions: `${folder}/${receipt.chunk.name}`,
      proof: `${folder}/${receipt.proof.name}`,
      format: receipt.format,
      extra: chunkExtra(receipt, proven[i]!),
    })),
    extra: { proven: least },
  };
}

/** The metadata line that commits such a backup. */
export function transactionLineOf(
  folder: string,
  { firstVersion, lastVersion }: Pick<TransactionManifest, 'firstVersion' | 'lastVersion'>,
) {
  const manifest = `${folder}/${TRANSACTION_MANIFEST}`;
  return { type: 'TransactionBackup' as const, firstVersion, lastVersion, manifest };
}
