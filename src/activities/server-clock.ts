import type { Info } from '@temporalio/activity';

/**
 * The time by the clock of the server, which workflows have theirs from; that of this host may be set
 * otherwise. It is known from when this activity was asked for, and how long ago that is. Behind by as
 * long as no worker was there to begin it.
 */
export class ServerClock {
  /** When its first attempt began, by a worker's own clock; travels in heartbeats. */
  readonly begun: number;
  private readonly started = performance.now();

  constructor(
    private readonly info: Pick<
      Info,
      'scheduledTimestampMs' | 'currentAttemptScheduledTimestampMs' | 'heartbeatDetails'
    >,
  ) {
    const { begun } = ((info.heartbeatDetails as unknown) ?? {}) as { begun?: unknown };
    const before = info.currentAttemptScheduledTimestampMs - info.scheduledTimestampMs;
    this.begun = typeof begun === 'number' ? begun : Date.now() - before;
  }

  /** Neither a host that sleeps nor a clock that is set back makes it stand. */
  now(): number {
    const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = this.info;
    return Math.max(
      scheduledTimestampMs + Date.now() - this.begun,
      currentAttemptScheduledTimestampMs + performance.now() - this.started,
    );
  }
}
