import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { CopyActivities, CopyJob } from '../activities/copy-activities.js';
import type { CopyResult } from '../contract/answers/copy-answers.js';
import { parseConcurrency } from '../contract/backup-input.js';
import { type CopyLimits, type parseCopyInput, readLimits } from '../contract/copy-input.js';
import type { CopyMemory } from '../contract/copy-memory.js';
import {
  type CopyTotals,
  addCopied,
  addCopyTask,
  addSkipped,
  copyResultOf,
  noCopyTotals,
} from '../contract/copy-totals.js';
import type {
  CopyCursor,
  CopyFrozen,
  CopyPage,
  CopySettings,
  CopyTask,
  CopyTaskResult,
  CopyUnit,
} from '../contract/copying.js';
import { BACKUP_TYPE, NETWORK } from '../contract/search-attributes.js';
import { controlOptions, copyOptions } from './activity-options.js';
import { runOrApart } from './apart.js';
import { deadlyCopy } from './copy-outcome.js';
import { coordinatorLink, detailsList, megabytes, storageText } from './details.js';
import { Attributes, storageAttribute } from './known-attributes.js';
import { runLanes } from './lanes.js';
import { copyStatus, limitsSignal, setConcurrency } from './message-definitions.js';
import { PageWork } from './page-work.js';

const { planCopy, commitCopied } = proxyActivities<CopyActivities['control']>(controlOptions);
const { copyTask } = proxyActivities<CopyActivities['chunks']>(copyOptions);

/** How often a page is read again because files of a backup were missing at its commit. */
const MOST_AGAIN = 3;

/** One run of a copy: what it has copied and skipped, and where it goes on. */
export class CopyRun {
  private readonly totals: CopyTotals;
  private readonly controls: { concurrency: number; paused: false };
  private limits: CopyLimits;
  /** The tasks in flight, which begin anew when the limits change. */
  private readonly inFlight = new Set<CancellationScope>();
  private readonly startedAt: number;
  private frozen: CopyFrozen | undefined;
  private again: number;
  private inWork: string | undefined;

  constructor(
    private readonly input: ReturnType<typeof parseCopyInput>,
    begun: CopyMemory | undefined,
  ) {
    this.controls = { concurrency: begun?.concurrency ?? input.concurrency, paused: false };
    this.limits = begun?.limits ?? input.limits;
    this.totals = begun?.totals ?? noCopyTotals();
    this.startedAt = begun?.startedAt ?? Date.now();
    this.frozen = begun?.frozen;
    this.again = begun?.again ?? 0;
    this.answerMessages();
    new Attributes(
      { key: BACKUP_TYPE, value: 'copy' },
      { key: NETWORK, value: input.settings.network ?? 'unknown' },
      storageAttribute(input.settings.from),
    );
    this.show(); // a new run begins without details
  }

  /** Copies the page at a cursor. Returns where to go on; undefined: everything is done. */
  async copyPage(cursor: CopyCursor | undefined): Promise<CopyCursor | undefined> {
    const { settings, scope } = this.input;
    const { limits } = this;
    const at = cursor && this.frozen ? { cursor, frozen: this.frozen } : undefined;
    const page = await planCopy({ settings, limits }, scope, at);
    this.frozen = page.frozen;
    this.inWork = page.units[0]?.manifest;
    // A page that is read again names what was counted before.
    if (this.again === 0) this.totals.already_there += page.there;
    for (const skipped of page.skipped) addSkipped(this.totals, skipped);
    this.totals.skipped_count += page.unlisted;
    const work = new PageWork(page);
    await runLanes(
      this.controls,
      () => work.take(),
      (task) => this.copy(page, work, task),
    );
    this.show();
    return this.nextOf(page, work);
  }

  /** Updates the Temporal UI. */
  private show(): void {
    setCurrentDetails(describe(this.input.settings, this.totals));
  }

  result(): CopyResult {
    return copyResultOf(this.input.settings, this.totals, this.startedAt);
  }

  /** The memory with which the next run goes on. */
  memory(cursor: CopyCursor): CopyMemory {
    const { totals, startedAt, again, limits } = this;
    const { concurrency } = this.controls;
    return { cursor, frozen: this.frozen!, totals, startedAt, again, concurrency, limits };
  }

  /** Copies one task. Then commits the backups of which it was the last one. */
  private async copy(page: CopyPage, work: PageWork, task: CopyTask): Promise<void> {
    const [units, slices] = work.orderOf(task);
    const found = await this.copyOne(units, slices, page.chain);
    this.note(work, task, found);
    const whole = work.done(task);
    if (whole.length === 0) return;
    const outcomes = await commitCopied(this.job(), whole, page.frozen.genesis);
    for (const [i, outcome] of outcomes.entries()) {
      const unit = whole[i]!;
      if (outcome === 'committed') addCopied(this.totals, unit.type);
      else if (outcome === 'there') this.totals.already_there += 1;
      else if (outcome === 'again') work.again(unit);
      else if (outcome !== 'gone') addSkipped(this.totals, outcome.skipped);
    }
  }

  /** What was copied of a task before the limits changed is kept. */
  private async copyOne(
    units: CopyUnit[],
    slices: CopyTask,
    chain: string,
  ): Promise<CopyTaskResult> {
    const { limits } = this;
    const scope = new CancellationScope();
    this.inFlight.add(scope);
    try {
      return await scope.run(() =>
        runOrApart(copyOptions, `copy ${units[0]?.manifest ?? ''}`, (options) =>
          copyTask.executeWithOptions(options, [this.job(), units, slices, chain]),
        ),
      );
    } catch (error) {
      if (!isCancellation(error)) return deadlyCopy(units, error);
      if (this.limits === limits) throw error;
    } finally {
      this.inFlight.delete(scope);
    }
    return this.copyOne(units, slices, chain);
  }

  private note(work: PageWork, task: CopyTask, found: CopyTaskResult): void {
    addCopyTask(this.totals, found);
    for (const { unit, skipped } of found.bad) {
      if (work.drop(task, unit)) addSkipped(this.totals, skipped);
    }
    for (const unit of found.gone) work.drop(task, unit);
  }

  /** The limits hold for all lanes together: each has an equal share. */
  private job(): CopyJob {
    const { settings } = this.input;
    const { bytesPerSecond: bytes, requestsPerSecond: requests } = this.limits;
    const concurrency = Math.max(this.input.concurrency, this.controls.concurrency);
    return {
      settings,
      limits: {
        ...(bytes === undefined ? {} : { bytesPerSecond: bytes / concurrency }),
        ...(requests === undefined ? {} : { requestsPerSecond: requests / concurrency }),
      },
    };
  }

  private nextOf(page: CopyPage, work: PageWork): CopyCursor | undefined {
    const [lost, ...more] = work.lost();
    if (!lost) {
      this.again = 0;
      return work.next();
    }
    this.again += 1;
    if (this.again <= MOST_AGAIN) {
      const { type, first, manifest } = lost;
      return { type, first, manifest, from: 0 };
    }
    const why = `its files were missing or changed in the target at its commit, ${MOST_AGAIN} times in a row: somebody else writes there`;
    for (const { manifest } of [lost, ...more]) {
      addSkipped(this.totals, { manifest, object: manifest, code: 'DAMAGED', why });
    }
    this.again = 0;
    return work.next();
  }

  private answerMessages(): void {
    setHandler(
      copyStatus,
      () => ({ ...this.totals, ...(this.inWork === undefined ? {} : { in_work: this.inWork }) }),
      { description: 'What was copied and skipped so far.' },
    );
    setHandler(limitsSignal, (raw) => this.turnLimits(raw), {
      description: 'New limits: bytes_per_second and requests_per_second; absent: none.',
    });
    setHandler(setConcurrency, (value) => (this.controls.concurrency = value), {
      description:
        'How many tasks may be in flight, 1 to 64. With limits, at most the number of the input.',
      validator: (value) => this.requireConcurrency(value),
    });
  }

  /** Takes new limits. What is none is ignored: a signal has no answer. */
  private turnLimits(raw: unknown): void {
    const limits = readLimits(raw);
    if (!limits || JSON.stringify(limits) === JSON.stringify(this.limits)) return;
    this.limits = limits;
    for (const scope of this.inFlight) scope.cancel();
  }

  private requireConcurrency(value: unknown): void {
    parseConcurrency(value);
    const { concurrency } = this.input;
    const { limits } = this;
    const limited = limits.bytesPerSecond ?? limits.requestsPerSecond;
    if (limited === undefined || Number(value) <= concurrency) return;
    throw new Error(
      `this copy has limits, which are shared by ${concurrency} lanes: not more than ${concurrency} can be set`,
    );
  }
}

function describe(
  { from, to }: CopySettings,
  { files, bytes, already_there: there, skipped_count: skipped, ...n }: CopyTotals,
): string {
  const copied = n.epoch_endings + n.transactions + n.state_snapshots;
  return detailsList(
    ['from', storageText(from)],
    ['to', storageText(to)],
    ['backups', `${copied} copied, ${there} already there, ${skipped} skipped`],
    ['files', `${files}, ${megabytes(bytes)}`],
    ['coordinator', coordinatorLink()],
  );
}
