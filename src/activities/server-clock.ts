import type { Info } from '@temporalio/activity';

/**
 * The time by the clock of the server. Workflow times come from that clock, and this host's clock may
 * differ. It is computed from the time at which the server scheduled this activity and from the time that
 * has passed since. It is slow by a delay: how long the task waited for a free worker.
 */
export class ServerClock {
  /** When the first attempt began, by the clock of its worker. Heartbeats carry it. */
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

  /**
   * Takes the later of two measures: one stops while the host sleeps, the other when its clock is set
   * back.
   */
  now(): number {
    const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = this.info;
    return Math.max(
      scheduledTimestampMs + Date.now() - this.begun,
      currentAttemptScheduledTimestampMs + performance.now() - this.started,
    );
  }
}
