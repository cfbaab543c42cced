import { Counter, Gauge, Registry } from 'prom-client';
import type { NotificationWay } from '../contract/answers/shown-answers.js';

/** A way of notifications, and what became of its tries. */
export interface CountedWay {
  counts: { delivered: number; failed: number };
  status(): NotificationWay;
}

/** How notifications do, in the format of Prometheus. */
export async function notificationMetrics(
  ways: readonly CountedWay[],
): Promise<{ text: string; type: string }> {
  const registry = new Registry();
  const registers = [registry];
  const total = new Counter({
    name: 'aptos_backup_notifications_total',
    help: 'Notifications that were delivered, and tries that failed',
    labelNames: ['way', 'outcome'],
    registers,
  });
  const failing = new Gauge({
    name: 'aptos_backup_notifications_failing',
    help: '1 while notifications do not get through',
    labelNames: ['way'],
    registers,
  });
  for (const one of ways) {
    const { way, failing_since: since } = one.status();
    total.inc({ way, outcome: 'delivered' }, one.counts.delivered);
    total.inc({ way, outcome: 'failed' }, one.counts.failed);
    failing.set({ way }, since === undefined ? 0 : 1);
  }
  return { text: (await registry.metrics()).trimEnd(), type: registry.contentType };
}
