import { BLIND } from './blind.js';
import { DEFAULT_LIMITS, healthOf, worstOf } from './health.js';
import { StuckWorkflowError } from '../client/stuck.js';
import { messageOf } from '../client/command-failure.js';
import type { HealthDetails, HealthSource } from './health-server.js';
import { metricsOf } from './metrics.js';
import { LONGEST_START_MS } from './starting-health.js';
import type { LiveStatus, Health } from '../contract/answers/shown-answers.js';

/** A status older than this is out of date: the health then counts as unknown. */
const FRESH_MS = 60_000;

/** The health of a coordinator, from the newest status that was read. */
export class CoordinatorHealth implements HealthSource {
  /** `at` is by performance.now(): a change of the time of day must not make an old status look fresh. */
  private latest: { status: LiveStatus; at: number } | undefined;
  private failure: unknown;
  private readonly since = performance.now();

  /** Takes a status that was just read. */
  heard(status: LiveStatus): void {
    this.latest = { status, at: performance.now() };
    this.failure = undefined;
  }

  /** Takes the error of an attempt to read a status. */
  missed(error: unknown): void {
    this.failure = error;
  }

  notReady(): string | undefined {
    return this.isFresh() ? undefined : 'nothing heard of the coordinator';
  }

  health(): Health {
    // A stuck coordinator is reported at once. For any other failure the last status counts for a minute:
    // a worker may be restarting.
    if (this.latest && this.isFresh() && !(this.failure instanceof StuckWorkflowError)) {
      return healthOf(this.latest.status, DEFAULT_LIMITS, Date.now());
    }
    const { failure } = this;
    if (failure instanceof StuckWorkflowError) {
      const { since } = failure.stuck;
      return worstOf([{ level: 'critical', code: BLIND.stuck, what: failure.message, since }]);
    }
    const starts = this.starts();
    const unknown = starts
      ? 'no answer of the coordinator yet'
      : 'the coordinator does not answer: is a worker there, and the Temporal server?';
    const what = failure ? messageOf(failure) : unknown;
    return worstOf([
      starts
        ? { level: 'warning', code: BLIND.starts, what }
        : { level: 'critical', code: BLIND.silent, what },
    ]);
  }

  details(): HealthDetails {
    return { status: this.latest?.status };
  }

  metrics(): Promise<{ text: string; type: string }> {
    const own = this.failure instanceof StuckWorkflowError ? 1 : 0;
    const stuck = own + (this.latest?.status.stuck.length ?? 0);
    return metricsOf(this.latest?.status, this.health(), stuck);
  }

  /** Whether the coordinator may still be starting: workers need some time until the first answer. */
  private starts(): boolean {
    if (this.latest || this.failure instanceof StuckWorkflowError) return false;
    return performance.now() - this.since < LONGEST_START_MS;
  }

  private isFresh(): boolean {
    return this.latest !== undefined && performance.now() - this.latest.at < FRESH_MS;
  }
}
