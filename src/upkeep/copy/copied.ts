import type { Copied } from '../../contract/kept-copy.js';
import type { BackupType } from '../../contract/job.js';
import { newestAndGenesis, textsOfRuns } from '../../contract/listed-runs.js';
import { unionOf } from '../../lib/spans.js';
import { entriesOf, readCatalog, spanOfEntry } from '../../repository/catalog.js';
import { ownPrunedSpans, prunedSpans } from '../../repository/pruned.js';
import type { CopyEnds } from './copy-ends.js';
import { requireOneChain } from './prepare-target.js';
import { readTarget, requireTarget } from './read-target.js';
import { TargetHas } from './target-has.js';

/**
 * What a copy has of its source, by the metadata of both. What keep rules of the source gave up counts, too.
 * `existing`: the target holds backups, so an empty one is away.
 * @throws StorageError, CatalogError; BackupError STORAGE_EMPTIED, CHAIN_MISMATCH
 */
export async function copiedOf(
  { from, to }: CopyEnds,
  existing: boolean,
): Promise<{ has: Copied; exists: boolean }> {
  const target = await readTarget(to);
  if (existing) requireTarget(to, target);
  if (target !== undefined) await requireOneChain({ from, to });
  const source = await readCatalog(from);
  const has = new TargetHas(target, target && (await ownPrunedSpans(to)));
  const common = (type: BackupType) =>
    entriesOf(source, type)
      .filter((entry) => has.find(type, entry) === 'there')
      .map(spanOfEntry);
  const pruned = await prunedSpans(from);
  const [epochs, versions, snapshots] = [
    common('epoch_ending'),
    common('transaction'),
    common('state_snapshot'),
  ];
  return {
    has: {
      epochs: textsOfRuns(unionOf([...epochs, ...pruned.epochs])),
      versions: textsOfRuns(unionOf([...versions, ...pruned.versions])),
      snapshots: newestAndGenesis(snapshots.map(({ first }) => first)),
    },
    exists: epochs.length + versions.length + snapshots.length > 0,
  };
}
