import { worstOf } from './health.js';
import type { HealthDetails, HealthSource } from './health-server.js';
import type { Health } from '../contract/answers/shown-answers.js';
import { Registry, Gauge } from 'prom-client';

/** The health of the configuration file that a command follows. */
export class ConfigHealth implements HealthSource {
  /** Why the file cannot be used; undefined while it can. */
  problem: string | undefined;

  notReady(): string | undefined {
    return undefined;
  }

  health(): Health {
    const { problem } = this;
    if (problem === undefined) return worstOf([]);
    const what = `the configuration cannot be used, the settings before it stay: ${problem}`;
    return worstOf([{ level: 'warning', code: 'CONFIG_INVALID', what }]);
  }

  details(): HealthDetails {
    return {};
  }

  async metrics(): Promise<{ text: string; type: string }> {
    const registry = new Registry();
    const help = '1 while the configuration file cannot be used and the settings before it stay';
    const gauge = new Gauge({ name: 'aptos_backup_config_invalid', help, registers: [registry] });
    gauge.set(this.problem === undefined ? 0 : 1);
    return { text: await registry.metrics(), type: registry.contentType };
  }
}
