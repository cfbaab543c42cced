import { BLIND } from './blind.js';
import { worstOf } from './health.js';
import type { HealthDetails, HealthSource } from './health-server.js';
import { metricsOf } from './metrics.js';
import type { Health } from '../contract/answers/shown-answers.js';

/** A start takes less than this, unless it must fetch the Temporal server over a slow line. */
export const LONGEST_START_MS = 5 * 60_000;

/** The health of a command that still waits for its Temporal server. */
export class StartingHealth implements HealthSource {
  private readonly since = performance.now();

  notReady(): string {
    return 'it starts';
  }

  health(): Health {
    const lasts = performance.now() - this.since;
    if (lasts < LONGEST_START_MS)
      return worstOf([{ level: 'warning', code: BLIND.starts, what: this.notReady() }]);
    const what = `it starts for ${Math.round(lasts / 1000)} s and has no Temporal server yet`;
    return worstOf([{ level: 'critical', code: BLIND.silent, what }]);
  }

  details(): HealthDetails {
    return {};
  }

  metrics(): Promise<{ text: string; type: string }> {
    return metricsOf(undefined, this.health(), 0);
  }
}
