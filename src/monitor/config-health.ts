import { worstOf } from './health.js';
import type { HealthDetails, HealthSource } from './health-server.js';
import type { Health } from '../contract/answers/shown-answers.js';
import { Registry, Gauge } from 'prom-client';

/** The health of the configuration file that a command follows. */
export class ConfigHealth implements HealthSource {
  /** Why the file cannot be used; undefined while it can. */
  problem: string | undefined;
  /** What of a file that can be used is not applied, and why: the settings, or the schedule of a kind. */
  readonly notApplied = new Map<string, string>();

  notReady(): string | undefined {
    return undefined;
  }

  health(): Health {
    const { problem, notApplied } = this;
    const invalid = `the configuration cannot be used, the settings before it stay: ${problem}`;
    return worstOf([
      ...(problem === undefined
        ? []
        : [{ level: 'warning' as const, code: 'CONFIG_INVALID' as const, what: invalid }]),
      ...[...notApplied].map(([part, what]) => {
        return { level: 'warning' as const, code: `CONFIG_NOT_APPLIED_${part}` as const, what };
      }),
    ]);
  }

  details(): HealthDetails {
    return {};
  }

  async metrics(): Promise<{ text: string; type: string }> {
    const registry = new Registry();
    const gauge = (name: string, help: string, value: number) =>
      new Gauge({ name: `aptos_backup_config_${name}`, help, registers: [registry] }).set(value);
    const invalid = '1 while the configuration file cannot be used and the settings before it stay';
    gauge('invalid', invalid, this.problem === undefined ? 0 : 1);
    const parts = 'parts of the configuration file that are not applied: the settings, schedules';
    gauge('not_applied', parts, this.notApplied.size);
    return { text: await registry.metrics(), type: registry.contentType };
  }
}
