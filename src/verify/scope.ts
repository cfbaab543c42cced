import { type Catalog, spanOfEntry } from '../repository/catalog.js';
import { type Span, unionOf } from '../lib/spans.js';
import { MAX_U64 } from '../lib/u64.js';
import type { VerifyScope } from '../contract/verification.js';
import { VerifyError } from './verify-error.js';

const MOST_NAMED = 5;

/**
 * Refuses a scope for which the storage has no backups: a verification that reads nothing must not count as good.
 * `units`: the backups that the scope covers. @throws VerifyError NOTHING_TO_VERIFY
 */
export function requireSome(
  storage: string,
  catalog: Catalog,
  scope: VerifyScope,
  units: readonly { kind: 'transactions' | 'state_snapshot' }[],
): void {
  const has = (kind: (typeof units)[number]['kind']) => units.some((unit) => unit.kind === kind);
  const { sample, snapshots, snapshotBefore: before } = scope;
  if (sample) {
    if (units.length > 0) return;
    throw nothing(
      `none of the backups of ${storage} that are asked for is in part ${sample.part} of ${sample.of}: there are too few for so many parts`,
      catalog,
    );
  }
  if (asksForVersions(scope) && !has('transactions')) {
    throw nothing(`${storage} has no transactions ${rangeOf(scope)}`, catalog);
  }
  // To the stock tool, 0 means: none, but that of genesis if there is one.
  const none = before === undefined || before === '0';
  const asked = snapshots === 'newest' || (snapshots === 'every' && !none);
  if (asked && !has('state_snapshot')) {
    const upTo = before === undefined ? '' : ` up to version ${before}`;
    throw nothing(`${storage} has no state snapshot${upTo}`, catalog);
  }
  if (units.length === 0 && catalog.epochEndings.length === 0) {
    throw nothing(`${storage} has nothing of what is asked for`, catalog);
  }
}

/** The stock tool asks for no transactions by the largest version as the start. */
function asksForVersions({ startVersion, endVersion }: VerifyScope): boolean {
  if (startVersion === `${MAX_U64}`) return false;
  return startVersion !== '0' || endVersion !== undefined;
}

function rangeOf({ startVersion, endVersion }: VerifyScope): string {
  return endVersion === undefined
    ? `from version ${startVersion} on`
    : `from version ${startVersion} to ${endVersion}`;
}

function nothing(what: string, catalog: Catalog): VerifyError {
  const versions = catalog.transactions.map(spanOfEntry);
  const snapshots = catalog.snapshots.map(({ version }) => `${version}`);
  const damaged = catalog.damaged[0];
  const parts = [
    `epoch endings ${runs(catalog.epochEndings.map(spanOfEntry))}`,
    `transactions ${runs(versions)}`,
    `state snapshots ${snapshots.length > 0 ? `of versions ${few(snapshots)}` : 'none'}`,
    ...(damaged ? [`metadata that cannot be read, first ${damaged.object}: ${damaged.why}`] : []),
  ];
  return new VerifyError(`${what}, so there is nothing to verify; it has ${parts.join('; ')}`);
}

function runs(spans: Span[]): string {
  const texts = unionOf(spans).map(({ first, last }) => `${first} to ${last}`);
  return texts.length > 0 ? few(texts) : 'none';
}

function few(texts: string[]): string {
  const more = texts.length - MOST_NAMED;
  const shown = texts.slice(-MOST_NAMED).join(', ');
  return more > 0 ? `${more} more, then ${shown}` : shown;
}
