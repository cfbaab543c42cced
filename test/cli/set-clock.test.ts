/**
 * The time of day is set forward or back while health is served. Health neither hides trouble nor raises
 * a false alarm.
 */
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { CoordinatorHealth } from '../../src/monitor/coordinator-health.js';
import type { HealthSource } from '../../src/monitor/health-server.js';
import { NodeMetrics } from '../../src/monitor/node-metrics.js';
import { StartingHealth } from '../../src/monitor/starting-health.js';
import { workerHealth } from '../../src/monitor/worker-health.js';
import { superviseWorker } from '../../src/supervisor/worker-process.js';
import { dataFolder } from '../support/cli.js';
import { programOf } from '../support/program-of.js';
import { NOW, liveStatus } from '../support/status.js';

const STAND_IN = programOf(new URL('../supervisor/stand-in-worker.ts', import.meta.url));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'], now: NOW });
  return () => void vi.useRealTimers();
});

/** A worker process that never connects. */
function unconnected(): HealthSource {
  const env = { ...process.env, MARKER: join(dataFolder(), 'marker') };
  const worker = superviseWorker({ env, say: () => undefined, script: STAND_IN });
  onTestFinished(() => worker.kill());
  const states = () => [{ role: 'chunks' as const, ...worker.state() }];
  const group = { pid: () => worker.pid, states, stop: () => worker.stop(), kill: () => undefined };
  return workerHealth(group, new NodeMetrics());
}

function silentSince(): HealthSource {
  const coordinator = new CoordinatorHealth();
  coordinator.heard(liveStatus());
  return coordinator;
}

it.each([
  ['a start', () => new StartingHealth(), 'warning', 301],
  ['the silence of a coordinator', silentSince, 'ok', 61],
  ['a worker that does not connect', unconnected, 'ok', 61],
] as const)(
  '%s is reported after the usual time, although the clock was set',
  (_, begin, before, seconds) => {
    const source = begin();
    const level = () => source.health().level;
    vi.advanceTimersByTime(20_000);
    expect(level()).toBe(before);
    vi.setSystemTime(NOW + seconds * 1_000);
    expect(level()).toBe(before);
    vi.setSystemTime(NOW - 3_600_000);
    vi.advanceTimersByTime((seconds - 20) * 1_000);
    expect(level()).toBe('critical');
  },
);
