const TICK_MS = 500;

/** Limits on how a stream may dawdle; only time spent waiting for the node counts. */
export interface WatchLimits {
  /** Longest wait for the next bytes. */
  stallTimeoutMs: number;
  /** Least bytes per second, averaged over `floorWindowMs` of waiting. */
  minBytesPerSecond: number;
  floorWindowMs: number;
}

export type Verdict = { stalledMs: number } | { bytesPerSecond: number };

/** Watches one stream from a timer of its own, so that an endless wait is noticed. */
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

  waiting(): void {
    this.waitingSince = performance.now();
  }

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
