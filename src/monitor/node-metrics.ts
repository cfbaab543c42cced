import { Counter, Histogram, Registry, exponentialBuckets } from 'prom-client';
import type { Traffic } from '../node/traffic.js';

/** Counts what this host's workers received from nodes and how long it took, under the stock tool's names. */
export class NodeMetrics {
  private readonly registry = new Registry();
  private readonly received = new Counter({
    name: 'aptos_db_backup_received_bytes',
    help: 'Bytes received from backup services',
    labelNames: ['endpoint'],
    registers: [this.registry],
  });
  private readonly timers = new Histogram({
    name: 'aptos_db_backup_timers_seconds',
    help: 'How long things took',
    labelNames: ['name'],
    buckets: exponentialBuckets(1e-6, 2, 32),
    registers: [this.registry],
  });

  add({ received, seconds }: Traffic): void {
    for (const [endpoint, bytes] of Object.entries(received))
      this.received.inc({ endpoint }, bytes);
    for (const [name, times] of Object.entries(seconds)) {
      for (const time of times) this.timers.observe({ name }, time);
    }
  }

  async text(): Promise<string> {
    return (await this.registry.metrics()).trimEnd();
  }
}
