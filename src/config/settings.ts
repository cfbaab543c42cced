import * as v from 'valibot';
import { type CoordinatorInput, coordinatorFields } from '../contract/coordinator-input.js';
import { count, mustBe } from '../contract/schema.js';
import { pruneFields } from '../contract/retention-input.js';
import { LISTEN_ADDRESS, readListenAddress } from '../lib/listen-address.js';
import { isNotifyTime } from '../notify/settings.js';
import { MOST_CHUNK_WORKERS } from '../supervisor/worker-settings.js';
import { pathIn, tildeProblem } from './path-in.js';
import { isUrl, placeIn } from './place.js';

/** A setting that the configuration file may have. Its value becomes that of a flag. */
export interface Setting {
  /** In the file, with its section: `limits.concurrency`. */
  name: string;
  /** Its flag, as a key of parsed flags. `storage` stands for each of the three flags that name one. */
  flag: string;
  /** Checks the value as it stands in the file. */
  schema: v.GenericSchema;
  /** The field of a coordinator that it changes. Without one, only a new process takes it. */
  field?: keyof CoordinatorInput;
  /** The environment variable that comes before the file. */
  variable?: string;
  /** Other flags and variables that say this in another way: what they say comes before the file, too. */
  others?: readonly { flag: string; variable: string }[];
  /** What holds then, in words, where it is not this in another way. */
  otherwiseGiven?: string;
  /** Is a path: it begins in the folder of the file, or with `~/` in the home folder. */
  isPath?: true;
  /** Is a program and its arguments. A program with a `/` is a path, any other is looked for in PATH. */
  isCommand?: true;
  /** What holds where nothing gives it; without one, the default of its field. */
  otherwise?: string;
}

const text = (what: string, fits: (value: string) => boolean = () => true) =>
  v.custom<string>(
    (value) => typeof value === 'string' && value !== '' && fits(value),
    mustBe(what),
  );

/** What the URL of a Temporal UI must be, as the end of a sentence. */
export const UI_URL = 'a URL like http://host:8080';

export function isUiUrl(url: string): boolean {
  return /^https?:\/\/[^\s@?#]+$/.test(url);
}

const isPathHere = (value: string) => tildeProblem(value) === undefined;
export const pathText = v.pipe(
  text('a path'),
  v.check((value) => !isUrl(value), 'must be a path of this host, and not a URL'),
  v.check(isPathHere, ({ input }) => tildeProblem(input) ?? ''),
);

/** A storage as a text. Messages show nothing of a URL: it may hold what is secret. */
export const place = v.custom<string>(
  (value) => placeProblem(value) === undefined,
  ({ input }) => placeProblem(input) ?? '',
);

function placeProblem(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') {
    return 'must be a URL like s3://bucket/prefix, a folder, or the YAML of a command adapter';
  }
  const problem = tildeProblem(value);
  if (problem !== undefined) return problem;
  try {
    placeIn('/', value);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^storage(\.\w+)?(?=[ :])\s*/, '');
  }
}

type Row = [name: string, flag: string, field: keyof typeof coordinatorFields, otherwise?: string];

/** Settings that are checked as the input of a coordinator is. Without `otherwise`, the default of the field holds. */
function ofCoordinator(...rows: Row[]): Setting[] {
  return rows.map(([name, flag, field, otherwise]) => ({
    ...{ name, flag, field, schema: coordinatorFields[field] },
    ...(otherwise === undefined ? {} : { otherwise }),
  }));
}

const NO_LIMIT = 'no limit';

const SETTINGS_OF_A_COORDINATOR: Setting[] = [
  ...ofCoordinator(
    ['nodes', 'backupServiceAddress', 'node', 'http://localhost:6186'],
    ['network', 'network', 'network', 'found from the genesis'],
    ['trust_waypoints', 'trustWaypoint', 'trust_waypoints', 'those of the public networks'],
  ),
  { name: 'storage', flag: 'storage', schema: place, isPath: true, otherwise: 'none' },
  ...ofCoordinator(
    ['limits.node_streams', 'nodeStreams', 'node_streams', NO_LIMIT],
    [
      'limits.node_requests_per_second',
      'nodeRequestsPerSecond',
      'node_requests_per_second',
      NO_LIMIT,
    ],
    ['limits.node_bytes_per_second', 'nodeBytesPerSecond', 'node_bytes_per_second', NO_LIMIT],
    ['limits.concurrency', 'concurrentDataRequests', 'concurrency'],
    ['limits.max_chunk_size', 'maxChunkSize', 'max_chunk_size'],
    ['batches.transaction_batch_size', 'transactionBatchSize', 'transaction_batch_size'],
    ['batches.transaction_batch_seconds', 'transactionBatchSeconds', 'transaction_batch_seconds'],
    [
      'batches.state_snapshot_interval_epochs',
      'stateSnapshotIntervalEpochs',
      'state_snapshot_interval_epochs',
    ],
    ['compact_above_files', 'compactAboveFiles', 'compact_above_files'],
  ),
  {
    ...{ name: 'copy.to', flag: 'copyTo', field: 'copy_to' },
    ...{ schema: place, isPath: true, otherwise: 'none' },
  },
  ...ofCoordinator(
    ['copy.bytes_per_second', 'copyBytesPerSecond', 'copy_bytes_per_second', NO_LIMIT],
    ['copy.requests_per_second', 'copyRequestsPerSecond', 'copy_requests_per_second', NO_LIMIT],
  ),
];

const OF_RETENTION = {
  keep_last: 'keepLast',
  keep_daily: 'keepDaily',
  keep_weekly: 'keepWeekly',
  keep_monthly: 'keepMonthly',
  transactions_from: 'transactionsFrom',
  epoch_endings_from: 'epochEndingsFrom',
  grace: 'grace',
} as const;

const SETTINGS_OF_A_PROCESS: Setting[] = [
  {
    name: 'workers.chunk_workers',
    ...{ flag: 'chunkWorkers', variable: 'APTOS_BACKUP_CHUNK_WORKERS', otherwise: '1' },
    schema: count(BigInt(MOST_CHUNK_WORKERS)),
  },
  {
    name: 'page.address',
    ...{ flag: 'healthAddress', otherwise: 'none' },
    schema: v.custom<string | number>(
      (value) => readListenAddress(String(value)) !== undefined,
      mustBe(LISTEN_ADDRESS),
    ),
  },
  {
    name: 'page.token_file',
    ...{ flag: 'pageTokenFile', variable: 'APTOS_BACKUP_PAGE_TOKEN', otherwise: 'none' },
    ...{ schema: pathText, isPath: true },
  },
  {
    name: 'page.temporal_ui',
    ...{ flag: 'temporalUi', otherwise: 'the UI of up' },
    schema: text(UI_URL, isUiUrl),
  },
  {
    name: 'data_dir',
    ...{ flag: 'dataDir', variable: 'APTOS_BACKUP_DATA_DIR', otherwise: '~/.aptos-backup' },
    ...{ schema: pathText, isPath: true },
  },
  {
    name: 'log_format',
    ...{ flag: 'logFormat', variable: 'APTOS_BACKUP_LOG_FORMAT', otherwise: 'text' },
    schema: v.picklist(['text', 'json'], mustBe('text or json')),
  },
];

const WEBHOOK = { flag: 'notifyWebhook', variable: 'APTOS_BACKUP_NOTIFY_WEBHOOK' };
const WEBHOOK_FILE = { flag: 'notifyWebhookFile', variable: `${WEBHOOK.variable}_FILE` };
const NOTIFY_TIME = v.custom<string | number>(
  (value) => isNotifyTime(String(value)),
  mustBe('seconds or a time like 5m, 12h or 7d'),
);

/** The URL of a webhook may be a secret: it is in a file of its own. */
const SETTINGS_OF_NOTIFICATIONS: Setting[] = [
  {
    name: 'notifications.webhook_file',
    ...{ ...WEBHOOK_FILE, others: [WEBHOOK], otherwise: 'none' },
    ...{ schema: pathText, isPath: true },
  },
  {
    name: 'notifications.webhook_headers_file',
    ...{ flag: 'notifyWebhookHeadersFile', variable: `${WEBHOOK.variable}_HEADERS_FILE` },
    // Headers may be secrets as well: they go to no other webhook.
    ...{ others: [WEBHOOK, WEBHOOK_FILE], otherwiseGiven: 'none', otherwise: 'none' },
    ...{ schema: pathText, isPath: true },
  },
  {
    name: 'notifications.command',
    ...{ flag: 'notifyCommand', variable: 'APTOS_BACKUP_NOTIFY_COMMAND', otherwise: 'none' },
    schema: v.pipe(
      v.array(text('a text'), mustBe('a list: a program and its arguments')),
      v.nonEmpty(': name a program'),
      v.check(
        ([program = '']) => isPathHere(program),
        ({ input: [program = ''] }) => tildeProblem(program) ?? '',
      ),
    ),
    isCommand: true,
  },
  {
    name: 'notifications.after',
    ...{ flag: 'notifyAfter', variable: 'APTOS_BACKUP_NOTIFY_AFTER', otherwise: '60s' },
    schema: NOTIFY_TIME,
  },
  {
    name: 'notifications.remind',
    ...{ flag: 'notifyRemind', variable: 'APTOS_BACKUP_NOTIFY_REMIND', otherwise: '24h' },
    schema: NOTIFY_TIME,
  },
];

/** All settings, in the order in which they are shown. */
export const SETTINGS: readonly Setting[] = [
  ...SETTINGS_OF_A_COORDINATOR,
  ...Object.entries(OF_RETENTION).map(([name, flag]) => ({
    ...{ name: `retention.${name}`, flag },
    schema: pruneFields[name as keyof typeof OF_RETENTION],
    ...(name === 'grace' ? {} : { otherwise: 'none' }),
  })),
  ...SETTINGS_OF_NOTIFICATIONS,
  ...SETTINGS_OF_A_PROCESS,
];

/** The keep rules among the settings: they hold together, or not at all. */
export const KEEP_RULES: readonly string[] = Object.values(OF_RETENTION).filter(
  (flag) => flag !== 'grace',
);

/** What holds where nothing gives a setting, in words. */
export function defaultOf({ otherwise, schema }: Setting): string {
  const fallback = v.getDefault(schema);
  return otherwise ?? String(fallback);
}

/** The value of a setting as its flag takes it. `folder`: where paths begin. */
export function flagValue(
  { isPath, isCommand }: Setting,
  value: unknown,
  folder: string,
): string | string[] {
  const place = (text: string) => (isUrl(text) ? text : pathIn(folder, text));
  if (!Array.isArray(value)) return isPath ? place(String(value)) : String(value);
  const texts = value.map(String);
  const [program, ...args] = texts;
  return isCommand && program?.includes('/') ? [pathIn(folder, program), ...args] : texts;
}
