import {
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { createVerifyActivities } from '../activities/verify-activities.js';
import { parseConcurrency } from '../contract/backup-input.js';
import type { StorageConfig } from '../contract/job.js';
import { BACKUP_TYPE, NETWORK } from '../contract/search-attributes.js';
import type { VerifyCursor, VerifyPage, VerifyTask } from '../contract/verification.js';
import type { parseVerifyInput } from '../contract/verify-input.js';
import type { VerifyMemory } from '../contract/verify-memory.js';
import {
  VERIFY_PROGRESS,
  progressAtEnd,
  progressOf,
  verifyStatusOf,
} from '../contract/verify-progress.js';
import {
  type VerifyTotals,
  addTaskResult,
  noVerifyTotals,
  settlePage,
  spentOf,
} from '../contract/verify-totals.js';
import { controlOptions, rangeOptions } from './activity-options.js';
import { runChunk } from './apart.js';
import { detailsList, megabytes, storageText } from './details.js';
import { Attributes, storageAttribute } from './known-attributes.js';
import { runLanes } from './lanes.js';
import { setConcurrency, verifyStatus } from './message-definitions.js';
import { cursorAt, deadlyTask } from './verify-outcome.js';
import type { Coverage } from '../contract/answers/verify-answers.js';

type Activities = ReturnType<typeof createVerifyActivities>;
const { planVerification, concludeVerification } =
  proxyActivities<Activities['control']>(controlOptions);
const { verifyTask } = proxyActivities<Activities['chunks']>(rangeOptions);

/** How often it reports progress. Each report adds events to the history. */
const PROGRESS_MS = 15_000;

/** One run of a verification: what it has read and found, and where it goes on. */
export class VerifyRun {
  private readonly totals: VerifyTotals;
  private readonly controls: { concurrency: number; paused: false };
  private readonly startedAt: number;
  private readonly id = workflowInfo().firstExecutionRunId;
  private frozen: VerifyPage['frozen'];
  /** Where the next page begins; undefined before the first and after the last. */
  private cursor: VerifyCursor | undefined;
  /** The first task of the page that the run left out, because its budget is spent. */
  private left: VerifyTask | undefined;
  private tasks = 0;
  /** Records of finished tasks, and of the whole scope. */
  private readonly work: { done: number; total?: number };
  private toldAt: number;

  constructor(
    private readonly input: ReturnType<typeof parseVerifyInput>,
    begun: VerifyMemory | undefined,
  ) {
    this.controls = { concurrency: begun?.concurrency ?? input.concurrency, paused: false };
    this.totals = begun?.totals ?? noVerifyTotals();
    this.startedAt = begun?.startedAt ?? Date.now();
    this.frozen = begun?.frozen ?? {};
    this.cursor = begun?.cursor;
    this.work = begun?.work ?? { done: 0 };
    this.answerMessages();
    new Attributes(
      { key: BACKUP_TYPE, value: 'verify' },
      { key: NETWORK, value: input.settings.network ?? 'unknown' },
      storageAttribute(input.settings.storage),
    );
    this.toldAt = Date.now();
    this.show(); // a new run begins without details
  }

  /**
   * Plans the next page of tasks and runs them. Returns where to go on. Undefined: everything is read, or
   * the budget is spent.
   */
  async verifyPage(): Promise<VerifyCursor | undefined> {
    const { settings, scope } = this.input;
    const page = await planVerification(settings, { ...scope, ...this.frozen }, this.cursor);
    this.frozen = page.frozen;
    if (page.total !== undefined) this.work.total = page.total;
    const left = [...page.tasks];
    const next = () => (this.spent() ? undefined : left.shift());
    await runLanes(this.controls, next, (task) => this.verify(task));
    settlePage(this.totals);
    this.cursor = page.next;
    [this.left] = left;
    return this.spent() ? undefined : this.goesOnAt();
  }

  /** Makes the coverage statement from all findings. */
  async conclude(): Promise<Coverage> {
    this.tellProgress();
    const at = this.goesOnAt();
    const by = at && this.spent();
    const ending = {
      begunAt: this.startedAt,
      frozen: this.frozen,
      ...(at && by ? { stopped: { by, at } } : {}),
    };
    const { settings, scope } = this.input;
    const coverage = await concludeVerification(settings, scope, this.totals, ending);
    upsertMemo({
      [VERIFY_PROGRESS]: { ...progressOf(this.totals), ...progressAtEnd(coverage, Date.now()) },
    });
    return coverage;
  }

  /** The memory with which the next run goes on. */
  memory(cursor: VerifyCursor): VerifyMemory {
    const { totals, frozen, startedAt, work } = this;
    return { cursor, totals, frozen, startedAt, work, concurrency: this.controls.concurrency };
  }

  private async verify(task: VerifyTask): Promise<void> {
    const { settings, scope } = this.input;
    const summary = task.kind.replace('_', ' ');
    const found = await runChunk(summary, (options) =>
      verifyTask.executeWithOptions(options, [settings, task, scope.again, this.id]),
    ).catch((error: unknown) => deadlyTask(task, error));
    addTaskResult(this.totals, found);
    this.tasks += 1;
    if (task.kind !== 'epoch_endings') this.work.done += task.records ?? 0;
    this.show();
    if (Date.now() - this.toldAt >= PROGRESS_MS) this.tellProgress();
  }

  /** Which limit of the input is reached; undefined: none. */
  private spent() {
    return spentOf(this.totals, (Date.now() - this.startedAt) / 1000, this.input.budget);
  }

  private goesOnAt(): VerifyCursor | undefined {
    return cursorAt(this.left) ?? this.cursor;
  }

  /** Updates the Temporal UI. */
  private show(): void {
    setCurrentDetails(describe(this.input.settings.storage, this.totals));
  }

  private tellProgress(): void {
    this.toldAt = Date.now();
    upsertMemo({ [VERIFY_PROGRESS]: progressOf(this.totals) });
  }

  private answerMessages(): void {
    setHandler(verifyStatus, () => verifyStatusOf(this.totals, this.tasks, this.work), {
      description: 'What was read and found so far.',
    });
    setHandler(setConcurrency, (value) => (this.controls.concurrency = value), {
      description: 'How many tasks may be in flight, 1 to 64.',
      validator: (value) => void parseConcurrency(value),
    });
  }
}

function describe(
  storage: StorageConfig,
  { records, bytes, objects, skipped, findingCount }: VerifyTotals,
): string {
  return detailsList(
    ['storage', storageText(storage)],
    ['records', records],
    ['read', `${megabytes(bytes)} in ${objects} objects`],
    ['proven before', skipped],
    ['findings', findingCount],
  );
}
