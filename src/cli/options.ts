import { type Command, Option } from 'commander';
import type { CoordinatorInput, SettingsChange } from '../contract/coordinator-input.js';
import { type CommonInput, parseNode, parseNodes } from '../contract/backup-input.js';
import { NETWORK_NAMES } from '../contract/network.js';
import { chunkSlots, chunkWorkers } from '../supervisor/worker-settings.js';
import { UsageError } from '../client/command-failure.js';
import type { StorageConfig } from '../contract/job.js';
import { isNested, storageName } from '../contract/storage-name.js';
import { type StorageNameFlags, placeOf, storageOf } from './storage-options.js';
import { UI_URL, isUiUrl } from '../config/settings.js';
import { optional } from './optional.js';
import { typedAddress, typedNumber } from './typed.js';
import {
  type CopyLimitFlags,
  type NodeLimitFlags,
  addNodeLimitOptions,
  copyLimits,
  endedLimits,
  nodeLimits,
} from './node-limit-options.js';
import type { NotifyFlags } from '../notify/settings.js';

export const NETWORKS = `${NETWORK_NAMES.join(', ')} or custom:NAME`;
/** The value of `--copy-to` that ends a copy. */
const NO_COPY = 'none';
const WITHOUT_COPY = {
  copy_to: null,
  copy_bytes_per_second: null,
  copy_requests_per_second: null,
} satisfies SettingsChange;
const DEFAULT_NODE = 'http://localhost:6186';

/** The flag of commands that ask one node. */
export function addNodeOption(command: Command): Command {
  return command.option(
    '--backup-service-address <URL>',
    `the node's backup service (default: ${DEFAULT_NODE})`,
  );
}

/** The flag of commands that may turn to another node. */
export function addNodeOptions(command: Command): Command {
  return command.option(
    '--backup-service-address <URL>',
    `the node's backup service; give several with commas or by repeating the flag, the preferred one first (default: ${DEFAULT_NODE})`,
    (value: string, before?: string[]) => [...(before ?? []), ...value.split(',')],
  );
}

/** Flags of all commands that write backups. */
export function addBackupOptions(command: Command): Command {
  const own = addChainOptions(command)
    .option('--max-chunk-size <BYTES>', 'most bytes of a chunk file (default: 134217728)')
    .option(
      '--concurrent-data-requests <N>',
      'ranges in flight at once, in each stream (default: 4)',
    );
  return addNodeLimitOptions(own);
}

/** Flags that say which chain is wanted. */
export function addChainOptions(command: Command): Command {
  return command
    .option(
      '--trust-waypoint <VERSION:HASH>',
      'a waypoint that you trust; may be repeated',
      collect,
      [],
    )
    .option('--network <NAME>', `refuse a node of another network: ${NETWORKS}`);
}

/** Flags of the commands that follow a node. */
export function addCoordinatorOptions(command: Command): Command {
  return command
    .option(
      '--state-snapshot-interval-epochs <N>',
      'take a state snapshot every N epochs (default: 1)',
    )
    .option('--transaction-batch-size <N>', 'transactions of a full batch (default: 1000000)')
    .option(
      '--transaction-batch-seconds <S>',
      'close a batch that is not full after S seconds (default: 600)',
    )
    .option(
      '--compact-above-files <N>',
      'compact the metadata when more than N of its files are not compacted yet; 0: never (default: 1000)',
    );
}

/** Flags of the copy that a coordinator keeps in step. */
export function addCopyToOptions(command: Command): Command {
  return command
    .option(
      '--copy-to <URL>',
      'keep a second storage in step: a URL, a folder, or the YAML of a command adapter; none ends this',
    )
    .option(
      '--copy-bytes-per-second <N>',
      'read and write at most N bytes a second for the second storage; none: no limit',
    )
    .option(
      '--copy-requests-per-second <N>',
      'send at most N requests a second to each of the two storages while copying; none: no limit',
    );
}

/** Flags of the commands that run workers for a long time. */
export function addWorkerOptions(command: Command): Command {
  return command
    .option('--chunk-workers <N>', 'how many processes work on chunks (default: 1)')
    .option(
      '--health-address <[HOST:]PORT>',
      'serve a web page, health and metrics here: /, /livez, /readyz, /healthz, /metrics',
      (text: string) => {
        typedAddress('--health-address', text); // report a mistake before anything starts
        return text;
      },
    )
    .option(
      '--page-token-file <FILE>',
      'the page needs the token in this file to control anything; also APTOS_BACKUP_PAGE_TOKEN (default: no token, and controls only on loopback)',
    )
    .option(
      '--temporal-ui <URL>',
      'the Temporal UI to which the page links (default: the UI of up)',
      (url: string) => {
        if (isUiUrl(url)) return url;
        throw new UsageError(`--temporal-ui must be ${UI_URL}, not "${url}"`);
      },
    );
}

export interface WorkerFlags {
  chunkWorkers?: string;
  healthAddress?: string;
  pageTokenFile?: string;
  temporalUi?: string;
}

/** How many processes work on chunks, from the flag or the environment. @throws UsageError */
export function chunkWorkerCount(flags: WorkerFlags = {}): number {
  try {
    chunkSlots(process.env); // the worker processes read it; report a mistake before they start
    return chunkWorkers(flags.chunkWorkers, process.env);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export interface CoordinatorFlags extends CommonFlags, CopyLimitFlags, WorkerFlags, NotifyFlags {
  stateSnapshotIntervalEpochs?: string;
  transactionBatchSize?: string;
  transactionBatchSeconds?: string;
  compactAboveFiles?: string;
  copyTo?: string;
}

/** The storage that `--copy-to` names; undefined when it names none, or ends the copy. */
export function copyTargetOf({ copyTo }: CoordinatorFlags): StorageConfig | undefined {
  return copyTo === undefined || copyTo === NO_COPY ? undefined : placeOf(copyTo);
}

/** The input of a coordinator. @throws UsageError */
export function coordinatorInput(flags: CoordinatorFlags): CoordinatorInput {
  const { when_blocked: _, ...common } = commonInput(flags);
  const { stateSnapshotIntervalEpochs, transactionBatchSize, transactionBatchSeconds } = flags;
  const copyTo = copyTargetOf(flags);
  const storage = storageOf(flags);
  if (copyTo && isNested(storage, copyTo)) {
    const names = `${storageName(storage)} and ${storageName(copyTo)}`;
    throw new UsageError(
      `--copy-to must not be inside the storage, nor around it: ${names}; give the copy a place of its own`,
    );
  }
  return {
    ...common,
    ...optional('state_snapshot_interval_epochs', stateSnapshotIntervalEpochs),
    ...optional('transaction_batch_size', transactionBatchSize),
    ...optional('transaction_batch_seconds', transactionBatchSeconds),
    ...optional('compact_above_files', flags.compactAboveFiles),
    ...(copyTo ? { copy_to: copyTo } : {}),
    // A file may have the limits of the copy that the flag ends.
    ...(flags.copyTo === NO_COPY ? {} : copyLimits(flags)),
  };
}

/** The part of the input that flags gave: without the node that is only a default. */
export function givenInput(
  { node, ...given }: CoordinatorInput,
  { backupServiceAddress, copyTo, ...flags }: CoordinatorFlags,
): SettingsChange {
  return {
    ...(backupServiceAddress === undefined ? {} : { node }),
    ...given,
    ...(copyTo === NO_COPY ? WITHOUT_COPY : {}),
    ...endedLimits(flags),
  };
}

/** Flags of all commands. */
export function addCommonOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--config <FILE>', 'a YAML file with the settings that no flag gives').env(
        'APTOS_BACKUP_CONFIG',
      ),
    )
    .option(
      '--data-dir <DIR>',
      'folder for local data (default: APTOS_BACKUP_DATA_DIR or ~/.aptos-backup)',
    )
    .option('--json', 'print results as JSON')
    .addOption(
      new Option('--log-format <FORMAT>', 'the form of what is written to stderr (default: text)')
        .choices(['text', 'json'])
        .env('APTOS_BACKUP_LOG_FORMAT'),
    )
    .option('--verbose', 'print errors with stack traces');
}

export interface CommonFlags extends StorageNameFlags, NodeLimitFlags {
  /** A single text for commands that ask one node. */
  backupServiceAddress?: string | string[];
  maxChunkSize?: string;
  concurrentDataRequests?: string;
  trustWaypoint?: string[];
  network?: string;
  config?: string;
  dataDir?: string;
  json?: boolean;
  logFormat?: string;
  verbose?: boolean;
}

/** The node of a command that asks one: of those that a configuration names, the first. @throws InputError */
export function nodeAddress({ backupServiceAddress: given = DEFAULT_NODE }: CommonFlags): string {
  return parseNode(typeof given === 'string' ? given : given[0]);
}

/** One node stays a text, as people write it; several become a list. @throws InputError */
function nodesOf({ backupServiceAddress: given = DEFAULT_NODE }: CommonFlags): string | string[] {
  const nodes = parseNodes(given);
  return nodes.length === 1 ? nodes[0]! : nodes;
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
    ...(concurrency === undefined
      ? {}
      : { concurrency: typedNumber('--concurrent-data-requests', concurrency) }),
    ...nodeLimits(flags),
    when_blocked: 'fail',
  };
}

/** Collects the values of an option that may be repeated. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
