import { type BackupEntry, type Catalog, spanOfEntry } from '../repository/catalog.js';
import { type Span, holesUpTo, meet, unionOf } from '../lib/spans.js';
import type { TextSpan } from '../contract/coordinator-state.js';
import { MAX_U64 } from '../lib/u64.js';
import { MOST_UNUSABLE, type UnusableTotals, spansOf, textsOf } from '../contract/unusable.js';
import type { VerifyScope } from '../contract/verification.js';
import type { VerifyTotals } from '../contract/verify-totals.js';
import type { Coverage } from '../contract/answers/verify-answers.js';

const MOST_LISTED = 200;

/**
 * What a whole archive (from 0 to the newest) would have and this storage lacks, within the scope of the
 * verification. Missing means: no metadata line names it, or the backup that is named cannot be used. What a keep rule
 * gave up (`pruned`) is not missing.
 * Spans of epochs and versions are inclusive.
 */
export function missingOf(
  catalog: Catalog,
  scope: VerifyScope,
  { unusable, ledgerEpoch }: Pick<VerifyTotals, 'unusable' | 'ledgerEpoch'>,
  pruned: { epochs: readonly Span[]; versions: readonly Span[] },
): Pick<Coverage, 'missing' | 'missing_count'> {
  const epochs = [...catalog.epochEndings.map(spanOfEntry), ...pruned.epochs];
  const versions = [...catalog.transactions.map(spanOfEntry), ...pruned.versions];
  const missing = {
    epoch_endings: textsOf(
      unionOf([
        ...holesBelow(epochs, newestEpoch(catalog, unusable, ledgerEpoch)),
        ...spansOf(unusable.epochs),
      ]),
    ),
    transactions: textsOf(
      within(scope, unionOf([...holesBelow(versions), ...spansOf(unusable.transactions)])),
    ),
    state_snapshots: unusable.snapshots,
  };
  const count = Object.values(missing).reduce((sum, list) => sum + list.length, unusable.unlisted);
  return {
    missing: {
      epoch_endings: missing.epoch_endings.slice(0, MOST_LISTED),
      transactions: missing.transactions.slice(0, MOST_LISTED),
      state_snapshots: missing.state_snapshots,
    },
    missing_count: count,
  };
}

/**
 * Returns a function that says whether the verification found a backup, or a part of it, unusable. The list of
 * unusable spans has a limit. When it is full, everything above its last span counts as unusable.
 */
export function isUnusable(unusable: UnusableTotals): (entry: BackupEntry) => boolean {
  const epochs = withUnlisted(unusable.epochs);
  const versions = withUnlisted(unusable.transactions);
  const snapshots = new Set(unusable.snapshots.map(({ version }) => version));
  const [unlisted] = withUnlisted(
    unusable.snapshots.map(({ version }) => ({ first: version, last: version })),
  ).slice(unusable.snapshots.length);
  return (entry) => {
    if (entry.type === 'StateSnapshotBackup') {
      return snapshots.has(`${entry.version}`) || (!!unlisted && entry.version >= unlisted.first);
    }
    const spans = entry.type === 'EpochEndingBackup' ? epochs : versions;
    return spans.some((one) => meet(one, spanOfEntry(entry)));
  };
}

/** The listed spans; when the list is full, also the span from its end up to the largest version. */
function withUnlisted(texts: readonly TextSpan[]): Span[] {
  const spans = spansOf(texts);
  const last = spans.at(-1);
  if (spans.length < MOST_UNUSABLE || !last) return spans;
  return [...spans, { first: last.last + 1n, last: MAX_U64 }];
}

function holesBelow(spans: readonly Span[], newest = -1n): Span[] {
  const runs = unionOf(spans);
  const last = runs.at(-1)?.last ?? -1n;
  const end = last > newest ? last : newest;
  return end < 0n ? [] : holesUpTo(runs, end);
}

/** The newest epoch that has ended, as stored snapshots, transactions and ledger infos show it. */
function newestEpoch(
  { snapshots, transactions }: Catalog,
  unusable: UnusableTotals,
  ledgerEpoch: string | undefined,
): bigint | undefined {
  const isDamaged = isUnusable(unusable);
  const ended = [
    ...snapshots.filter((s) => !isDamaged(s)).map(({ epoch }) => epoch),
    // Epoch 0 ends with version 0.
    ...(transactions.length > 0 ? [0n] : []),
    ...(ledgerEpoch === undefined ? [] : [BigInt(ledgerEpoch) - 1n]),
  ];
  return ended.length === 0 ? undefined : ended.reduce((max, one) => (one > max ? one : max));
}

function within({ startVersion, endVersion }: VerifyScope, spans: readonly Span[]): Span[] {
  const start = BigInt(startVersion);
  const end = endVersion === undefined ? undefined : BigInt(endVersion);
  return spans
    .map(({ first, last }) => ({
      first: first > start ? first : start,
      last: end !== undefined && last > end ? end : last,
    }))
    .filter(({ first, last }) => first <= last);
}
