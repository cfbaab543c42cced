import path from 'node:path';
import type { StorageConfig } from '../../contract/job.js';

/** What the stock tool is called with, besides the place of the storage. */
export interface StockOrder {
  /** The program, or its path. */
  tool: string;
  /** Flags that name the storage. */
  storage: readonly string[];
  dbDir: string;
  target: bigint;
  /** The version of the older snapshot, if history begins with one. */
  historyFrom?: bigint | undefined;
  trust: readonly string[];
}

/** The flags by which the tool finds a storage. `adapter`: a command adapter that reads it, if it needs one. */
export function storageFlags(storage: StorageConfig, adapter: string | undefined): string[] {
  if (adapter !== undefined) return ['--command-adapter-config', adapter];
  if ('local_fs_dir' in storage) return ['--local-fs-dir', storage.local_fs_dir];
  if ('command_adapter_config' in storage) {
    return ['--command-adapter-config', storage.command_adapter_config];
  }
  throw new Error('the stock tool reads a bucket only by a command adapter');
}

/** Program and arguments of a restore into an empty folder. */
export function restoreCommand(order: StockOrder): string[] {
  const { storage, dbDir, target, historyFrom, trust } = order;
  return [
    ...programOf(order.tool),
    ...['restore', 'bootstrap-db'],
    ...storage,
    ...['--target-db-dir', dbDir],
    ...['--target-version', `${target}`],
    ...(historyFrom === undefined ? [] : ['--ledger-history-start-version', `${historyFrom}`]),
    ...trust.flatMap((waypoint) => ['--trust-waypoint', waypoint]),
  ];
}

/** Program and arguments that let the tool verify what it will restore, before there is a database. */
export function verifyCommand({
  tool,
  storage,
  target,
  historyFrom,
  trust,
  treeVersion,
}: StockOrder & { treeVersion: bigint }): string[] {
  return [
    ...programOf(tool),
    ...['backup', 'verify'],
    ...storage,
    ...['--start-version', `${historyFrom ?? treeVersion}`],
    ...['--end-version', `${target}`],
    ...['--state-snapshot-before-version', `${target}`],
    ...trust.flatMap((waypoint) => ['--trust-waypoint', waypoint]),
  ];
}

/** The same commands stand in `aptos-db-tool`, and in `aptos-debugger` below one word more. */
function programOf(tool: string): string[] {
  return path.basename(tool) === 'aptos-debugger' ? [tool, 'aptos-db'] : [tool];
}

/** A command as one types it into a shell, a flag and its value a line. */
export function shellText(words: readonly string[]): string {
  let text = '';
  for (const [i, word] of words.entries()) {
    if (i > 0) text += word.startsWith('--') ? ' \\\n  ' : ' ';
    text += /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
  }
  return text;
}
