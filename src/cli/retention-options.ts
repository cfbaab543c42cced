import type { Command } from 'commander';
import type { PruneInput } from '../contract/retention-input.js';
import type { CommonFlags } from './options.js';

export interface PruneFlags extends CommonFlags {
  keepLast?: string;
  keepDaily?: string;
  keepWeekly?: string;
  keepMonthly?: string;
  transactionsFrom?: string;
  epochEndingsFrom?: string;
  grace?: string;
  force?: boolean;
}

/** Flags that say what to keep. `when` begins their help texts. */
export function addPruneOptions(command: Command, when = ''): Command {
  return command
    .option('--keep-last <N>', `${when}keep the newest N state snapshots`)
    .option(
      '--keep-daily <TIME>',
      `${when}keep the newest snapshot of each day, for this time, like 30d`,
    )
    .option(
      '--keep-weekly <TIME>',
      `${when}keep the newest snapshot of each week, for this time, like 12w`,
    )
    .option(
      '--keep-monthly <TIME>',
      `${when}keep the newest snapshot of each month, for this time, like 2y`,
    )
    .option(
      '--transactions-from <V>',
      `${when}retire transactions of backups that end below version V`,
    )
    .option(
      '--epoch-endings-from <V>',
      `${when}retire epoch endings of backups that end below version V`,
    )
    .option('--grace <TIME>', `${when}how long the data of what is retired stays (default: 7d)`)
    .option('--force', `${when}retire even if the stock tool can restore less afterwards`);
}

/** The rules that flags give, as a part of an input. */
export function rulesOf(flags: PruneFlags): Omit<PruneInput, 'storage'> {
  const given = {
    keep_last: flags.keepLast,
    keep_daily: flags.keepDaily,
    keep_weekly: flags.keepWeekly,
    keep_monthly: flags.keepMonthly,
    transactions_from: flags.transactionsFrom,
    epoch_endings_from: flags.epochEndingsFrom,
    grace: flags.grace,
    force: flags.force,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
