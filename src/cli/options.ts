import path from 'node:path';
import { type Command, Option } from 'commander';
import type { CoordinatorInput } from '../plan/coordinator-input.js';
import { type CommonInput, parseNode, parseNodes } from '../plan/input.js';
import { chunkSlots, chunkWorkers } from '../temporal/supervision/worker-settings.js';
import { UsageError } from './failure.js';

const DEFAULT_NODE = 'http://localhost:6186';

/** Flag of what asks one node. */
export function addNodeOption(command: Command): Command {
  return command.option(
    '--backup-service-address <URL>',
    `the node's backup service (default: ${DEFAULT_NODE})`,
  );
}

/** The same for everything that may turn to another node. */
export function addNodeOptions(command: Command): Command {
  return command.option(
    '--backup-service-address <URL>',
    `the node's backup service; repeated, or separated by commas: others to turn to (default: ${DEFAULT_NODE})`,
    (value: string, before?: string[]) => [...(before ?? []), ...value.split(',')],
  );
}

/** Flags of everything that reads or writes a storage. */
export function addStorageOptions(command: Command): Command {
  return command
    .option('--local-fs-dir <DIR>', 'keep backups in this folder')
    .option('--command-adapter-config <YAML>', 'not supported yet')
    .addOption(new Option('--metadata-cache-dir <DIR>', 'accepted, not needed').hideHelp())
    .addOption(new Option('--concurrent-downloads <N>', 'accepted, not needed').hideHelp());
}

/** Flags of everything that writes backups. */
export function addBackupOptions(command: Command): Command {
  return command
    .option('--max-chunk-size <BYTES>', 'chunk files are cut at this size (default: 134217728)')
    .option('--concurrent-data-requests <N>', 'ranges in flight (default: 4)')
    .option('--trust-waypoint <VERSION:HASH>', 'trust this; may be repeated', collect, [])
    .option('--network <NAME>', 'refuse a node that is not of this network');
}

/** Flags of the commands that follow a node. */
export function addCoordinatorOptions(command: Command): Command {
  return command
    .option('--state-snapshot-interval-epochs <N>', 'a snapshot every N epochs (default: 1)')
    .option('--transaction-batch-size <N>', 'transactions of a full batch (default: 1000000)')
    .option('--transaction-batch-seconds <S>', 'close a batch after so long (default: 600)');
}

/** Flags of the commands that run workers for long. */
export function addWorkerOptions(command: Command): Command {
  return command
    .option('--chunk-workers <N>', 'processes that work on chunks (default: 1)')
    .option('--health-address <[HOST:]PORT>', 'serve /livez, /readyz, /healthz, /metrics here');
}

export interface WorkerFlags {
  chunkWorkers?: string;
  healthAddress?: string;
}

/** How many processes work on chunks, by flag or environment. @throws UsageError */
export function chunkWorkerCount(flags: WorkerFlags = {}): number {
  try {
    chunkSlots(process.env); // read by the processes themselves: a mistake is told before
    return chunkWorkers(flags.chunkWorkers, process.env);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export interface CoordinatorFlags extends CommonFlags, WorkerFlags {
  stateSnapshotIntervalEpochs?: string;
  transactionBatchSize?: string;
  transactionBatchSeconds?: string;
}

/** The input of a coordinator. @throws UsageError */
export function coordinatorInput(flags: CoordinatorFlags): CoordinatorInput {
  const { when_blocked: _, ...common } = commonInput(flags);
  const { stateSnapshotIntervalEpochs, transactionBatchSize, transactionBatchSeconds } = flags;
  return {
    ...common,
    ...optional('state_snapshot_interval_epochs', stateSnapshotIntervalEpochs),
    ...optional('transaction_batch_size', transactionBatchSize),
    ...optional('transaction_batch_seconds', transactionBatchSeconds),
  };
}

function optional<K extends string>(name: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: string };
}

/** Flags of every command. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--data-dir <DIR>', 'local data (default: APTOS_BACKUP_DATA_DIR or ~/.aptos-backup)')
    .option('--json', 'print results as JSON')
    .option('--verbose', 'print stack traces');
}

export interface CommonFlags {
  /** One for what asks one node. */
  backupServiceAddress?: string | string[];
  localFsDir?: string;
  commandAdapterConfig?: string;
  maxChunkSize?: string;
  concurrentDataRequests?: string;
  trustWaypoint?: string[];
  network?: string;
  dataDir?: string;
  json?: boolean;
  verbose?: boolean;
}

/** @throws InputError */
export function nodeAddress(flags: CommonFlags): string {
  return parseNode(flags.backupServiceAddress ?? DEFAULT_NODE);
}

/** One node as a text, as people write it; several as a list. @throws InputError */
function nodesOf({ backupServiceAddress: given = DEFAULT_NODE }: CommonFlags): string | string[] {
  const nodes = parseNodes(given);
  return nodes.length === 1 ? nodes[0]! : nodes;
}

/** @throws UsageError */
export function storageOf(flags: CommonFlags): { local_fs_dir: string } {
  if (flags.commandAdapterConfig !== undefined) {
    throw new UsageError(
      '--command-adapter-config is not supported yet; use --local-fs-dir (a mounted bucket works)',
    );
  }
  if (!flags.localFsDir) {
    throw new UsageError('say where backups are kept: --local-fs-dir DIR');
  }
  return { local_fs_dir: path.resolve(flags.localFsDir) };
}

/** The part of a workflow's input that all backup commands share. @throws UsageError */
export function commonInput(flags: CommonFlags): CommonInput {
  const concurrency = flags.concurrentDataRequests;
  return {
    node: nodesOf(flags),
    storage: storageOf(flags),
    ...(flags.network === undefined ? {} : { network: flags.network }),
    ...(flags.trustWaypoint?.length ? { trust_waypoints: flags.trustWaypoint } : {}),
    ...(flags.maxChunkSize === undefined ? {} : { max_chunk_size: flags.maxChunkSize }),
    ...(concurrency === undefined ? {} : { concurrency: wholeNumber(concurrency) }),
    when_blocked: 'fail',
  };
}

/** Anything else stays as it is, for the input's own check to name it. */
function wholeNumber(text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`--concurrent-data-requests must be a whole number, not "${text}"`);
}

/** For options that may be repeated. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
