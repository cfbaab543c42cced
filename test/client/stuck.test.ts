/** A workflow whose own code fails is reported as such, and goes on with code that fits. */
import { expect, it, onTestFinished } from 'vitest';
import { CoordinatorHealth } from '../../src/monitor/coordinator-health.js';
import { HealthServer } from '../../src/monitor/health-server.js';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { DEFAULT_LIMITS, healthOf } from '../../src/monitor/health.js';
import { Overseer } from '../../src/client/overseer.js';
import { StuckWorkflowError } from '../../src/client/stuck.js';
import { startVerify } from '../../src/client/start-verification.js';
import { PretendedWorld, coordinatorInput } from '../support/coordinator.js';
import { startTemporal, withActivities, workflowBundle } from '../support/temporal.js';
import { until } from '../support/until.js';

/** The built workflows, with a mistake added. */
function mistaken(right: string, wrong: string) {
  expect(workflowBundle.code).toContain(right);
  return { code: workflowBundle.code.replaceAll(right, wrong) };
}
const throwing = (workflow: string) => {
  const head = `async function ${workflow}(input, memory) {`;
  return mistaken(head, `${head} throw new TypeError('${workflow} is broken');`);
};

it('a workflow whose task fails is found and shown, and goes on with the right code', async () => {
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const { client } = session;
  const world = new PretendedWorld({ ended: 3, version: 250 });
  const activities = {
    ...world.activities,
    planVerification: () => Promise.resolve({ tasks: [], frozen: {} }),
    concludeVerification: () => {
      const read = { backups: 0, of_backups: 0, bytes: 0, of_bytes: 0 };
      return Promise.resolve({ ok: true, complete: true, read_so_far: read });
    },
  };
  const input = coordinatorInput();
  const health = await HealthServer.listen('0');
  onTestFinished(() => health.close());
  const coordinator = new CoordinatorHealth();
  health.show(coordinator);
  const page = async (path: string) => (await fetch(health.url + path)).text();

  // A release that throws at once: whoever starts the workflow is told, and goes on waiting.
  const waits: unknown[] = [];
  const ensured = ensureCoordinator(client, input, (why) => waits.push(why));
  const said = () => waits.find((why) => why instanceof StuckWorkflowError);
  await withActivities(
    session,
    activities,
    () => until('it is told to who starts it', () => said() !== undefined),
    throwing('backupCoordinator'),
  );
  expect(said()!.message).toMatch(
    /^backupCoordinator aptos-backup\/[\w.-]+-[0-9a-f]{8}\/coordinator is stuck since 20.*: backupCoordinator is broken; .* goes on by itself$/,
  );

  // The right code, except for verification.
  const workflowId = await withActivities(
    session,
    activities,
    async () => {
      const { workflowId } = await ensured;
      await startVerify(client, { storage: input.storage });
      const read = () => new Overseer(client, workflowId).read();
      await until('it follows', async () => (await read()).phase === 'following');
      let status = await read();
      await until('the server reports it', async () => {
        status = await read();
        return status.stuck.length > 0;
      });
      const { level, reasons } = healthOf(status, DEFAULT_LIMITS, Date.now());
      expect(level).toBe('critical');
      expect(reasons[0]!.what).toMatch(
        /^verifyBackups \S+\/verify\/\w+ is stuck since .*: verifyBackups is broken; /,
      );
      coordinator.heard(status);
      expect(await page('/healthz')).toMatch(/"level":"critical".*verifyBackups is broken/);
      expect(await page('/metrics')).toMatch(/^aptos_backup_stuck_workflows 1$/m);
      return workflowId;
    },
    throwing('verifyBackups'),
  );

  // Nobody answers: this is an error, not an endless wait.
  await expect(readCoordinator(client, workflowId)).rejects.toThrow(
    /does not answer \(.*workers are dead/,
  );

  // Code that decides otherwise than the release that started the coordinator.
  world.node = { ended: 4, version: 500 };
  await withActivities(
    session,
    activities,
    async () => {
      let error: unknown;
      await until('it is told', async () => {
        error = await readCoordinator(client, workflowId).catch((reason: unknown) => reason);
        return error instanceof StuckWorkflowError;
      });
      expect((error as Error).message).toMatch(
        /coordinator is stuck since 20.*[Nn]ondeterminism.*run the release that began it/,
      );
      // Earlier answers are a minute old at most, and say nothing any more.
      coordinator.missed(error);
      expect(await page('/healthz')).toMatch(/"level":"critical".*[Nn]ondeterminism/);
      expect(await page('/metrics')).toMatch(/^aptos_backup_stuck_workflows 2$/m);
    },
    mistaken('surveyStorage', 'surveyStorages'),
  );

  await withActivities(session, activities, async () => {
    const overseer = () => new Overseer(client, workflowId).read().catch(() => undefined);
    await until('it goes on', async () => (await overseer())?.streams.transaction.newest === '500');
    // So does the verification. Its own task has failed often, so the server waits before the next try.
    await until('all is well', async () => {
      const status = await overseer();
      if (!status?.verification?.succeeded_at) return false;
      coordinator.heard(status);
      return healthOf(status, DEFAULT_LIMITS, Date.now()).level === 'ok';
    });
    expect(await page('/healthz')).toMatch(/^\{"level":"ok","reasons":\[\]/);
    expect(await page('/metrics')).toMatch(/^aptos_backup_stuck_workflows 0$/m);
    expect(await page('/metrics')).toMatch(
      /^aptos_db_backup_verify_coordinator_succeed_timestamp_s \d{10}/m,
    );
  });

  await client.workflow.getHandle(workflowId).terminate();
  await expect(readCoordinator(client, workflowId)).rejects.toThrow(/has ended \(terminated\)/);
}, 600_000);
