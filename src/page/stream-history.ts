import type { Sample } from '../contract/answers/page-answers.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';
import { STREAMS } from '../contract/coordinator-state.js';
import type { BackupType } from '../contract/job.js';
import { perKind } from '../contract/kinds/index.js';

const DAY_MS = 24 * 3_600_000;
const MOST_SAMPLES = 288;
const FIRST_STEP_MS = 5_000;
/** A day in so many samples. */
const LONGEST_STEP_MS = DAY_MS / MOST_SAMPLES;

interface Noted extends Sample {
  /** By the clock that nobody sets, in milliseconds. */
  clock: number;
  /** Records that were stored by then. */
  records: number;
}

/**
 * The last day of the streams, in a bounded number of samples. A young history has close samples. When it is full,
 * every second one is dropped, until they are five minutes apart.
 */
export class StreamHistory {
  private readonly samples = perKind((): Noted[] => []);
  private step = FIRST_STEP_MS;

  /** Takes a status that was just read. `clock`: performance.now(), `now`: unix milliseconds. */
  note(status: LiveStatus, clock: number, now: number): void {
    const last = this.samples.epoch_ending.at(-1); // all streams have the same times
    if (last && clock - last.clock < this.step) return;
    for (const type of STREAMS) this.add(type, status, clock, now);
    if (this.samples.epoch_ending.length > MOST_SAMPLES) this.thin();
  }

  told(): Record<BackupType, Sample[]> {
    return perKind((type) =>
      this.samples[type].map(({ at, rate, lag }) => ({
        ...{ at, rate },
        ...(lag === undefined ? {} : { lag }),
      })),
    );
  }

  private add(type: BackupType, status: LiveStatus, clock: number, now: number): void {
    const { committed_records: committed, lag } = status.streams[type];
    const records = Number(committed) + (status.progress[type]?.done ?? 0);
    const last = this.samples[type].at(-1);
    // A unit that is begun again counts from its beginning.
    const more = last ? Math.max(0, records - last.records) : 0;
    this.samples[type].push({
      at: new Date(now).toISOString(),
      clock,
      records,
      rate: last ? rounded(more / ((clock - last.clock) / 1000)) : 0,
      ...(lag === undefined ? {} : { lag: Number(lag) }),
    });
  }

  private thin(): void {
    for (const type of STREAMS) {
      const all = this.samples[type];
      if (this.step < LONGEST_STEP_MS) {
        this.samples[type] = all.filter((_, index) => index % 2 === 0).map(withRateOf(all));
      } else {
        all.shift();
      }
    }
    this.step = Math.min(this.step * 2, LONGEST_STEP_MS);
  }
}

/** A sample whose neighbour was dropped has the rate since the one before that. */
function withRateOf(all: readonly Noted[]) {
  return (kept: Noted, index: number): Noted => {
    const [dropped, before] = [all[2 * index - 1], all[2 * index - 2]];
    if (!dropped || !before) return kept;
    const records =
      dropped.rate * (dropped.clock - before.clock) + kept.rate * (kept.clock - dropped.clock);
    return { ...kept, rate: rounded(records / (kept.clock - before.clock)) };
  };
}

function rounded(rate: number): number {
  return Math.round(rate * 10) / 10;
}
