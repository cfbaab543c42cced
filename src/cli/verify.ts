import type { Client } from '@temporalio/client';
import { abortable, resultOf } from '../client/calls.js';
import { type StartedVerification, coverageOf, startVerify } from '../client/verify.js';
import { dataFolder } from '../data-folder.js';
import { CONTROL_QUEUE, QUERY_STATUS, UPDATE_SET_CONCURRENCY } from '../plan/messages.js';
import type { Coverage } from '../plan/verify.js';
import { type VerifyInput, parseVerifyInput } from '../plan/verify-input.js';
import type { VerifyTotals } from '../plan/verify-totals.js';
import { workersPoll } from '../temporal/pollers.js';
import { Interrupted, UsageError } from './failure.js';
import { bytes } from './format.js';
import { openSession } from './open-session.js';
import { type CommonFlags, chunkWorkerCount, storageOf } from './options.js';
import { ownWorkers } from './own-workers.js';
import { tellStuck } from './tell-stuck.js';

export interface VerifyFlags extends CommonFlags {
  startVersion?: string;
  endVersion?: string;
  stateSnapshotBeforeVersion?: string;
  stateSnapshots?: string;
  sample?: string;
  budgetBytes?: string;
  budgetSeconds?: string;
  again?: boolean;
  concurrentDownloads?: string;
  skipEpochEndings?: boolean;
  outputTransactionAnalysis?: string;
}

const PROGRESS_MS = 5_000;
const MOST_SHOWN = 10;
const say = (line: string) => process.stderr.write(`${line}\n`);

/** `verify`. The exit code: 0 everything is proven, 1 something is not, as printed. */
export async function runVerify(flags: VerifyFlags, signal: AbortSignal): Promise<number> {
  const input = verifyInput(flags);
  parseVerifyInput(input); // a mistake is told before anything is started
  const chunkWorkers = chunkWorkerCount();
  const data = dataFolder(flags.dataDir);
  const session = await openSession(flags, signal);
  const { client, connection, embedded, namespace } = session;
  const worker = ownWorkers(session, { data, chunkWorkers, say });
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  signal.addEventListener('abort', leave);
  try {
    if (!embedded && !(await workersPoll(connection, namespace, CONTROL_QUEUE))) {
      say(`No worker polls task queue ${CONTROL_QUEUE} yet; start one with: aptos-backup worker`);
    }
    const coverage = await verified(client, input, leaving.signal);
    console.log(flags.json ? JSON.stringify(coverage) : describeCoverage(coverage).join('\n'));
    return coverage.ok ? 0 : 1;
  } catch (error) {
    if (signal.aborted) throw new Interrupted('interrupted; run the same command again to go on');
    throw error;
  } finally {
    signal.removeEventListener('abort', leave);
    leave();
    await worker?.stop();
    await session.close();
  }
}

/**
 * The statement of a verification that was begun after this command was. One that was begun before and not
 * ended is ended first: it may have read for days, but knows nothing of what was stored or changed since.
 */
async function verified(client: Client, input: VerifyInput, left: AbortSignal): Promise<Coverage> {
  const { handle, begunAt } = await abortable(client, left, () => startVerify(client, input));
  const { concurrency, again: _, ...rest } = input;
  if (begunAt) {
    say(
      `Goes on with a verification of the same options that was begun at ${begunAt.toISOString()}; what was stored or changed since is verified behind it`,
    );
    if (concurrency !== undefined) {
      const set = () => handle.executeUpdate(UPDATE_SET_CONCURRENCY, { args: [concurrency] });
      abortable(client, left, set).catch(() => undefined); // it has ended
    }
  }
  const coverage = await followed(client, handle, left);
  if (!begunAt) return coverage;
  for (const { object, why } of coverage.findings) {
    say(`It found: ${object}: ${why}; this is looked at again`);
  }
  say(`What was stored or changed since ${begunAt.toISOString()} is verified now`);
  // All else was read again by the one that has ended.
  return verified(client, { ...rest, ...(concurrency ? { concurrency } : {}) }, left);
}

/** Waits for a verification and shows how far it is. */
async function followed(
  client: Client,
  handle: StartedVerification['handle'],
  left: AbortSignal,
): Promise<Coverage> {
  const ask = () => handle.query<VerifyTotals>(QUERY_STATUS);
  const timer = setInterval(() => {
    abortable(client, left, ask).then(showProgress, () => undefined);
  }, PROGRESS_MS);
  const stop = tellStuck(client, handle.workflowId, say);
  return coverageOf(resultOf(client, handle, left)).finally(() => {
    clearInterval(timer);
    stop();
  });
}

/** What the stock tool writes for "all"; as a start it means that there are none. */
const MAX = 'max';
const LAST_VERSION = `${2n ** 64n - 1n}`;

function verifyInput(flags: VerifyFlags): VerifyInput {
  if (flags.outputTransactionAnalysis !== undefined) {
    throw new UsageError('--output-transaction-analysis is not supported');
  }
  if (flags.skipEpochEndings) {
    say('--skip-epoch-endings is not followed: epoch endings prove everything else');
  }
  const given = {
    network: flags.network,
    start_version: flags.startVersion === MAX ? LAST_VERSION : flags.startVersion,
    end_version: flags.endVersion === MAX ? undefined : flags.endVersion,
    state_snapshots: flags.stateSnapshots,
    state_snapshot_before_version:
      flags.stateSnapshotBeforeVersion === MAX ? undefined : flags.stateSnapshotBeforeVersion,
    sample: flags.sample,
    budget_bytes: flags.budgetBytes,
    budget_seconds: flags.budgetSeconds,
    again: flags.again,
    concurrency:
      flags.concurrentDownloads === undefined ? undefined : Number(flags.concurrentDownloads),
    trust_waypoints: flags.trustWaypoint?.length ? flags.trustWaypoint : undefined,
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { storage: storageOf(flags), ...Object.fromEntries(known) };
}

function showProgress({
  records,
  bytes: read,
  objects,
  skipped,
  findingCount,
}: VerifyTotals): void {
  say(
    `${records} records, ${bytes(read)} in ${objects} objects read, ${skipped} proven before, ${findingCount} finding(s)`,
  );
}

/** The last ones of a list that may be very long. */
function newest(list: readonly string[], count: number): string {
  const shown = list.slice(-MOST_SHOWN);
  const more = count - shown.length;
  return `${more > 0 ? `${more} more, then ` : ''}${shown.join(', ') || 'none'}`;
}

/** The coverage statement for people. */
export function describeCoverage(coverage: Coverage): string[] {
  const { checked, holes, restorable_by_stock: stock, findings } = coverage;
  const runs = (
    spans: { first: string; last: string; proven?: string }[],
    count: number = spans.length,
  ) =>
    newest(
      spans.map((s) => `${s.first} to ${s.last}${s.proven ? ` (${s.proven})` : ''}`),
      count,
    );
  const genesis = coverage.genesis
    ? `genesis ${coverage.genesis}${coverage.genesis_confirmed ? '' : ', which no trusted waypoint confirms (see --trust-waypoint)'}`
    : 'genesis is not stored';
  const snapshots = coverage.state_snapshots.map((s) => `epoch ${s.epoch} (${s.proven})`);
  return [
    `${coverage.ok ? 'Verified' : 'NOT VERIFIED'}: ${coverage.storage}${coverage.complete ? '' : ', in part'}`,
    `  as of            ${coverage.as_of}`,
    `  chain            ${genesis}`,
    `  epoch endings    ${runs(coverage.epoch_endings)}`,
    `  transactions     ${runs(coverage.transactions, coverage.transactions_count)}`,
    `  state snapshots  ${newest(snapshots, coverage.state_snapshots_count)}`,
    `  missing          epoch endings ${runs(holes.epoch_endings)}; transactions ${runs(holes.transactions)}`,
    `  stock restores   ${stock.yes ? 'yes' : `no: ${stock.why.join('; ')}`}`,
    `  read             ${checked.records} records, ${bytes(checked.bytes)} in ${checked.objects} objects; ${checked.proven_before} objects proven before and unchanged`,
    ...(coverage.orphan_count > 0
      ? [`  not referred to  ${coverage.orphan_count}: ${coverage.orphans.slice(0, 5).join(', ')}`]
      : []),
    ...findings.map(({ object, code, why }) => `  ${code} ${object}: ${why}`),
  ];
}
