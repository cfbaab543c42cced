import type { Client } from '@temporalio/client';
import { abortable } from '../client/calls.js';
import { type StartedVerification, coverageOf, startVerify } from '../client/start-verification.js';
import { UPDATE_SET_CONCURRENCY } from '../contract/messages.js';
import { type VerifyInput, parseVerifyInput } from '../contract/verify-input.js';
import { readAnswer } from '../contract/answers/read-answer.js';
import { UsageError } from '../client/command-failure.js';
import { describeCoverage } from './print-coverage.js';
import { bytes } from '../monitor/format.js';
import { type CommonFlags } from './options.js';
import { storageOf } from './storage-options.js';
import { typedNumber } from './typed.js';
import {
  type Coverage,
  type VerifyStatus,
  verifyStatus,
} from '../contract/answers/verify-answers.js';
import { atServer } from './at-server.js';
import { awaited } from './awaited.js';
import { Pace, bar } from './pace.js';
import { say, sayProgress } from './say.js';
import { print } from './print.js';

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

/** `verify`. Returns the exit code: 0 when everything is proven, 1 when something is not. */
export async function runVerify(flags: VerifyFlags, signal: AbortSignal): Promise<number> {
  const input = verifyInput(flags);
  parseVerifyInput(input); // report a mistake before anything starts
  return atServer(flags, signal, async ({ client }, left) => {
    const coverage = await verified(client, input, left);
    print(flags.json ? JSON.stringify(coverage) : describeCoverage(coverage).join('\n'));
    return coverage.ok ? 0 : 1;
  });
}

/**
 * The coverage statement of a verification that started after this command. If one with the same options
 * runs already, this waits for its end first. That one may have read for days, but it does not know what
 * was stored or changed since.
 */
async function verified(client: Client, input: VerifyInput, left: AbortSignal): Promise<Coverage> {
  const { handle, begunAt } = await abortable(client, left, () => startVerify(client, input));
  const { concurrency, again: _, ...rest } = input;
  if (begunAt) {
    say(
      `A verification with the same options runs since ${begunAt.toISOString()}. This command waits for it, then verifies what was stored or changed since`,
    );
    if (concurrency !== undefined) {
      const set = () => handle.executeUpdate(UPDATE_SET_CONCURRENCY, { args: [concurrency] });
      abortable(client, left, set).catch(() => undefined); // it has ended
    }
  }
  const coverage = await followed(client, handle, left);
  if (!begunAt) return coverage;
  for (const { object, why } of coverage.findings) {
    say(`It found ${object}: ${why}. This is checked again`);
  }
  say(`Now verifying what was stored or changed since ${begunAt.toISOString()}`);
  // The verification that ended has read all the rest.
  return verified(client, { ...rest, ...(concurrency ? { concurrency } : {}) }, left);
}

/** Waits for a verification and shows its progress. */
function followed(
  client: Client,
  handle: StartedVerification['handle'],
  left: AbortSignal,
): Promise<Coverage> {
  const pace = new Pace();
  const show = (answer: unknown) =>
    showProgress(readAnswer(verifyStatus, answer, handle.workflowId), pace);
  return coverageOf(awaited(client, handle, left, show));
}

/** The stock tool writes this for "all". As a start it means: none. */
const MAX = 'max';
const LAST_VERSION = `${2n ** 64n - 1n}`;

function verifyInput(flags: VerifyFlags): VerifyInput {
  if (flags.outputTransactionAnalysis !== undefined) {
    throw new UsageError('--output-transaction-analysis is not supported');
  }
  if (flags.skipEpochEndings) {
    say('--skip-epoch-endings is ignored: everything else is proven by epoch endings');
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
      flags.concurrentDownloads === undefined
        ? undefined
        : typedNumber('--concurrent-downloads', flags.concurrentDownloads),
    trust_waypoints: flags.trustWaypoint?.length ? flags.trustWaypoint : undefined,
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { storage: storageOf(flags), ...Object.fromEntries(known) };
}

/** Shows how far a verification is. What has no total, such as one that an older release began, has no bar. */
function showProgress(status: VerifyStatus, pace: Pace): void {
  const { records, bytes: read, objects, proven_before: before, finding_count: found } = status;
  const { records_done: done, records_total: total } = status;
  const share = done !== undefined && total ? Math.min(1, done / total) : undefined;
  const text = [
    ...(share === undefined ? [] : [bar(share), `${done} of about ${total} records`]),
    ...pace.describe(share ?? 0, read),
    `${share === undefined ? `${records} records, ` : ''}${bytes(read)} in ${objects} objects read`,
    `${before} proven before`,
    `${found} finding(s)`,
  ].join(', ');
  sayProgress(text);
}
