import type { BackupEntry, StateSnapshotEntry } from '../../repository/catalog.js';
import type { RestorePlan } from '../../contract/answers/restore-answers.js';
import type { NeededFile, Needs } from './needs.js';
import type { Selection } from './select.js';

/** What the stock tool reads, in numbers. */
export interface Reads {
  uses: {
    [Name in 'tree_snapshot' | 'transactions' | 'epoch_endings']: NonNullable<RestorePlan[Name]>;
  } & Pick<RestorePlan, 'kv_snapshot'>;
  /** All that it fetches; a file that it reads twice is in it twice. */
  fetched: NeededFile[];
  /** The chunks of one snapshot and of the transactions, each once: what the new database is made of. */
  content: NeededFile[];
  items: { tree: bigint; kv: bigint };
}

/**
 * Finds what the tool reads for a selection. With an older snapshot it runs in two phases: it reads the chunk of
 * transactions that holds the newer snapshot's version in both.
 */
export function readsOf(selection: Selection, needs: Needs): Reads {
  const { tree, kv, transactions, epochEndings, target } = selection;
  const read = (entries: readonly BackupEntry[], from: bigint, upTo: bigint) =>
    entries.flatMap((entry) => {
      const need = needs.of(entry);
      const chunks = need.chunks.filter(({ first, last }) => last >= from && first <= upTo);
      return [...need.files, ...chunks.flatMap(({ files }) => files)];
    });
  const before = kv ? transactions.filter((one) => one.firstVersion <= tree.version) : [];
  const after = kv ? transactions.filter((one) => one.lastVersion >= tree.version) : transactions;
  const phases = [
    ...read(before, 0n, tree.version),
    ...read(after, kv ? tree.version : 0n, target),
  ];
  const once = new Set(phases);
  const endings = epochEndings.flatMap((entry) => filesOf(needs, entry));
  const snapshots = [tree, ...(kv ? [kv] : [])];
  const first = needs.of(transactions[0]!).chunks[0]!.first;
  const start = kv ?? tree;
  const executed = target - tree.version;
  return {
    uses: {
      tree_snapshot: useOf(tree, needs),
      kv_snapshot: kv && useOf(kv, needs),
      transactions: {
        ...{ first: `${first}`, last: `${target}` },
        ...{ backups: transactions.length, ...sizeOf([...once]) },
        saved: `${tree.version - first + 1n}`,
        kv_replayed: `${tree.version - start.version}`,
        executed: `${executed}`,
      },
      epoch_endings: {
        first: '0',
        last: `${epochEndings.at(-1)!.lastEpoch}`,
        backups: epochEndings.length,
        ...sizeOf(endings),
      },
    },
    fetched: [...endings, ...snapshots.flatMap((one) => filesOf(needs, one)), ...phases],
    content: [...filesOf(needs, tree), ...once].filter(({ isChunk }) => isChunk),
    items: { tree: itemsOf(tree, needs), kv: kv ? itemsOf(kv, needs) : 0n },
  };
}

/** How many files, and how large they are together; without bytes when the size of one is not known. */
export function sizeOf(files: readonly NeededFile[]): { files: number; bytes?: number } {
  const bytes = sum(files, ({ stored }) => stored);
  return { files: files.length, ...(bytes === undefined ? {} : { bytes }) };
}

/** Adds up a number of all files; undefined when one of them does not have it. */
export function sum(
  files: readonly NeededFile[],
  of: (file: NeededFile) => number | undefined,
): number | undefined {
  let total = 0;
  for (const file of files) {
    const more = of(file);
    if (more === undefined) return undefined;
    total += more;
  }
  return total;
}

function useOf(entry: StateSnapshotEntry, needs: Needs) {
  return {
    epoch: `${entry.epoch}`,
    version: `${entry.version}`,
    manifest: entry.manifest,
    root_hash: needs.of(entry).rootHash!,
    items: `${itemsOf(entry, needs)}`,
    ...sizeOf(filesOf(needs, entry)),
  };
}

function itemsOf(entry: StateSnapshotEntry, needs: Needs): bigint {
  return (needs.of(entry).chunks.at(-1)?.last ?? -1n) + 1n;
}

function filesOf(needs: Needs, entry: BackupEntry): NeededFile[] {
  const { files, chunks } = needs.of(entry);
  return [...files, ...chunks.flatMap((chunk) => chunk.files)];
}
