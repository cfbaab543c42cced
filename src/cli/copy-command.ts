import type { Command } from 'commander';
import { abortable } from '../client/calls.js';
import { UsageError } from '../client/command-failure.js';
import { copied, startCopy } from '../client/start-copy.js';
import {
  type CopyResult,
  type CopyStatus,
  type Skipped,
  copyStatus,
} from '../contract/answers/copy-answers.js';
import { readAnswer } from '../contract/answers/read-answer.js';
import { type CopyInput, parseCopyInput } from '../contract/copy-input.js';
import { bytes } from '../monitor/format.js';
import type { TemporalSession } from '../temporal-server/open-temporal.js';
import { atServer } from './at-server.js';
import { awaited } from './awaited.js';
import { type CommonFlags, addCommonOptions, collect } from './options.js';
import { placeOf } from './storage-options.js';
import { typedNumber } from './typed.js';
import { sayProgress } from './say.js';
import { print } from './print.js';

interface CopyFlags extends CommonFlags {
  from?: string;
  to?: string;
  versions?: string;
  epochs?: string;
  newestSnapshot?: boolean;
  since?: string;
  bytesPerSecond?: string;
  requestsPerSecond?: string;
  lanes?: string;
}

export const COPY = 'copy backups into another storage, and prove them on the way';
/** Gives the command `copy` its flags. */
export function addCopyCommand(copy: Command, signal: AbortSignal): void {
  addCommonOptions(copy)
    .option('--from <URL>', 'the source: a URL, a folder, or the YAML of a command adapter')
    .option('--to <URL>', 'the target: a new storage, or one that keeps what it has')
    .option('--versions <A-B>', 'only transactions and snapshots of these versions')
    .option('--epochs <A-B>', 'only transactions and snapshots of these epochs')
    .option('--newest-snapshot', 'only the newest snapshot, and the transactions from there on')
    .option(
      '--since <VERSION|TIME>',
      'only transactions and snapshots from this version or time on',
    )
    .option('--bytes-per-second <N>', 'read and write at most N bytes a second, all lanes together')
    .option('--requests-per-second <N>', 'at most N requests a second to each of the two storages')
    .option('--lanes <N>', 'tasks in flight (default: 4)')
    .option(
      '--trust-waypoint <VERSION:HASH>',
      'a waypoint that you trust; may be repeated',
      collect,
      [],
    )
    .option('--network <NAME>', 'trust the waypoints of this network, or custom:NAME')
    .action(async (flags: CopyFlags) => {
      process.exitCode = await runCopy(flags, signal);
    });
}

/** `copy`. Returns the exit code: 0 when the target has all that was asked for, 1 when something was skipped. */
async function runCopy(flags: CopyFlags, signal: AbortSignal): Promise<number> {
  const input = copyInput(flags);
  parseCopyInput(input); // report a mistake before anything starts
  const work = async ({ client }: TemporalSession, left: AbortSignal) => {
    const handle = await abortable(client, left, () => startCopy(client, input));
    const show = (answer: unknown) =>
      showProgress(readAnswer(copyStatus, answer, handle.workflowId));
    const result = await copied(awaited(client, handle, left, show));
    print(flags.json ? JSON.stringify(result) : describeCopy(result).join('\n'));
    return result.ok ? 0 : 1;
  };
  return atServer(flags, signal, work, 'the copy goes on at the server');
}

function copyInput(flags: CopyFlags): CopyInput {
  if (flags.from === undefined) throw new UsageError('say which storage to copy: --from URL');
  if (flags.to === undefined) throw new UsageError('say which storage gets the copy: --to URL');
  if (flags.versions !== undefined && flags.epochs !== undefined) {
    throw new UsageError('--versions and --epochs cannot be given together; give one of them');
  }
  const given = {
    network: flags.network,
    trust_waypoints: flags.trustWaypoint?.length ? flags.trustWaypoint : undefined,
    versions: flags.versions,
    epochs: flags.epochs,
    newest_snapshot: flags.newestSnapshot,
    since: flags.since,
    bytes_per_second: flags.bytesPerSecond,
    requests_per_second: flags.requestsPerSecond,
    concurrency: flags.lanes === undefined ? undefined : typedNumber('--lanes', flags.lanes),
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const [from, to] = [placeOf(flags.from), placeOf(flags.to)];
  return { from, to, ...Object.fromEntries(known) };
}

function describeCopy(result: CopyResult): string[] {
  const { from, to, files, kept, bytes: read, skipped, skipped_count: count } = result;
  const before = kept > 0 ? `; ${kept} files were there from an earlier attempt` : '';
  return [
    `${result.ok ? 'Copied' : 'NOT ALL COPIED'}: ${from} to ${to}`,
    `${backupsOf(result)}; ${result.already_there} were there before`,
    `${files} files, ${bytes(read)} read and proven${before}`,
    ...skipped.map(describeSkipped),
    ...(count > skipped.length ? [`and ${count - skipped.length} more that were skipped`] : []),
  ];
}

function backupsOf(counts: CopyStatus): string {
  const { epoch_endings: epochs, transactions, state_snapshots: snapshots } = counts;
  return `${epochs} backups of epoch endings, ${transactions} of transactions, ${snapshots} state snapshots copied`;
}

function describeSkipped({ manifest, object, code, why }: Skipped): string {
  return `skipped ${manifest}: ${code} ${object}: ${why}`;
}

function showProgress(status: CopyStatus): void {
  const { bytes: read, files, already_there: there, skipped_count: skipped } = status;
  sayProgress(
    `${backupsOf(status)}, ${there} there before, ${files} files, ${bytes(read)} read, ${skipped} skipped`,
  );
}
