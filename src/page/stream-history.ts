import * as v from 'valibot';
import { type Sample, sample } from '../contract/answers/page-answers.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';
import { STREAMS } from '../contract/coordinator-state.js';
import type { BackupType } from '../contract/job.js';
import { perKind } from '../contract/kinds/index.js';

const DAY_MS = 24 * 3_600_000;
const MOST_SAMPLES = 288;
const FIRST_STEP_MS = 5_000;
/** A day in so many samples. */
const LONGEST_STEP_MS = DAY_MS / MOST_SAMPLES;

const keptSample = v.object({
  ...sample.entries,
  /** Records of the units that were committed by then. */
  committed: v.number(),
  /** The unit in work. */
  unit: v.string(),
});

/** What a later process goes on with. */
type KeptHistory = v.InferOutput<typeof keptHistory>;
export const keptHistory = v.object({
  step: v.number(),
  samples: v.object(perKind(() => v.array(keptSample))),
  counted: v.array(v.tuple([v.string(), v.number()])),
});

type Noted = v.InferOutput<typeof keptSample> & {
  /** By the clock that nobody sets, in milliseconds. */
  clock: number;
};

/** More units than fail side by side. */
const MOST_UNITS = 100;

/**
 * The last day of the streams, in a bounded number of samples. A young history has close samples. When it is full,
 * every second one is dropped, until they are five minutes apart.
 */
export class StreamHistory {
  private readonly samples = perKind((): Noted[] => []);
  /**
   * How many records of a unit were counted before it is committed. One that is begun again keeps its chunks, and what
   * was counted once is not stored once more.
   */
  private readonly counted = new Map<string, number>();
  private step = FIRST_STEP_MS;

  /** Takes a status that was just read. `clock`: performance.now(), `now`: unix milliseconds. */
  note(status: LiveStatus, clock: number, now: number): void {
    const last = this.samples.epoch_ending.at(-1); // all streams have the same times
    if (last && clock - last.clock < this.step) return;
    for (const type of STREAMS) {
      this.add(type, status, clock, now);
      this.samples[type] = this.samples[type].filter((one) => clock - one.clock <= DAY_MS);
    }
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

  kept(): KeptHistory {
    const samples = perKind((type) => this.samples[type].map(({ clock: _, ...one }) => one));
    return { step: this.step, samples, counted: [...this.counted] };
  }

  /** Takes up what an earlier process kept, without what is older than a day. `clock` and `now`: as of `note`. */
  goOnWith({ step, samples, counted }: KeptHistory, clock: number, now: number): void {
    for (const type of STREAMS) {
      this.samples[type] = samples[type].flatMap((one) => {
        const age = now - Date.parse(one.at);
        // What is of the future was noted before somebody set the clock back.
        return age >= 0 && age <= DAY_MS ? [{ ...one, clock: clock - age }] : [];
      });
    }
    if (this.samples.epoch_ending.length === 0) return;
    for (const [unit, records] of counted) this.counted.set(unit, records);
    this.step = Math.min(Math.max(step, FIRST_STEP_MS), LONGEST_STEP_MS);
  }

  private add(type: BackupType, status: LiveStatus, clock: number, now: number): void {
    const { committed_records: records, current, lag } = status.streams[type];
    const committed = Number(records);
    const unit = current?.workflow_id ?? type;
    const last = this.samples[type].at(-1);
    const more = this.committedSince(last, committed, unit) + this.doneSince(status, type, unit);
    this.samples[type].push({
      at: new Date(now).toISOString(),
      ...{ clock, committed, unit },
      rate: last ? rounded(more / ((clock - last.clock) / 1000)) : 0,
      ...(lag === undefined ? {} : { lag: Number(lag) }),
    });
  }

  /** Records that commits have added, without those that were counted while their unit was in work. */
  private committedSince(last: Noted | undefined, committed: number, unit: string): number {
    const more = last ? committed - last.committed : 0;
    if (!last || more <= 0 || last.unit === unit) return Math.max(0, more);
    const counted = this.counted.get(last.unit) ?? 0;
    this.counted.delete(last.unit);
    return Math.max(0, more - counted);
  }

  /** Records that the unit in work has beyond what was counted of it. */
  private doneSince(status: LiveStatus, type: BackupType, unit: string): number {
    const done = status.progress[type]?.done ?? 0;
    const counted = this.counted.get(unit) ?? 0;
    if (done <= counted) return 0;
    this.counted.delete(unit); // the last one in use is the last one to be forgotten
    this.counted.set(unit, done);
    const [oldest] = this.counted.keys();
    if (this.counted.size > MOST_UNITS) this.counted.delete(oldest!);
    return done - counted;
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
