import { proxyActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { createConsolidateActivities } from '../../activities/consolidate-activities.js';
import type { Consolidation } from '../../contract/answers/consolidation-answers.js';
import type { ConsolidateMemory, ParsedConsolidate } from '../../contract/consolidate-input.js';
import type {
  CommittedGroup,
  ConsolidatedGroup,
  ConsolidationPage,
  PlannedGroup,
} from '../../contract/consolidation.js';
import { QUARANTINED } from '../../contract/messages.js';
import { BACKUP_TYPE, NETWORK } from '../../contract/search-attributes.js';
import { controlOptions, rangeOptions } from '../activity-options.js';
import { runChunk } from '../apart.js';
import { detailsList, storageText } from '../details.js';
import { Attributes, storageAttribute } from '../known-attributes.js';
import { runLanes } from '../lanes.js';
import { consolidateStatus } from '../message-definitions.js';
import { failureCode, incompleteRanges, reasonOf } from '../workflow-failure.js';

type Activities = ReturnType<typeof createConsolidateActivities>;
const { planConsolidation, commitConsolidation } =
  proxyActivities<Activities['control']>(controlOptions);
const { consolidateBatch } = proxyActivities<Activities['chunks']>(rangeOptions);

/** So much of each list travels; the counts have all. */
const MOST_LISTED = 50;
/** A chunk that vanished between its proof and the commit is stored again, so many times. */
const MOST_TRIES = 3;

/** One run of a consolidation: what it has done, and where it goes on. */
export class ConsolidateRun {
  readonly totals: Consolidation;
  private from: string;
  private readonly id = workflowInfo().firstExecutionRunId;

  constructor(
    private readonly input: ParsedConsolidate,
    begun: ConsolidateMemory | undefined,
  ) {
    this.from = begun?.from ?? '0';
    this.totals = begun?.totals ?? nothingYet(input);
    new Attributes(
      { key: BACKUP_TYPE, value: 'consolidate' },
      { key: NETWORK, value: input.settings.network ?? 'unknown' },
      storageAttribute(input.settings.storage),
    );
    setHandler(consolidateStatus, () => this.totals, { description: 'What was done so far.' });
    this.show(); // a new run begins without details
  }

  /** Plans a page of batches and consolidates them. Returns where the next page begins; undefined: that was the last. */
  async page(): Promise<string | undefined> {
    const page = await planConsolidation(this.input, this.from);
    const { totals } = this;
    totals.storage = page.storage;
    this.noteLeft(page.left, page.leftCount);
    const groups = [...page.groups];
    if (this.input.dryRun) {
      for (const group of groups) this.noteBatch(group, group.backups);
    } else {
      const controls = { concurrency: this.input.concurrency, paused: false };
      const run = `${this.id}/${this.from}`; // later pages see later epoch endings
      await runLanes(
        controls,
        () => groups.shift(),
        (group) => this.consolidate(group, run),
      );
    }
    if (page.next !== undefined) this.from = page.next;
    return page.next;
  }

  private async consolidate(planned: PlannedGroup, run: string): Promise<void> {
    const { first, last } = planned;
    for (let tries = 1; ; tries += 1) {
      const stored = await this.store(planned, run);
      if (stored.status !== 'stored' && stored.status !== 'whole') {
        return this.note(planned, stored);
      }
      try {
        return this.note(planned, await commitConsolidation(this.input, { first, last }, stored));
      } catch (error) {
        if (incompleteRanges(error) === undefined || tries === MOST_TRIES) throw error;
      }
    }
  }

  private async store({ first, last }: PlannedGroup, run: string): Promise<ConsolidatedGroup> {
    const order = { first, last, maxChunkSize: this.input.maxChunkSize };
    try {
      return await runChunk(`consolidate ${first} to ${last}`, (options) =>
        consolidateBatch.executeWithOptions(options, [this.input, order, run]),
      );
    } catch (error) {
      // No worker or thread survives this batch. The others go on.
      if (!['THREAD_DIED', QUARANTINED].includes(failureCode(error))) throw error;
      const why = `it could not be read: ${reasonOf(error)}`;
      const finding = {
        object: `transactions ${first} to ${last}`,
        code: 'UNPROVEN' as const,
        why,
      };
      return { status: 'damaged', findings: [finding], findingCount: 1 };
    }
  }

  private note(planned: PlannedGroup, outcome: ConsolidatedGroup | CommittedGroup): void {
    const { totals } = this;
    if (outcome.status === 'committed') {
      this.noteBatch(planned, outcome.backups);
      totals.retired_count += outcome.backups;
      totals.chunks += outcome.chunks;
      totals.bytes += outcome.bytes;
    } else if (outcome.status === 'left') {
      const { first, last } = planned;
      this.noteLeft([{ first, last, why: outcome.why }], 1);
    } else if (outcome.status === 'damaged') {
      totals.ok = false;
      totals.damaged_count += 1;
      totals.finding_count += outcome.findingCount;
      totals.findings = [...totals.findings, ...outcome.findings].slice(0, MOST_LISTED);
    }
    this.show();
  }

  /** Updates the Temporal UI. */
  private show(): void {
    const { batch_count: made, retired_count: small, left_count: left } = this.totals;
    setCurrentDetails(
      detailsList(
        ['storage', storageText(this.input.settings.storage)],
        ['full batches', `${made}, made of ${small} backups`],
        ['left as they are', left],
        ['damaged', this.totals.damaged_count],
      ),
    );
  }

  private noteBatch({ first, last }: PlannedGroup, backups: number): void {
    const { totals } = this;
    totals.batch_count += 1;
    if (totals.batches.length < MOST_LISTED) totals.batches.push({ first, last, backups });
  }

  private noteLeft(left: ConsolidationPage['left'], count: number): void {
    const { totals } = this;
    totals.left_count += count;
    totals.left = [...totals.left, ...left].slice(0, MOST_LISTED);
  }
}

function nothingYet({ batchSize, dryRun }: ParsedConsolidate): Consolidation {
  const counts = { batch_count: 0, retired_count: 0, chunks: 0, bytes: 0, left_count: 0 };
  return {
    ...{ ok: true, storage: '', transaction_batch_size: batchSize, dry_run: dryRun },
    ...{ ...counts, damaged_count: 0, finding_count: 0 },
    ...{ batches: [], left: [], findings: [] },
  };
}
