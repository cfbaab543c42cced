import { Counter, Gauge, Registry } from 'prom-client';
import type { ReasonCode } from '../errors/codes/health-codes.js';
import { worstOf } from './health.js';
import type { WorkerGroup, WorkerRole } from '../supervisor/worker-group.js';
import type { HealthSource } from './health-server.js';
import type { NodeMetrics } from './node-metrics.js';
import type { Health, Level, WorkerStatus } from '../contract/answers/shown-answers.js';

/** A worker connects within this time after a start or a restart. */
const LONG_AWAY_MS = 60_000;
/** How long the death of a worker stays a warning. */
const DEATH_TOLD_MS = 10 * 60_000;
/** Roles that must be connected. Work goes on without the apart worker, which starts only when it may be needed. */
const NEEDED: readonly WorkerRole[] = ['workflows', 'chunks'];

/** The health of this host's worker processes, and the metrics of what they received from nodes. */
export function workerHealth(group: WorkerGroup, traffic: NodeMetrics): HealthSource {
  return {
    notReady() {
      const away = group
        .states()
        .filter(({ role, connected }) => NEEDED.includes(role) && !connected);
      if (away.length === 0) return undefined;
      return `not connected to the Temporal server: ${away.map(({ name }) => name).join(', ')}`;
    },
    health: () => healthOf(group, Date.now(), performance.now()),
    details: () => ({ workers: group.states().map(statusOf) }),
    metrics: () => metricsOf(group, traffic),
  };
}

const iso = (ms: number) => new Date(ms).toISOString();

function statusOf(state: ReturnType<WorkerGroup['states']>[number]): WorkerStatus {
  const { role, name, pid, connected, since, restarts, lastDeath, inHand } = state;
  return {
    ...{ role, name, pid, connected, restarts },
    since: iso(since),
    last_death: lastDeath && { ...lastDeath, at: iso(lastDeath.at) },
    in_hand: inHand,
  };
}

function healthOf(group: WorkerGroup, now: number, clock: number): Health {
  const reasons: Health['reasons'] = [];
  const states = group.states();
  for (const { role, name, connected, changedAt, lastDeath } of states) {
    if (!connected && clock - changedAt > LONG_AWAY_MS) {
      const alone = !states.some((other) => other.role === role && other.connected);
      const level: Level = alone && NEEDED.includes(role) ? 'critical' : 'warning';
      const seconds = Math.round((clock - changedAt) / 1000);
      const what = `${name} is not connected to the Temporal server for ${seconds} s`;
      const last = lastDeath ? `; last it ${lastDeath.how}` : '';
      reasons.push({ level, code: codeOf('WORKER_AWAY', name), what: `${what}${last}` });
    } else if (lastDeath && now - lastDeath.at < DEATH_TOLD_MS) {
      const since = iso(lastDeath.at);
      const what = `${name} ${lastDeath.how} at ${since}`;
      reasons.push({ level: 'warning', code: codeOf('WORKER_DIED', name), what, since });
    }
  }
  return worstOf(reasons);
}

function codeOf(what: 'WORKER_AWAY' | 'WORKER_DIED', name: string): ReasonCode {
  return `${what}_${name.toLowerCase().replaceAll(' ', '-')}`;
}

async function metricsOf(
  group: WorkerGroup,
  traffic: NodeMetrics,
): Promise<{ text: string; type: string }> {
  const registry = new Registry();
  const registers = [registry];
  const labelNames = ['role'];
  const restarts = new Counter({
    name: 'aptos_backup_worker_restarts_total',
    help: 'Times a worker process was started again',
    ...{ labelNames, registers },
  });
  const up = new Gauge({
    name: 'aptos_backup_worker_up',
    help: 'Worker processes that are connected to the Temporal server',
    ...{ labelNames, registers },
  });
  const inHand = new Gauge({
    name: 'aptos_backup_worker_activities',
    help: 'Activities in hand',
    labelNames: ['role', 'activity'],
    registers,
  });
  for (const { role, connected, restarts: times, inHand: counts } of group.states()) {
    restarts.inc({ role }, times);
    up.inc({ role }, connected ? 1 : 0);
    for (const [activity, count] of Object.entries(counts)) inHand.inc({ role, activity }, count);
  }
  const text = [(await registry.metrics()).trimEnd(), await traffic.text()].join('\n');
  return { text, type: registry.contentType };
}
