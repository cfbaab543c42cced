import type { Command } from 'commander';

/** Flags of a compaction. They are those of the stock tool. */
export function addCompactionOptions(command: Command, when = ''): Command {
  const factor = (what: string) => `${when}${what} in one metadata file (default: 100)`;
  return command
    .option('--epoch-ending-file-compact-factor <N>', factor('backups of epoch endings'))
    .option('--state-snapshot-file-compact-factor <N>', factor('state snapshots'))
    .option('--transaction-file-compact-factor <N>', factor('backups of transactions'))
    .option(
      '--remove-compacted-file-after <S>',
      `${when}move a replaced file away after S seconds (default: 86400)`,
    );
}
