#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { UsageError, exitCodeOf, messageOf } from './cli/failure.js';
import { runOneoff } from './cli/oneoff.js';
import {
  type CommonFlags,
  addBackupOptions,
  addCommonOptions,
  addNodeOptions,
  addStorageOptions,
  commonInput,
} from './cli/options.js';
import { queryNodeState, queryStorageState } from './cli/query.js';
import { printWaypoint } from './cli/waypoint.js';
import { runWorkerCommand } from './cli/worker.js';
import { dataFolder } from './data-folder.js';
import { addDevnodeOptions, runDevnode } from './devnode/command.js';

const stopping = new AbortController();
const program = new Command('aptos-backup')
  .description('Durable, proven backups of Aptos-family nodes')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  .configureOutput({ outputError: () => undefined });

/** A subcommand that inherits how errors are handled. */
function add(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).copyInheritedSettings(program);
}

const oneoff = add(program, 'oneoff', 'make one backup');
addCommonOptions(addBackupOptions(addNodeOptions(addStorageOptions(oneoff))));

add(oneoff, 'epoch-ending', 'the ledger infos that end a range of epochs')
  .requiredOption('--start-epoch <EPOCH>', 'first epoch')
  .requiredOption('--end-epoch <EPOCH>', 'first epoch that is left out')
  .action(async (_, command: Command) => {
    const flags = command.optsWithGlobals<CommonFlags & { startEpoch: string; endEpoch: string }>();
    const range = { start_epoch: flags.startEpoch, end_epoch: flags.endEpoch };
    await runOneoff('epoch_ending', { ...commonInput(flags), ...range }, flags, stopping.signal);
  });

add(oneoff, 'state-snapshot', 'the state at the end of an epoch')
  .requiredOption('--state-snapshot-epoch <EPOCH>', 'the epoch')
  .action(async (_, command: Command) => {
    const flags = command.optsWithGlobals<CommonFlags & { stateSnapshotEpoch: string }>();
    const input = { ...commonInput(flags), epoch: flags.stateSnapshotEpoch };
    await runOneoff('state_snapshot', input, flags, stopping.signal);
  });

add(oneoff, 'transaction', 'a range of transactions')
  .requiredOption('--start-version <VERSION>', 'first version')
  .option('--num_transactions <N>', 'how many')
  .option('--num-transactions <N>', 'the same')
  .action(async (_, command: Command) => {
    const flags = command.optsWithGlobals<
      CommonFlags & { startVersion: string; num_transactions?: string; numTransactions?: string }
    >();
    const count = flags.num_transactions ?? flags.numTransactions;
    if (count === undefined) throw new UsageError('say how many: --num_transactions N');
    const range = { start_version: flags.startVersion, num_transactions: count };
    await runOneoff('transaction', { ...commonInput(flags), ...range }, flags, stopping.signal);
  });

const query = add(program, 'query', 'show what a node or a storage has');
addCommonOptions(query);
addNodeOptions(add(query, 'node-state', 'newest epoch and version of a node')).action(
  (_, command: Command) => queryNodeState(command.optsWithGlobals<CommonFlags>()),
);
addStorageOptions(add(query, 'backup-storage-state', 'newest backups of a storage')).action(
  (_, command: Command) => queryStorageState(command.optsWithGlobals<CommonFlags>()),
);

addCommonOptions(add(program, 'waypoint', "waypoint of a network's genesis.blob"))
  .argument('<genesis.blob>')
  .action((file: string, flags: CommonFlags) => printWaypoint(file, flags.json ?? false));

addCommonOptions(add(program, 'worker', 'work for a Temporal server until stopped')).action(
  async (flags: CommonFlags) => {
    process.env['APTOS_BACKUP_DATA_DIR'] = dataFolder(flags.dataDir);
    process.exitCode = await runWorkerCommand(stopping.signal);
  },
);

addDevnodeOptions(add(program, 'devnode', 'simulate a node, for trying things out')).action(
  (flags: Parameters<typeof runDevnode>[0]) => runDevnode(flags, stopping.signal),
);

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args[0] === 'backup') args.shift(); // the stock tool's own first word
  const verbose = args.includes('--verbose');
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => stopping.abort());
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return;
      console.error(error.message.replace(/^error: /, 'aptos-backup: '));
      process.exitCode = 2;
      return;
    }
    console.error(verbose ? error : `aptos-backup: ${messageOf(error)}`);
    process.exitCode = exitCodeOf(error);
  }
}

await main();
