import type { BackupProgress } from '../client/progress.js';
import type { UnitProgress } from '../plan/coordinator.js';

const MOST_REASON = 300;
/** Sooner, a rate says nothing. */
const LEAST_SECONDS = 10;

/**
 * What can be told of a unit while somebody waits for it. Whether it advances is what monitoring
 * needs: ranges that are tried again and again have records in hand each time, and get nowhere.
 */
export class UnitProgressWatch {
  private most: number | undefined;
  private advancedAt: number | undefined;
  private first: { at: number; done: number } | undefined;

  /** `earlier`: the last heartbeat of an attempt before this one, which looked at the same unit. */
  constructor(earlier: unknown) {
    const { done, advancedAt } = (earlier ?? {}) as Partial<UnitProgress>;
    if (typeof done !== 'number') return;
    this.most = done;
    if (typeof advancedAt === 'number') this.advancedAt = advancedAt;
  }

  see(progress: BackupProgress, now: number): UnitProgress {
    const done = Number(progress.recordsDone);
    if (this.most !== undefined && done > this.most) this.advancedAt = now;
    this.most = Math.max(done, this.most ?? 0);
    this.first ??= { at: now, done };
    const seconds = (now - this.first.at) / 1000;
    const rate = seconds < LEAST_SECONDS ? 0 : (done - this.first.done) / seconds;
    const [worst] = [...progress.retrying].sort((a, b) => b.attempt - a.attempt);
    return {
      done,
      total: Number(progress.recordsTotal),
      bytes: progress.bytesDone,
      ...(this.advancedAt === undefined ? {} : { advancedAt: this.advancedAt }),
      ...(rate > 0 ? { rate: Math.round(rate) } : {}),
      ...(worst ? { retrying: { ...worst, reason: worst.reason.slice(0, MOST_REASON) } } : {}),
      failedRanges: progress.failed.length,
    };
  }
}
