import { CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { CoordinatorActivities } from '../../activities/coordinator-activities.js';
import type { UpkeepActivities } from '../../activities/upkeep-activities.js';
import { STREAMS } from '../../contract/coordinator-state.js';
import { type Target, targetKey } from '../../contract/job.js';
import type { BackupResult } from '../../contract/unit.js';
import { claimOptions, controlOptions, releaseOptions, unitOptions } from '../activity-options.js';
import { reasonOf } from '../workflow-failure.js';
import type { Hindrance } from './hindrance.js';
import type { Memory } from './memory/memory.js';

const { surveyStorage, tidyStorage } = proxyActivities<CoordinatorActivities>(controlOptions);
const { awaitCompaction } = proxyActivities<UpkeepActivities>(unitOptions);
const { claimStorage } = proxyActivities<CoordinatorActivities>(claimOptions);
const { releaseStorage } = proxyActivities<CoordinatorActivities>(releaseOptions);

/** The storage is read again this often, because others may write to it or remove from it. */
const SURVEY_MS = 6 * 60 * 60_000;

/** The coordinator's work on its storage apart from backups: claim it, survey it, tidy it. */
export class StorageWork {
  /** Whether this coordinator has the claim. A storage has only one coordinator, across all servers. */
  private claimed = false;
  private surveyAsked = false;
  private isTidying = false;
  private isCompacting = false;
  /** What was committed since the current survey started. */
  private committedMeanwhile: BackupResult[] = [];

  /** `wake` makes the main loop look again. */
  constructor(
    private readonly memory: Memory,
    private readonly hindrance: Hindrance,
    private readonly wake: () => void,
  ) {}

  get compacting(): boolean {
    return this.isCompacting;
  }

  get tidying(): boolean {
    return this.isTidying;
  }

  askSurvey(): void {
    this.surveyAsked = true;
  }

  /** Starts over with claim and survey, because nothing is known for sure any more. */
  beginAnew(): void {
    this.claimed = false;
    this.surveyAsked = true;
  }

  unitCommitted(result: BackupResult): void {
    this.committedMeanwhile.push(result);
  }

  /**
   * Claims the storage, so that no other coordinator on any server works on it; or waits until the other
   * one is gone. Returns whether this coordinator has the claim.
   */
  async claim(): Promise<boolean> {
    if (this.claimed) return true;
    if (this.hindrance.restLeft > 0) return false;
    try {
      let holder = await this.tryToClaim({ wait: false });
      if (holder !== undefined) {
        this.hindrance.heldBy(holder);
        holder = await this.tryToClaim({ wait: true });
      }
      if (holder !== undefined) {
        this.wake();
        return false;
      }
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.hindrance.failed('STORAGE', error);
      return false;
    }
    this.claimed = true;
    this.hindrance.claimed();
    return true;
  }

  /** Returns who else has the storage. Undefined: this coordinator has claimed it. */
  private async tryToClaim({ wait }: { wait: boolean }): Promise<string | undefined> {
    const summary = wait ? 'wait for the storage' : 'claim the storage';
    const { settings, begun = false } = this.memory.known;
    const { heldBy, lies } = await claimStorage.executeWithOptions({ ...claimOptions, summary }, [
      { settings, begun, wait },
    ]);
    this.memory.nodesLied(lies, Date.now());
    if (heldBy === undefined) this.memory.storageClaimed();
    return heldBy;
  }

  /**
   * Releases the claim, so that the next coordinator need not wait. If that fails, the next one waits
   * until the lease has expired.
   */
  async release(): Promise<void> {
    if (!this.claimed) return;
    const { settings } = this.memory.known;
    await CancellationScope.nonCancellable(() => releaseStorage(settings)).catch(() => undefined);
  }

  /** Reads what the storage holds: at the start, on request, and every few hours. */
  async surveyWhenDue(): Promise<void> {
    const { settings, surveyedAt } = this.memory.known;
    const due = Date.now() - surveyedAt >= SURVEY_MS || this.surveyAsked;
    if (!due || this.hindrance.restLeft > 0) return;
    this.committedMeanwhile = [];
    try {
      const options = { ...controlOptions, summary: 'look at the storage' };
      const found = await surveyStorage.executeWithOptions(options, [settings]);
      this.memory.surveyed(found, this.committedMeanwhile, Date.now());
      this.surveyAsked = false;
      this.hindrance.over('STORAGE');
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.hindrance.failed('STORAGE', error);
    }
  }

  /**
   * Removes folders that no metadata line will ever name: after each survey, and soon after a unit was
   * given up.
   */
  tidyWhenDue(running: readonly Target[]): void {
    const { tidyAt } = this.memory.known;
    if (this.isTidying || tidyAt === undefined || Date.now() < tidyAt) return;
    if (this.hindrance.why !== undefined) return;
    this.isTidying = true;
    // It may take long, and nothing waits for it.
    void this.tidy(running).finally(() => {
      this.isTidying = false;
      this.wake();
    });
  }

  /** Has the metadata compacted by a workflow of its own: when a survey saw too many files. Nothing waits for it. */
  compactWhenDue(): void {
    const { compactDue, settings } = this.memory.known;
    if (this.isCompacting || !compactDue || this.hindrance.why !== undefined) return;
    this.isCompacting = true;
    this.memory.compactionBegun();
    const options = { ...unitOptions, summary: 'have the metadata compacted' };
    void awaitCompaction
      .executeWithOptions(options, [{ storage: settings.storage }])
      .then(
        ({ failed }) => this.memory.compactionEnded(failed, Date.now()),
        (error: unknown) => {
          if (!isCancellation(error)) this.memory.compactionEnded(reasonOf(error), Date.now());
        },
      )
      .finally(() => {
        this.isCompacting = false;
        this.wake();
      });
  }

  private async tidy(running: readonly Target[]): Promise<void> {
    const { streams, settings } = this.memory.known;
    this.memory.tidyBegun();
    const working = STREAMS.flatMap((type) => [
      ...running.filter((target) => target.type === type),
      ...streams[type].requested,
      ...streams[type].failed.map(({ target }) => target),
    ]).map(targetKey);
    const givenUp = STREAMS.flatMap((type) => streams[type].givenUp.map((key) => `${type}/${key}`));
    const order = { settings, working, givenUp };
    try {
      const options = { ...controlOptions, summary: 'tidy the storage' };
      const found = await tidyStorage.executeWithOptions(options, [order]);
      this.memory.tidied(found, Date.now());
    } catch {
      // A storage in trouble shows in the work that depends on it.
    }
  }
}
