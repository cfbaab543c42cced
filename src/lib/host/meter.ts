import { setTimeout as sleep } from 'node:timers/promises';

/** A wait shows in this interval that it goes on, and looks whether the rate has changed. */
const SIGN_MS = 1_000;

/** Who waits: the wait ends with the signal, and shows in between that it is no hang. */
interface Waiter {
  signal?: AbortSignal | undefined;
  progress?: () => void;
}

/**
 * Lets through some units a second, in the order in which they came. The rate may change while they wait: undefined
 * lets everything through, 0 nothing. What was not used is lost: there are no bursts.
 *
 * The meter has a clock of its own, which counts units: it runs as fast as the rate.
 */
export class Meter {
  private readonly clock = { at: performance.now(), shows: 0 };
  /** When, by that clock, the next unit may pass. */
  private freeAt = 0;
  /** Who waits, in the order in which they came. Who gives up leaves no gap. */
  private readonly line: { units: number }[] = [];

  constructor(private rate: number | undefined) {}

  get perSecond(): number | undefined {
    return this.rate;
  }

  set perSecond(rate: number | undefined) {
    this.now();
    this.rate = rate;
  }

  /** Waits until `units` more may pass. */
  async pass(units: number, { signal, progress }: Waiter = {}): Promise<void> {
    if (this.rate === undefined) return;
    const place = { units };
    this.line.push(place);
    try {
      for (let ms = this.msFrom(place); ms > 0; ms = this.msFrom(place)) {
        progress?.();
        await sleep(Math.min(ms, SIGN_MS), undefined, signal ? { signal } : {});
      }
      this.freeAt = Math.max(this.now(), this.freeAt) + units;
    } finally {
      this.line.splice(this.line.indexOf(place), 1);
    }
  }

  /** How long somebody in the line has to wait yet, at the present rate. */
  private msFrom(place: { units: number }): number {
    if (this.rate === undefined) return 0;
    const before = this.line.slice(0, this.line.indexOf(place));
    const ahead = before.reduce((sum, { units }) => sum + units, 0);
    const left = this.freeAt - this.now() + ahead;
    return left <= 0 ? (this.rate === 0 ? SIGN_MS : 0) : (left / this.rate) * 1_000;
  }

  private now(): number {
    const { clock } = this;
    const at = performance.now();
    clock.shows += ((at - clock.at) / 1_000) * (this.rate ?? 0);
    clock.at = at;
    return clock.shows;
  }
}
