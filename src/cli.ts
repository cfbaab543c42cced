#!/usr/bin/env node
import { inspect } from 'node:util';
import { Command, CommanderError, Option } from 'commander';
import { applyConfig, configOf } from './cli/applied-config.js';
import { COPY, addCopyCommand } from './cli/copy-command.js';
import { CHECK, addCheckCommand } from './cli/check-options.js';
import { SHELLS, completionScript } from './cli/completion.js';
import { CONFIG, addConfigCommands } from './cli/config-commands.js';
import { addControlCommands } from './cli/control-commands.js';
import { MAINTENANCE, addMaintenanceCommands } from './cli/maintenance-commands.js';
import { Interrupted, UsageError, exitCodeOf, messageOf } from './client/command-failure.js';
import { ConfigError } from './config/config-error.js';
import { addExamples } from './cli/examples.js';
import { inFlags, noteCommand } from './cli/flag-names.js';
import { follow } from './cli/follow.js';
import { runOneoff } from './cli/oneoff.js';
import {
  type CommonFlags,
  type CoordinatorFlags,
  type WorkerFlags,
  addBackupOptions,
  addCommonOptions,
  addCoordinatorOptions,
  addCopyToOptions,
  addNodeOption,
  addNodeOptions,
  addWorkerOptions,
  collect,
  commonInput,
  coordinatorInput,
} from './cli/options.js';
import { addStorageName, addStorageOptions } from './cli/storage-options.js';
import { refuseMissing } from './cli/refuse-missing.js';
import { refuseTilde } from './cli/refuse-tilde.js';
import { say, setUpLog, typedFormat } from './cli/say.js';
import { NOTIFY, addNotifyCommands } from './cli/notify-command.js';
import { addNotifyOptions } from './cli/notify-options.js';
import { leaveServersAtOnce } from './cli/open-session.js';
import { type ServeFlags, runServe } from './cli/serve-command.js';
import { queryNodeState, queryStorageState } from './cli/query.js';
import { RESTORE, addRestoreCommands } from './cli/restore-options.js';
import { SCHEDULE, addScheduleCommands } from './cli/schedule-commands.js';
import { addRepositoryCommands } from './cli/repository-commands.js';
import { type VerifyFlags, runVerify } from './cli/verify-command.js';
import { asksForCheck, tellUnknown } from './cli/status-check.js';
import { tellUnknownVariables } from './cli/tell-unknown-variables.js';
import { printWaypoint } from './cli/waypoint-command.js';
import { runWorkerCommand } from './cli/worker-command.js';
import { namedStack } from './lib/host/named-stack.js';
import { LOG_FORMAT } from './lib/host/log.js';
import { releaseOf } from './lib/host/release.js';
import { keepHeapSmall } from './lib/host/small-heap.js';
import { dataFolder, keepCachesIn } from './lib/host/data-folder.js';
import { onItsPorts } from './cli/devnode-ports.js';
import { addDevnodeOptions, runDevnode } from './devnode/command.js';

/** Commands whose log is read later. They take seconds to stop. */
const LASTING = ['up', 'continuously', 'worker'];
/** The command of this process, if it lasts. */
let lasting = false;

/** npx and a terminal that closes send a signal twice, within milliseconds. Who has lost patience takes longer. */
const IMPATIENT_MS = 1_000;

keepHeapSmall();
const stopping = new AbortController();
/** When each signal first came. */
const heardAt = new Map<NodeJS.Signals, number>();
/** Why a part of what this process prints could not be written, as on a full disk. */
let unwritten: string | undefined;
const program = new Command('aptos-backup')
  .description('Durable, proven backups of Aptos-family nodes')
  .version(releaseOf(import.meta.url), '--version', 'print the release')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  .configureOutput({ outputError: () => undefined })
  .hook('preAction', async (_, command) => {
    noteCommand(command);
    refuseMissing(command);
    refuseTilde(command);
    applyConfig(command);
    const { dataDir, logFormat } = command.optsWithGlobals<Partial<CommonFlags>>();
    await setUpLog({ format: logFormat, stamped: lasting });
    tellUnknownVariables();
    keepCachesIn(dataFolder(dataDir));
  });

/** A subcommand that handles errors like its parent. */
function add(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).copyInheritedSettings(program);
}

const oneoff = add(program, 'oneoff', 'make one backup');
addCommonOptions(addBackupOptions(addNodeOptions(addStorageOptions(oneoff))));

add(oneoff, 'epoch-ending', 'back up the ledger infos that end a range of epochs')
  .requiredOption('--start-epoch <EPOCH>', 'first epoch of the range')
  .requiredOption('--end-epoch <EPOCH>', 'first epoch that is left out')
  .action(async (_, command: Command) => {
    const flags = command.optsWithGlobals<CommonFlags & { startEpoch: string; endEpoch: string }>();
    const range = { start_epoch: flags.startEpoch, end_epoch: flags.endEpoch };
    await runOneoff('epoch_ending', { ...commonInput(flags), ...range }, flags, stopping.signal);
  });

add(oneoff, 'state-snapshot', 'back up the state at the end of an epoch')
  .requiredOption('--state-snapshot-epoch <EPOCH>', 'epoch whose last state is backed up')
  .action(async (_, command: Command) => {
    const flags = command.optsWithGlobals<CommonFlags & { stateSnapshotEpoch: string }>();
    const input = { ...commonInput(flags), epoch: flags.stateSnapshotEpoch };
    await runOneoff('state_snapshot', input, flags, stopping.signal);
  });

add(oneoff, 'transaction', 'back up a range of transactions')
  .requiredOption('--start-version <VERSION>', 'first version of the range')
  .option('--num_transactions <N>', 'how many transactions')
  .option('--num-transactions <N>', 'the same as --num_transactions')
  .action(async (_, command: Command) => {
    const flags = command.optsWithGlobals<
      CommonFlags & { startVersion: string; num_transactions?: string; numTransactions?: string }
    >();
    const count = flags.num_transactions ?? flags.numTransactions;
    if (count === undefined) throw new UsageError('say how many: --num_transactions N');
    const range = { start_version: flags.startVersion, num_transactions: count };
    await runOneoff('transaction', { ...commonInput(flags), ...range }, flags, stopping.signal);
  });

for (const [name, description, own] of [
  ['up', 'follow a node; start the Temporal server and the workers for it on this machine', true],
  [
    'continuously',
    'follow a node; use the Temporal server that the environment names, if any',
    false,
  ],
] as const) {
  const command = addCoordinatorOptions(add(program, name, description));
  addNotifyOptions(addWorkerOptions(addCopyToOptions(command)));
  addCommonOptions(addBackupOptions(addNodeOptions(addStorageOptions(command)))).action(
    (_, self: Command) => {
      const flags = self.optsWithGlobals<CoordinatorFlags>();
      return follow(coordinatorInput(flags), flags, own, stopping.signal, configOf(self));
    },
  );
}

addControlCommands(program, add, stopping.signal);
addScheduleCommands(add(program, 'schedule', SCHEDULE), add, stopping.signal);

const verify = add(program, 'verify', 'read a storage again and prove everything in it')
  .option('--start-version <V>', 'only transactions from this version on (default: 0)')
  .option('--end-version <V>', 'only transactions up to this version (default: all)')
  .option('--state-snapshots <WHICH>', 'every, newest or none (default: every)')
  .option('--state-snapshot-before-version <V>', 'only snapshots up to this version')
  .option(
    '--sample <PART>',
    'read only a part: 2/7 is the second of seven fixed parts, 5% is what was read longest ago',
  )
  .option('--budget-bytes <N>', 'stop after N bytes; the next run goes on from there')
  .option('--budget-seconds <S>', 'stop after S seconds; the next run goes on from there')
  .option('--again', 'also read what was proven before and has not changed')
  .option(
    '--trust-waypoint <VERSION:HASH>',
    'a waypoint that you trust; may be repeated',
    collect,
    [],
  )
  .option('--network <NAME>', 'trust the waypoints of this network, or custom:NAME')
  .addOption(new Option('--skip-epoch-endings', 'accepted, not followed').hideHelp())
  .addOption(new Option('--validate-modules', 'accepted, not followed').hideHelp())
  .addOption(new Option('--output-transaction-analysis <DIR>', 'not supported').hideHelp());
addCommonOptions(addStorageOptions(verify)).action(async (flags: VerifyFlags) => {
  process.exitCode = await runVerify(flags, stopping.signal);
});

addCopyCommand(add(program, 'copy', COPY), stopping.signal);
addRestoreCommands(add(program, 'restore', RESTORE), add, stopping.signal);
addMaintenanceCommands(add(program, 'backup-maintenance', MAINTENANCE), add, stopping.signal);
addNotifyCommands(add(program, 'notify', NOTIFY), add, stopping.signal);

addCheckCommand(add(program, 'check', CHECK), stopping.signal);
addConfigCommands(add(program, 'config', CONFIG), add);

const serve = add(program, 'serve', "play a node's backup service from a storage, read-only")
  .option('--listen <[HOST:]PORT>', 'where to listen', '127.0.0.1:6186')
  .option('--cache-bytes <BYTES>', 'memory for chunks that are read in parts', '536870912');
addCommonOptions(addStorageName(serve)).action((flags: ServeFlags) =>
  runServe(flags, stopping.signal),
);

const query = add(program, 'query', 'show what a node or a storage has');
addCommonOptions(query);
addNodeOption(add(query, 'node-state', 'print the newest epoch and version of a node')).action(
  (_, command: Command) => queryNodeState(command.optsWithGlobals<CommonFlags>(), stopping.signal),
);
addStorageOptions(
  add(query, 'backup-storage-state', 'print the newest backups of a storage'),
).action((_, command: Command) =>
  queryStorageState(command.optsWithGlobals<CommonFlags>(), stopping.signal),
);

addRepositoryCommands(program, add, stopping.signal);

addCommonOptions(add(program, 'waypoint', "print the waypoint of a network's genesis.blob"))
  .argument('<genesis.blob>')
  .action((file: string, flags: CommonFlags) => printWaypoint(file, flags.json ?? false));

const worker = add(program, 'worker', 'run workers for a Temporal server until stopped');
addCommonOptions(addWorkerOptions(worker)).action(async (flags: CommonFlags & WorkerFlags) => {
  process.env['APTOS_BACKUP_DATA_DIR'] = dataFolder(flags.dataDir);
  process.exitCode = await runWorkerCommand(flags, stopping.signal);
});

add(program, 'completion', 'print a script for a shell, which then completes commands and flags')
  .argument('<shell>', SHELLS.join(', '))
  .action((shell: string) => void process.stdout.write(completionScript(program, shell)));

addDevnodeOptions(add(program, 'devnode', 'simulate a node, to try things out')).action(
  (flags: Parameters<typeof runDevnode>[0]) => onItsPorts(runDevnode(flags, stopping.signal)),
);

addExamples(program, program.name());

/** A signal told this process to stop. That takes a while, so it is said at once. A later one ends it where it stands. */
function stop(name: NodeJS.Signals): void {
  const now = performance.now();
  const before = heardAt.get(name) ?? now;
  heardAt.set(name, before);
  if (lasting && !stopping.signal.aborted) say('Stopping; what was in flight is kept.');
  stopping.abort();
  if (now - before < IMPATIENT_MS) return;
  leaveServersAtOnce();
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}

/** A command whose result is lost has not succeeded. One that lasts has told it in its log. */
function tellUnwritten(): void {
  if (unwritten === undefined || lasting) return;
  say(`aptos-backup: not all of the result could be written (${unwritten})`, 'error');
  process.exitCode ||= 1;
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args[0] === 'backup') args.shift(); // the stock tool's own first word
  const verbose = args.includes('--verbose');
  // Of all our variables, an empty one is none. Commander would take it for the value.
  if (process.env[LOG_FORMAT] === '') delete process.env[LOG_FORMAT];
  // Also what is wrong with the flags themselves is told in the one form of the command.
  lasting = LASTING.includes(args[0] ?? '');
  await setUpLog({ format: typedFormat(args), stamped: lasting });
  // The reader of the output may be gone, or the disk of a log full. Neither is a reason to stop the
  // work.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.stdout.on('error', ({ code = 'unknown error' }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') unwritten ??= code;
  });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, stop);
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (thrown) {
    // What was in work when the operator stopped the command ends with the reason of the signal.
    const error = thrown === stopping.signal.reason ? new Interrupted('interrupted') : thrown;
    if (error instanceof CommanderError && error.exitCode === 0) return;
    if (asksForCheck(args) && !(error instanceof Interrupted)) {
      process.exitCode = tellUnknown(error, inFlags);
      return;
    }
    if (error instanceof CommanderError) {
      process.exitCode = 2;
      // A command without its subcommand: the help was printed, and its message is a word of Commander's own.
      if (error.code === 'commander.help') return;
      const [first, ...hints] = error.message.replace(/^error: /, 'aptos-backup: ').split('\n');
      say([first, ...hints].join(' '), 'error');
      return;
    }
    process.exitCode = exitCodeOf(error);
    if (error instanceof ConfigError) {
      for (const problem of error.problems) say(problem, 'error');
      return;
    }
    // A usage error names flags already.
    const ofInput = process.exitCode === 2 && !(error instanceof UsageError);
    const message = ofInput ? inFlags(messageOf(error)) : messageOf(error);
    say(verbose ? namedStack(inspect(error)) : `aptos-backup: ${message}`, 'error');
  }
}

await main();
// Exit now: a call that still waits for its next try would throw on its closed connection.
const written = (stream: NodeJS.WriteStream) =>
  new Promise<void>((resolve) => stream.write('', () => resolve()));
await Promise.all([written(process.stdout), written(process.stderr)]);
tellUnwritten();
process.exit();
