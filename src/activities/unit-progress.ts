import type { BackupProgress } from '../client/progress.js';
import type { UnitProgress } from '../contract/answers/shown-answers.js';

const MOST_REASON = 300;
/** Before this time, a rate says nothing. */
const LEAST_SECONDS = 10;

/**
 * Measures the progress of a unit while somebody waits for it. Monitoring needs to know whether the unit
 * advances: ranges that are tried again and again always have records in hand, but get nowhere.
 */
export class UnitProgressWatch {
  private most: number | undefined;
  private advancedAt: number | undefined;
  private first: { at: number; done: number } | undefined;

  /** `earlier`: the last heartbeat of an earlier attempt that looked at the same unit. */
  constructor(earlier: unknown) {
    const { done, advanced_at: advancedAt } = (earlier ?? {}) as Partial<UnitProgress>;
    if (typeof done !== 'number') return;
    this.most = done;
    if (typeof advancedAt === 'number') this.advancedAt = advancedAt;
  }

  see(progress: BackupProgress, now: number): UnitProgress {
    const done = Number(progress.records_done);
    if (this.most !== undefined && done > this.most) this.advancedAt = now;
    this.most = Math.max(done, this.most ?? 0);
    this.first ??= { at: now, done };
    const seconds = (now - this.first.at) / 1000;
    const rate = seconds < LEAST_SECONDS ? 0 : (done - this.first.done) / seconds;
    const [worst] = [...progress.retrying].sort((a, b) => b.attempt - a.attempt);
    return {
      done,
      total: Number(progress.records_total),
      bytes: progress.bytes_done,
      advanced_at: this.advancedAt,
      rate: rate > 0 ? Math.round(rate) : undefined,
      retrying: worst && { ...worst, reason: worst.reason.slice(0, MOST_REASON) },
      failed_ranges: progress.failed.length,
    };
  }
}
