import {
  ApplicationFailure,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { createVerifyActivities } from '../activities/verify.js';
import { BACKUP_TYPE, NETWORK } from '../plan/search-attributes.js';
import type { Coverage, TaskResult, VerifyScope, VerifyTask } from '../plan/verify.js';
import { type VerifyInput, parseVerifyInput } from '../plan/verify-input.js';
import { type VerifyMemory, parseVerifyMemory } from '../plan/verify-memory.js';
import { VERIFY_PROGRESS, progressOf } from '../plan/verify-progress.js';
import {
  type VerifyTotals,
  addTaskResult,
  isSpent,
  noVerifyTotals,
  settlePage,
} from '../plan/verify-totals.js';
import { controlOptions, rangeOptions } from './activity-options.js';
import { runChunk } from './apart.js';
import { asInputFailure, asWorkflowFailure, failureCode, reasonOf } from './failures.js';
import { runLanes } from './lanes.js';
import { QUARANTINED } from '../plan/messages.js';
import { setConcurrency, verifyStatus } from './messages.js';
import { parseConcurrency } from '../plan/input.js';

type Activities = ReturnType<typeof createVerifyActivities>;
const { planVerification, concludeVerification } =
  proxyActivities<Activities['control']>(controlOptions);
const { verifyTask } = proxyActivities<Activities['chunks']>(rangeOptions);

/** Every workflow task and query goes through all of it. */
const LONG_HISTORY = 600;
/** How often it says how far it is: each time is an event. */
const PROGRESS_MS = 15_000;
/** The worst that one task can do, and then only to itself. */
const DEADLY = new Set<string>([QUARANTINED, 'THREAD_DIED']);
const UNPROVEN = 'UNPROVEN' as const;
const NOTHING_FOUND = { pieces: [], records: '0', bytes: 0, objects: 0, skipped: 0 };

/**
 * Reads a storage again and proves everything in it from itself. Returns the coverage statement;
 * fails with it, type VERIFY_FAILED, when anything is damaged, missing or unproven. A page of tasks
 * at a time, in lanes; killed at any point it goes on there.
 */
export async function verifyBackups(input: VerifyInput, memory?: VerifyMemory): Promise<Coverage> {
  const parsed = asInputFailure(() => parseVerifyInput(input));
  const begun = asInputFailure(() => parseVerifyMemory(memory ?? undefined));
  const { settings, budget } = parsed;
  const controls = { concurrency: begun?.concurrency ?? parsed.concurrency, paused: false };
  const totals = begun?.totals ?? noVerifyTotals();
  const startedAt = begun?.startedAt ?? Date.now();
  let scope: VerifyScope = { ...parsed.scope, ...begun?.frozen };
  let cursor = begun?.cursor;
  let tasks = 0;
  setHandler(verifyStatus, () => ({ ...totals, tasks }), {
    description: 'What was read and found so far.',
  });
  setHandler(setConcurrency, (value) => (controls.concurrency = value), {
    description: 'How many tasks may be in flight, 1 to 64.',
    validator: (value) => void parseConcurrency(value),
  });
  upsertSearchAttributes([
    { key: BACKUP_TYPE, value: 'verify' },
    { key: NETWORK, value: settings.network ?? 'unknown' },
  ]);
  const run = workflowInfo().firstExecutionRunId;
  let toldAt = Date.now();
  const tellProgress = () => {
    toldAt = Date.now();
    upsertMemo({ [VERIFY_PROGRESS]: progressOf(totals) });
  };
  const overBudget = () => isSpent(totals, (Date.now() - startedAt) / 1000, budget);
  try {
    for (;;) {
      const page = await planVerification(settings, scope, cursor);
      scope = { ...scope, ...page.frozen };
      const left = [...page.tasks];
      await runLanes(
        controls,
        () => (overBudget() ? undefined : left.shift()),
        async (task) => {
          const summary = task.kind.replace('_', ' ');
          const found = await runChunk(summary, (options) =>
            verifyTask.executeWithOptions(options, [settings, task, scope.again, run]),
          ).catch((error: unknown) => deadlyTask(task, error));
          addTaskResult(totals, found);
          tasks += 1;
          setCurrentDetails(describe(totals));
          if (Date.now() - toldAt >= PROGRESS_MS) tellProgress();
        },
      );
      settlePage(totals);
      cursor = page.next;
      if (!cursor || overBudget()) {
        tellProgress();
        const stoppedEarly = cursor !== undefined || left.length > 0;
        const ending = { begunAt: startedAt, stoppedEarly };
        return judge(await concludeVerification(settings, parsed.scope, totals, ending));
      }
      if (workflowInfo().historyLength > LONG_HISTORY) break;
    }
  } catch (error) {
    throw asWorkflowFailure(error);
  }
  const frozen = {
    ...(scope.endVersion === undefined ? {} : { endVersion: scope.endVersion }),
    ...(scope.snapshotBefore === undefined ? {} : { snapshotBefore: scope.snapshotBefore }),
  };
  const { concurrency } = controls;
  const next = { cursor, totals, frozen, startedAt, concurrency };
  return continueAsNew<typeof verifyBackups>(input, next);
}

/** What no worker or no thread survives is not proven; the rest is. */
function deadlyTask(task: VerifyTask, error: unknown): TaskResult {
  if (!DEADLY.has(failureCode(error)) || task.kind === 'epoch_endings') throw error;
  const slices = task.kind === 'transactions' ? task.slices : [task.slice];
  const why = `it could not be checked: ${reasonOf(error)}`;
  const findings = slices.map(({ manifest }) => ({ object: manifest, code: UNPROVEN, why }));
  return { ...NOTHING_FOUND, findings, findingCount: findings.length };
}

/** A storage that is not as it must be fails the workflow, so that schedules and the UI show it. */
function judge(coverage: Coverage): Coverage {
  if (coverage.ok) return coverage;
  const { findings, finding_count: count, holes } = coverage;
  const [first] = findings;
  const [hole] = [...holes.epoch_endings, ...holes.transactions];
  const why = first
    ? `${count} finding(s), first ${first.object}: ${first.why}`
    : hole
      ? `${hole.first} to ${hole.last} are missing`
      : 'nothing was verified';
  throw ApplicationFailure.create({
    message: why,
    type: 'VERIFY_FAILED',
    nonRetryable: true,
    details: [coverage],
  });
}

function describe({ records, bytes, objects, skipped, findingCount }: VerifyTotals): string {
  return [
    '| records | MB | objects | proven before | findings |',
    '|---|---|---|---|---|',
    `| ${records} | ${(bytes / 1e6).toFixed(1)} | ${objects} | ${skipped} | ${findingCount} |`,
  ].join('\n');
}
