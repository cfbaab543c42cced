import type {
  BackupEntry,
  Catalog,
  EpochEndingEntry,
  StateSnapshotEntry,
  TransactionEntry,
} from '../../repository/catalog.js';
import { restoreSourceOf } from '../../repository/restore-source.js';
import { type RestoreSource, restorable } from '../../contract/restorable.js';

/** What a restore is asked for. Without a target: all that is stored. */
export interface Asked {
  target?: bigint | undefined;
  /** From which version on the history is wanted; else only what the snapshot needs. */
  from?: bigint | undefined;
}

/** What the stock tool takes to restore up to `target`. */
export interface Selection {
  target: bigint;
  /** The newest epoch that is known to end there or before. */
  epoch: string;
  tree: StateSnapshotEntry;
  /** An older snapshot, with which the history of states begins. */
  kv?: StateSnapshotEntry;
  transactions: TransactionEntry[];
  epochEndings: EpochEndingEntry[];
}

export interface Choice {
  /** Whether all that was asked for can be had. */
  ok: boolean;
  /** Why not. The first thing that is missing comes first. */
  why: string[];
  /** The newest version that any metadata line names. */
  newest?: bigint;
  selection?: Selection;
}

/**
 * Chooses backups by the rules of the stock tool's `bootstrap-db`. It takes the newest snapshot at or below the target.
 * It takes transactions from the backup on that holds the snapshot's version. And it takes all epoch endings that begin
 * at or below the target. When a backup cannot be used, it looks for a lower target with which the tool does not need it.
 */
export function select(
  catalog: Catalog,
  asked: Asked,
  isDamaged: (entry: BackupEntry) => boolean,
): Choice {
  const newest = highest(catalog.transactions.map((one) => one.lastVersion));
  const known = newest === undefined ? {} : { newest };
  const source = restoreSourceOf(catalog, isDamaged);
  const found = restorable(asked.target === undefined ? source : upTo(source, asked.target));
  const why = [
    ...beyond(asked, newest),
    ...found.why
      .filter((text) => !aboutHistory(text))
      .map((text) => atTarget(text, catalog, asked)),
  ];
  if (!found.yes) return { ok: false, why, ...known };
  const target = BigInt(found.version!);
  const tree = catalog.snapshots.findLast(({ version }) => version <= target)!;
  const history = historyOf(catalog, found.history_from!, { tree, target, asked, isDamaged });
  why.push(...history.why);
  const start = (history.kv ?? tree).version;
  const reaches = target >= (asked.target ?? newest!);
  return {
    ok: reaches && history.why.length === 0,
    why: reaches ? history.why : why,
    ...known,
    selection: {
      target,
      epoch: found.epoch!,
      tree,
      ...(history.kv ? { kv: history.kv } : {}),
      transactions: catalog.transactions.filter(
        (one) => one.lastVersion >= start && one.firstVersion <= target,
      ),
      epochEndings: catalog.epochEndings.filter(({ firstVersion }) => firstVersion <= target),
    },
  };
}

/** What the tool sees of a storage with `--target-version`. */
function upTo(source: RestoreSource, target: bigint): RestoreSource {
  const reached = <R extends { from: bigint }>(runs: readonly R[]) =>
    runs.filter(({ from }) => from <= target);
  return {
    ...source,
    epochs: reached(source.epochs),
    transactions: reached(source.transactions).map((run) =>
      run.last <= target ? run : { ...run, last: target, to: target },
    ),
    snapshots: source.snapshots.filter(({ version }) => version <= target),
  };
}

function beyond({ target }: Asked, newest: bigint | undefined): string[] {
  if (target === undefined || newest === undefined || target <= newest) return [];
  return [`the newest stored transaction is of version ${newest}, below the target ${target}`];
}

/** There may be snapshots above the target. */
function atTarget(text: string, { snapshots }: Catalog, { target }: Asked): string {
  const [oldest] = snapshots.map(({ version }) => version).sort((a, b) => (a < b ? -1 : 1));
  if (target === undefined || oldest === undefined) return text;
  if (text !== 'there is no state snapshot') return text;
  return `${text} at or below the target ${target}; the oldest is of version ${oldest}`;
}

/** Where history begins is said in our own words below. */
function aboutHistory(text: string): boolean {
  return text.includes('no history before');
}

/** The snapshot with which the history begins that was asked for. */
function historyOf(
  { snapshots, transactions }: Catalog,
  oldest: string,
  {
    tree,
    target,
    asked: { from },
    isDamaged,
  }: {
    tree: StateSnapshotEntry;
    target: bigint;
    asked: Asked;
    isDamaged: (entry: BackupEntry) => boolean;
  },
): { kv?: StateSnapshotEntry; why: string[] } {
  if (from === undefined || from >= tree.version) return { why: [] };
  const chosen = snapshots.findLast(({ version }) => version <= from);
  const lowest = snapshots.findLast(({ version }) => version <= BigInt(oldest));
  const fallback = lowest && lowest.version < tree.version ? { kv: lowest } : {};
  const instead = `history can begin with the state snapshot of version ${oldest}`;
  if (!chosen) {
    const why = `there is no state snapshot at or below version ${from}, and the stock tool then panics; ${instead}`;
    return { ...fallback, why: [why] };
  }
  const hurt = transactions.find(
    (one) =>
      isDamaged(one) && one.lastVersion >= chosen.version && one.firstVersion <= tree.version,
  );
  if (isDamaged(chosen) || hurt || chosen.version < BigInt(oldest)) {
    const what = hurt
      ? `transactions ${hurt.firstVersion} to ${hurt.lastVersion} cannot be used`
      : `the state snapshot of version ${chosen.version}, the newest at or below ${from}, cannot be used`;
    return { ...fallback, why: [`${what}; ${instead}`] };
  }
  return chosen.version < tree.version && chosen.version <= target
    ? { kv: chosen, why: [] }
    : { why: [] };
}

function highest(values: readonly bigint[]): bigint | undefined {
  return values.reduce<bigint | undefined>(
    (max, one) => (max === undefined || one > max ? one : max),
    undefined,
  );
}
