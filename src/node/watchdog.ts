const TICK_MS = 500;

/** Limits on how slow a stream may be. Only time in which we wait for the node counts. */
export interface WatchLimits {
  /** How long to wait for the next bytes. */
  stallTimeoutMs: number;
  /** Least bytes per second, averaged over `floorWindowMs` of waiting. */
  minBytesPerSecond: number;
  floorWindowMs: number;
}

/** What the watchdog noticed: no bytes for so long, or too few bytes per second. */
export type Verdict = { stalledMs: number } | { bytesPerSecond: number };

/** Watches the speed of one stream. It has a timer, so that it also notices a wait without end. */
export class Watchdog {
  private waitingSince: number | undefined;
  private windowWaited = 0;
  private windowBytes = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly limits: WatchLimits,
    private readonly onBite: (verdict: Verdict) => void,
  ) {
    const tick = Math.min(TICK_MS, Math.ceil(limits.stallTimeoutMs / 4));
    this.timer = setInterval(() => this.look(), tick);
  }

  /** Call it before waiting for the next bytes. */
  waiting(): void {
    this.waitingSince = performance.now();
  }

  /** Call it when bytes came. Time until the next `waiting` is the reader's and does not count. */
  received(bytes: number): void {
    if (this.waitingSince !== undefined) this.windowWaited += performance.now() - this.waitingSince;
    this.waitingSince = undefined;
    this.windowBytes += bytes;
    if (this.windowWaited < this.limits.floorWindowMs) return;
    const bytesPerSecond = (this.windowBytes * 1000) / this.windowWaited;
    this.windowWaited = 0;
    this.windowBytes = 0;
    if (bytesPerSecond < this.limits.minBytesPerSecond) this.onBite({ bytesPerSecond });
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    if (this.waitingSince === undefined) return;
    const stalledMs = performance.now() - this.waitingSince;
    if (stalledMs >= this.limits.stallTimeoutMs) this.onBite({ stalledMs });
  }
}
