/**
 * Every way to die, in real worker processes and threads: what goes down with it, what the Temporal UI
 * and the crash report say, and that the backups end as if nothing had happened.
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { contentOf, fetchBytes, storageFolder } from '../support/backup.js';
import { startPaused, untilPlanned } from '../support/paused.js';
import { type Pending, pendingActivities } from '../support/pending.js';
import { startSite } from '../support/site.js';
import { until } from '../support/until.js';

const TRANSACTIONS = 800;
const HALF = TRANSACTIONS / 2;
const LANES = 4;
/** All ranges of two backups at once. */
const THREADS = { APTOS_BACKUP_CHUNK_SLOTS: `${2 * LANES}` };
const PRELOAD = fileURLToPath(new URL('../support/misbehave.mjs', import.meta.url));

interface CrashReport {
  worker: string;
  pid: number;
  how: string;
  stack?: string[];
  working_on: {
    activity: string;
    range?: string;
    workflow_id: string;
    attempt: number;
    last_heartbeat?: { at: string; details: { phase: string } };
  }[];
}

type Site = Awaited<ReturnType<typeof startTroubledSite>>;

/** A site whose workers die as the test commands. */
async function startTroubledSite() {
  const commands = mkdtempSync(join(tmpdir(), 'aptos-backup-misbehave-'));
  onTestFinished(() => rmSync(commands, { recursive: true }));
  const env = {
    ...THREADS,
    MISBEHAVE_IN: commands,
    NODE_OPTIONS: `--import ${PRELOAD} --max-old-space-size=400`,
    // A secret that the crash report must leave out.
    TEST_API_KEY: 'of a test',
  };
  const site = await startSite({ transactions: TRANSACTIONS }, { env });
  return {
    ...site,
    misbehave(where: string, kind: string): void {
      rmSync(join(commands, 'taken'), { force: true }); // of the command before
      writeFileSync(join(commands, where), kind);
    },
    /** Whether the thread that took the last command is still there; undefined when none has. */
    culpritLives(): boolean | undefined {
      const taken = join(commands, 'taken');
      return existsSync(taken) ? existsSync(`/proc/${readFileSync(taken, 'utf8')}`) : undefined;
    },
  };
}

/** Two backups of one storage whose ranges all run slowly. */
async function startTwo({ node, session }: Pick<Site, 'node' | 'session'>) {
  const { workflow } = session.client;
  const storage = { local_fs_dir: storageFolder() };
  // Planned at full speed, so it starts paused.
  const start = async (first: number) => {
    const range = { start_version: first, num_transactions: HALF };
    const input = { node: node.address, storage, ...range, max_chunk_size: 20_000 };
    return startPaused(session.client, `${storage.local_fs_dir} ${first}`, input);
  };
  const handles = await Promise.all([0, HALF].map(start));
  await Promise.all(handles.map(untilPlanned));
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 1_500 });
  await Promise.all(handles.map((handle) => handle.executeUpdate('resume')));
  const backups = handles.map(({ workflowId }) => workflowId);
  const pending = async () => {
    const each = backups.map((workflowId) => pendingActivities(session.client, workflowId));
    return (await Promise.all(each)).flat();
  };
  await until('all ranges are on their way', async () => {
    const ranges = await pending();
    return (
      ranges.length === 2 * LANES && ranges.every(({ started, beating }) => started && beating)
    );
  });
  return {
    pending,
    backups,
    /** The attempts after the first with which ranges were stored. */
    async retried(): Promise<number[]> {
      const histories = backups.map((id) => workflow.getHandle(id).fetchHistory());
      const events = (await Promise.all(histories)).flatMap(({ events: some }) => some ?? []);
      return events
        .map((event) => event.activityTaskStartedEventAttributes?.attempt ?? 0)
        .filter((attempt) => attempt > 1);
    },
    async finish(): Promise<void> {
      node.clearFaults();
      const results = await Promise.all(handles.map((handle) => handle.result()));
      const stored = results.map((result) => contentOf(storage.local_fs_dir, result).payload);
      expect(Buffer.concat(stored)).toEqual(
        await fetchBytes(`${node.address}/transactions/0/${TRANSACTIONS}`),
      );
    },
  };
}

function newestReport(dataFolder: string): CrashReport | undefined {
  try {
    const folder = join(dataFolder, 'crashes');
    const file = readdirSync(folder).sort().at(-1)!;
    return JSON.parse(readFileSync(join(folder, file), 'utf8')) as CrashReport;
  } catch {
    return undefined; // not yet, or half of it
  }
}

/** ALL_DEATHS=1 runs them all; else one for each way in which the supervisor learns of a death. */
const ALL = process.env['ALL_DEATHS'] === '1';
const KILLS_THE_PROCESS = [
  ['SIGKILL', 'WORKER_DIED', /^was killed by SIGKILL$/],
  ['heap', 'WORKER_DIED', /^was killed by SIGABRT \(FATAL ERROR: .*heap out of memory/],
  ['throw', 'STRAY_ERROR', /^stopped after a stray error: an exception \*{3} in a timer$/],
  ['SIGSTOP', 'WORKER_DIED', /^did not answer for 20 s and was killed$/],
] as const;
const MORE_KILLS = [
  ['exit', 'WORKER_DIED', /^ended with code 3/],
  ['rejection', 'STRAY_ERROR', /^stopped after a stray error: a floating rejection \*{3}$/],
  ['overflow', 'STRAY_ERROR', /^stopped after a stray error: Maximum call stack size exceeded/],
  ['loop', 'WORKER_DIED', /^did not answer for 20 s and was killed$/],
] as const;

// In two parts, because the pauses before the restarts of a dying worker grow.
it.each([
  ['one of each kind', KILLS_THE_PROCESS],
  ...(ALL ? [['all others', MORE_KILLS] as const] : []),
] as const)(
  'a chunk worker that is killed (%s) takes only its own chunks with it, for moments',
  async (_, kinds) => {
    const site = await startTroubledSite();
    const { worker, session, said } = site;
    for (const [kind, type, how] of kinds) {
      const two = await startTwo(site);
      const { pending, backups } = two;
      const [workflows, victim] = [worker.pid('workflows'), worker.pid('chunks')!];
      if (kind.startsWith('SIG')) process.kill(victim, kind);
      else site.misbehave('chunks-main', kind);

      // The worker or its supervisor has told the server. A heartbeat timeout would say something else.
      await until(`${kind}: each range is tried again for that reason`, async () => {
        const ranges = await pending();
        return ranges.length === 2 * LANES && ranges.every(({ failure }) => failure?.type === type);
      });
      const [first] = await pending();
      expect(first!.failure!.message, kind).toContain(`process ${victim}`);
      await until(`${kind}: there is a crash report`, () => {
        return newestReport(session.dataFolder)?.pid === victim;
      });
      const report = newestReport(session.dataFolder)!;
      expect(report.worker).toBe('Chunk worker');
      expect(report.how, kind).toMatch(how);
      await until(`${kind}: it is said where the report is`, () =>
        said.some((line) => line.startsWith(`Chunk worker, process ${victim}, had in hand: `)),
      );
      if (type === 'STRAY_ERROR') {
        expect(report.stack?.join('\n'), kind).toContain('misbehave.mjs');
        expect(JSON.stringify(report)).not.toContain('of a test');
      } else {
        const ranges = report.working_on.filter(({ activity }) => activity === 'backUpRange');
        expect(ranges, kind).toHaveLength(2 * LANES);
        for (const { range, workflow_id: workflowId, attempt, last_heartbeat: beat } of ranges) {
          expect(range).toMatch(/^\d+ to \d+$/);
          expect(backups).toContain(workflowId);
          expect(attempt).toBe(1);
          expect(Date.parse(beat!.at)).toBeGreaterThan(0);
          expect(beat!.details).toHaveProperty('failures');
        }
      }
      await two.finish();
      expect(worker.pid('workflows'), kind).toBe(workflows);
      expect(worker.pid('chunks'), kind).not.toBe(victim);
    }
    const [workflows, chunks] = worker.states();
    expect(workflows).toMatchObject({ role: 'workflows', restarts: 0 });
    expect(chunks).toMatchObject({
      role: 'chunks',
      restarts: kinds.length,
      lastDeath: { how: expect.stringMatching(kinds.at(-1)![2]) as string },
    });
  },
  600_000,
);

const KILLS_THE_THREAD = [
  ['throw', /died: Error: an exception of a test in a timer/],
  ['exit', /died: it exited with code 3/],
  ['heap', /died: it needed more than its 64 MB of memory/],
  ['loop', /died: it did not answer for 20 s and was ended/],
  ...(ALL ? [['rejection', /died: Error: a floating rejection of a test/] as const] : []),
] as const;

it('a dying thread costs its range one attempt, and other ranges nothing', async () => {
  const site = await startTroubledSite();
  const { worker } = site;
  const pid = worker.pid('chunks')!;
  for (const [kind, why] of KILLS_THE_THREAD) {
    const two = await startTwo(site);
    site.misbehave('chunks-thread', kind);
    let failure: Pending['failure'];
    await until(`${kind}: one range is tried again`, async () => {
      const again = (await two.pending()).find((range) => range.failure && range.started);
      failure = again?.failure;
      return again !== undefined;
    });
    expect(failure, kind).toMatchObject({ type: 'THREAD_DIED' });
    expect(failure!.message, kind).toMatch(why);
    // A dead thread uses no more CPU, least of all the one in a loop.
    expect(site.culpritLives(), kind).toBe(false);
    await two.finish();
    expect(await two.retried(), kind).toEqual([2]);
    expect(worker.pid('chunks'), kind).toBe(pid);
  }
  // Idle threads may die, too.
  site.misbehave('chunks-idle-thread', 'throw');
  await until('an idle thread is gone', () => site.culpritLives() === false);
  await (await startTwo(site)).finish();
  expect(worker.pid('chunks')).toBe(pid);
}, 600_000);

it('a worker that is told to stop hands back its activities', async () => {
  const site = await startSite({ transactions: TRANSACTIONS }, { env: THREADS });
  const two = await startTwo(site);
  const victim = site.worker.pid('chunks')!;
  process.kill(victim, 'SIGTERM');
  await until('each range is tried again for that reason', async () => {
    const ranges = await two.pending();
    return (
      ranges.length === 2 * LANES && ranges.every(({ failure }) => failure?.type === 'HANDED_BACK')
    );
  });
  const [first] = await two.pending();
  expect(first!.failure!.message).toBe(`its worker (process ${victim}) was told to stop`);
  await two.finish();
});

it('a backup survives kills of the workflow worker and of one of two chunk workers', async () => {
  const site = await startSite(
    { transactions: TRANSACTIONS },
    { chunkWorkers: 2, env: { APTOS_BACKUP_CHUNK_SLOTS: `${LANES}` } },
  );
  const { node, session, worker } = site;
  const { client } = session;
  // Slow enough that the plan still runs.
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 1_000 });
  const { workflowId } = await ensureCoordinator(client, {
    node: node.address,
    storage: { local_fs_dir: site.folder },
    trust_waypoints: [node.facts().genesis_waypoint],
    transaction_batch_size: HALF,
  });
  // Looked up before the worker dies: a query that is lost with the worker gets no answer for 20 s.
  let units: string[] = [];
  const inHand = async () => {
    const each = [workflowId, ...units].map((id) => pendingActivities(client, id));
    return (await Promise.all(each)).flat();
  };
  const kinds = ['watchNode', 'backUpUnit', 'planUnit'];
  const hasAll = (activities: Pending[]) =>
    kinds.every((kind) => activities.some(({ activity }) => activity === kind));
  await until('it watches, waits and plans', async () => {
    // Plans of other kinds, and of genesis alone, end quickly. The plan of a batch is slow.
    const status = await readCoordinator(client, workflowId).catch(() => undefined);
    const current = status?.streams.transaction.current;
    if (!current || !/^transactions [1-9]/.test(current.target)) return false;
    units = [current.workflow_id];
    const activities = await inHand();
    return hasAll(activities.filter(({ started }) => started));
  });
  process.kill(worker.pid('workflows')!, 'SIGKILL');
  await until('all of that is begun again, for that reason', async () => {
    const activities = await inHand();
    return hasAll(
      activities.filter(({ started, failure }) => started && failure?.type === 'WORKER_DIED'),
    );
  });
  await client.workflow.getHandle(workflowId).terminate();
  node.clearFaults();

  const two = await startTwo(site);
  const { pending } = two;
  const [one, other] = worker.states().filter(({ role }) => role === 'chunks');
  expect([one!.name, other!.name]).toEqual(['Chunk worker 1', 'Chunk worker 2']);
  process.kill(one!.pid!, 'SIGKILL');
  await until('its ranges are tried again, and no others', async () => {
    const ranges = await pending();
    const again = ranges.filter(({ failure }) => failure?.type === 'WORKER_DIED');
    return again.length === LANES && ranges.every(({ attempt }) => attempt <= 2);
  });
  const rest = (await pending()).filter(({ failure }) => failure === undefined);
  expect(rest.every(({ attempt }) => attempt === 1)).toBe(true);
  await two.finish();
  expect(worker.states().find(({ name }) => name === 'Chunk worker 2')).toMatchObject({
    pid: other!.pid,
    restarts: 0,
  });
});
