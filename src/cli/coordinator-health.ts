import type { LiveStatus } from '../client/coordinator.js';
import { DEFAULT_LIMITS, type Health, healthOf, worstOf } from '../client/health.js';
import { StuckWorkflowError } from '../client/stuck.js';
import { messageOf } from './failure.js';
import type { HealthSource } from './health-server.js';
import { metricsOf } from './metrics.js';
import { LONGEST_START_MS } from './starting-health.js';

/** A status older than this says nothing any more. */
const FRESH_MS = 60_000;

/** The health of a coordinator, by the newest status that was read of it. */
export class CoordinatorHealth implements HealthSource {
  /** By the clock that nobody sets: with the time of day, one of long ago could look fresh. */
  private latest: { status: LiveStatus; at: number } | undefined;
  private silence: unknown;
  private readonly since = performance.now();

  /** The newest status that was read. */
  heard(status: LiveStatus): void {
    this.latest = { status, at: performance.now() };
    this.silence = undefined;
  }

  /** Why a status could not be read. */
  missed(error: unknown): void {
    this.silence = error;
  }

  status(): LiveStatus | undefined {
    return this.latest?.status;
  }

  notReady(): string | undefined {
    return this.isFresh() ? undefined : 'nothing heard of the coordinator';
  }

  health(): Health {
    // What cannot be asked any more is told at once; a worker that restarts has a minute.
    if (this.latest && this.isFresh() && !(this.silence instanceof StuckWorkflowError)) {
      return healthOf(this.latest.status, DEFAULT_LIMITS, Date.now());
    }
    const starts = this.starts();
    const unknown = starts
      ? 'nothing heard of the coordinator yet'
      : 'the coordinator does not answer: is a worker there, and the Temporal server?';
    const what = this.silence ? messageOf(this.silence) : unknown;
    return worstOf([{ level: starts ? 'warning' : 'critical', what }]);
  }

  details(): Record<string, unknown> {
    return { status: this.latest?.status };
  }

  metrics(): Promise<{ text: string; type: string }> {
    const own = this.silence instanceof StuckWorkflowError ? 1 : 0;
    const stuck = own + (this.latest?.status.stuck.length ?? 0);
    return metricsOf(this.latest?.status, this.health(), stuck);
  }

  /** Workers take seconds until they answer for it the first time. */
  private starts(): boolean {
    if (this.latest || this.silence instanceof StuckWorkflowError) return false;
    return performance.now() - this.since < LONGEST_START_MS;
  }

  private isFresh(): boolean {
    return this.latest !== undefined && performance.now() - this.latest.at < FRESH_MS;
  }
}
