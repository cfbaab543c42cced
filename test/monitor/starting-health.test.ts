/** The health of a command that still waits for its Temporal server. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { CoordinatorHealth } from '../../src/monitor/coordinator-health.js';
import { HealthServer } from '../../src/monitor/health-server.js';
import { StuckWorkflowError } from '../../src/client/stuck.js';
import type { Health } from '../../src/contract/answers/shown-answers.js';

it('a start is a warning, a long start is critical, and the metric is there from the beginning', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const server = await HealthServer.listen('0');
  onTestFinished(() => server.close());
  const page = async (path: string) => {
    const answer = await fetch(server.url + path);
    return `${answer.status} ${await answer.text()}`;
  };
  const metric = async () =>
    (await page('/metrics')).match(/^aptos_backup_health .*$/gm)?.join('\n');

  expect(await page('/healthz')).toBe(
    '200 {"level":"warning","reasons":[{"level":"warning","code":"STARTS","what":"it starts"}]}\n',
  );
  expect(await metric()).toBe('aptos_backup_health 1');
  expect(await page('/readyz')).toBe('503 it starts\n');

  vi.advanceTimersByTime(301_000);
  expect(await page('/healthz')).toMatch(
    /^503 \{"level":"critical",.*"NO_ANSWER","what":"it starts for 301 s and has no Temporal server yet"/,
  );
  expect(await metric()).toBe('aptos_backup_health 2');

  // The status says the rest.
  server.show(new CoordinatorHealth());
  expect(await page('/readyz')).toBe('503 nothing heard of the coordinator\n');
});

it('a coordinator counts as starting until its first status, unless it is known to be stuck', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const server = await HealthServer.listen('0');
  onTestFinished(() => server.close());
  const coordinator = new CoordinatorHealth();
  server.show(coordinator);
  const health = async () => {
    const answer = await fetch(`${server.url}/healthz`);
    const { level, reasons } = (await answer.json()) as Health;
    return `${answer.status} ${level}: ${reasons[0]?.what}`;
  };
  expect(await health()).toBe('200 warning: no answer of the coordinator yet');
  coordinator.missed(new Error('no worker answers'));
  expect(await health()).toBe('200 warning: no worker answers');
  vi.advanceTimersByTime(301_000);
  expect(await health()).toBe('503 critical: no worker answers');

  const stuck = new CoordinatorHealth();
  server.show(stuck);
  const workflow = { workflow_id: 'w', type: 'backupCoordinator', since: 'now' };
  stuck.missed(new StuckWorkflowError({ ...workflow, failure: 'a mistake', advice: 'mend it' }));
  expect(stuck.health().level).toBe('critical');
});
