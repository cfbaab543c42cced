/** Verification in real use: through Temporal, killed in the middle, on damaged storages. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { lastVerification } from '../../src/client/last-verification.js';
import { coverageOf, startVerify, verifyWorkflowId } from '../../src/client/start-verification.js';
import { CONTROL_QUEUE } from '../../src/contract/messages.js';
import type { VerifyMemory } from '../../src/contract/verify-memory.js';
import { type VerifyTotals, noVerifyTotals } from '../../src/contract/verify-totals.js';
import { backUp, storageFolder } from '../support/backup.js';
import { dataFolder, runCli } from '../support/cli.js';
import { sharedHost, startSite } from '../support/site.js';
import { STOCK } from '../support/storage-copy.js';
import { startTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import { Subject } from '../verify/damages/subject.js';
import type { Coverage, VerifyStatus } from '../../src/contract/answers/verify-answers.js';

const EPOCHS = 30;
/** For tests that kill nothing. */
const host = sharedHost();

it('a verification that is killed in the middle goes on, and reads no finished task twice', async () => {
  const { node, session, folder, worker } = await startSite({
    transactions: 600,
    stateItems: 100,
    epochs: EPOCHS,
  });
  const { version } = node.facts();
  const range = { node: node.address, folder };
  await backUp({ ...range, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: EPOCHS } });
  const all = { type: 'transaction', start_version: 0, num_transactions: version + 1 } as const;
  await backUp({ ...range, target: all });
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    await backUp({ ...range, target: { type: 'state_snapshot', epoch } });
  }
  const input = { storage: { local_fs_dir: folder }, again: true, concurrency: 2 };
  const { handle } = await startVerify(session.client, input);
  const read = () => handle.query<VerifyStatus>('status');
  await until('a third is read', async () => {
    const status = await read().catch(() => undefined); // a busy worker may not answer in time
    return status !== undefined && status.tasks >= 10;
  });
  process.kill(worker.pid('chunks')!, 'SIGKILL');
  const coverage = await handle.result();
  expect(coverage).toMatchObject({ ok: true, complete: true, finding_count: 0 });
  expect(coverage.state_snapshots).toHaveLength(EPOCHS);
  expect(coverage.transactions).toMatchObject([{ first: '0', last: `${version}` }]);
  const { events } = await handle.fetchHistory();
  const started = events!.flatMap((event) => event.activityTaskStartedEventAttributes ?? []);
  const again = started.filter(({ attempt }) => attempt! > 1);
  // Only tasks that were in flight when the worker died run twice. Each task is once in the totals.
  expect(again.length).toBeLessThanOrEqual(2);
  expect(coverage.checked.objects).toBeGreaterThan(2 * EPOCHS);
  expect((await read()).tasks).toBe(2 + EPOCHS);

  // What lists and metrics say about it.
  const prefix = handle.workflowId.replace(/verify\/\w+$/, '');
  const { state_items: items, epoch_ends: ends } = node.facts();
  const ended = ends.at(-1);
  const whole = {
    epoch: `${EPOCHS - 1}`,
    epoch_version: `${ended}`,
    version: `${version}`,
    snapshot_version: `${ended}`,
    items: `${items}`,
    of_items: `${items}`,
    read_backups: `${1 + EPOCHS}`,
    of_backups: `${1 + EPOCHS}`,
    read_since: `${Date.parse(coverage.read_so_far.since!)}`,
  };
  // The list learns of the end and of the last progress one after the other.
  await until('the list says so', async () => {
    const last = await lastVerification(session.client, prefix);
    const { whole_at: wholeAt, rotated_at: rotatedAt, ...progress } = last.progress ?? {};
    const isWhole = wholeAt !== undefined && rotatedAt !== undefined;
    return last.succeeded_at !== undefined && isWhole && isDeepStrictEqual(progress, whole);
  });
});

it('a damaged storage fails the command, and the workflow with the statement in its failure', async () => {
  const { session } = host();
  const storage = new Subject(join(STOCK, 'stock-plain'));
  storage.flip(storage.blobs(1));
  const { handle } = await startVerify(session.client, {
    storage: { local_fs_dir: storage.folder },
  });
  await expect(handle.result()).rejects.toMatchObject({
    cause: { type: 'VERIFY_FAILED', message: expect.stringContaining(storage.blobs(1)) as string },
  });
  const coverage = await coverageOf(handle.result());
  expect(coverage.findings[0]).toMatchObject({ object: storage.blobs(1), code: 'DAMAGED' });
  expect((await handle.describe()).status.name).toBe('FAILED');
});

it('the command ends with 0 when all is proven, 1 when not, and 2 for wrong arguments', async () => {
  const storage = new Subject(join(STOCK, 'stock-plain'));
  const data = ['--data-dir', dataFolder()];
  const verify = (folder: string, ...flags: string[]) =>
    runCli(['verify', '--local-fs-dir', folder, ...data, ...flags]);

  const sound = await verify(storage.folder);
  expect(sound.out).toMatch(/^Verified: /);
  expect(sound.out).toMatch(/transactions +0 to 250 \(signed\)/);
  expect(sound.out).toMatch(/restorable +to version 250 \(epoch 5 and later/);
  expect(sound.code).toBe(0);

  storage.remove(storage.blobs(1));
  const damaged = await verify(storage.folder);
  expect(damaged.code).toBe(1);
  expect(damaged.out).toMatch(/^NOT VERIFIED: /);
  expect(damaged.out).toContain(`MISSING ${storage.blobs(1)}`);
  const json = await verify(storage.folder, '--json', '--state-snapshots', 'none');
  expect(json.code).toBe(0);
  expect(JSON.parse(json.out) as Coverage).toMatchObject({ ok: true, complete: false });

  const empty = storageFolder();
  const nothing = await verify(empty);
  expect(nothing).toMatchObject({ code: 1, out: '' });
  expect(nothing.err).toMatch(/holds no backups/);
  expect(readdirSync(empty)).toEqual([]);
  const nowhere = await verify(join(empty, 'bakcups'));
  expect(nowhere).toMatchObject({ code: 1, out: '' });
  expect(existsSync(join(empty, 'bakcups'))).toBe(false);

  for (const flags of [
    ['--sample', '3/2'],
    ['--start-version', '-1'],
    ['--end-version', '18446744073709551616'],
  ]) {
    const wrong = await verify(storage.folder, ...flags);
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).not.toMatch(/Temporal UI/); // told before anything is started
  }
}, 600_000);

/** A verification that had read everything days ago and still owes its statement, with its findings. */
async function startInterrupted(found: (storage: Subject) => Partial<VerifyTotals> = () => ({})) {
  const storage = new Subject(join(STOCK, 'stock-plain'));
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const input = { storage: { local_fs_dir: storage.folder } };
  const memory: VerifyMemory = {
    cursor: { kind: 'state_snapshot', first: '999999', manifest: 'z', from: 0 },
    totals: { ...noVerifyTotals(), objects: 100, ...found(storage) },
    frozen: { endVersion: '250', snapshotBefore: '240' },
    startedAt: Date.parse('2026-01-02T03:04:05Z'),
  };
  const interrupted = await session.client.workflow.start('verifyBackups', {
    workflowId: verifyWorkflowId(input),
    taskQueue: CONTROL_QUEUE,
    args: [input, memory],
  });
  return { storage, session, interrupted };
}

it('the command goes on with an interrupted verification, and then verifies what was stored or changed since', async () => {
  const { storage, session, interrupted } = await startInterrupted();
  storage.flip(storage.blobs(1));
  const verify = ['verify', '--local-fs-dir', storage.folder, '--data-dir', session.dataFolder];
  const { code, out, err } = await runCli(verify);
  expect(await interrupted.result()).toMatchObject({ ok: true, as_of: '2026-01-02T03:04:05.000Z' });
  expect(err).toMatch(/A verification with the same options runs since 20\d\d-.*Z/);
  expect(err).toMatch(/Now verifying what was stored or changed since 20\d\d-.*Z/);
  expect(out).toContain(`DAMAGED ${storage.blobs(1)}`);
  expect(code).toBe(1);
});

it('repaired damage that an interrupted verification found is reported and does not count', async () => {
  const { storage, session } = await startInterrupted((damaged) => ({
    findings: [{ object: damaged.blobs(1), code: 'DAMAGED', why: 'it was damaged' }],
    findingCount: 1,
  }));
  const verify = ['verify', '--local-fs-dir', storage.folder, '--data-dir', session.dataFolder];
  const { code, out, err } = await runCli(verify);
  expect(err).toContain(`It found ${storage.blobs(1)}: it was damaged. This is checked again`);
  expect(out).not.toContain('DAMAGED');
  expect(code).toBe(0);
});

it('a verification stops when its budget is spent, and the next one goes on there', async () => {
  const storage = new Subject(join(STOCK, 'stock-plain'));
  const { session } = host();
  const input = { storage: { local_fs_dir: storage.folder }, concurrency: 1 };
  const left: number[] = [];
  let before = -1;
  for (let run = 0; ; run += 1) {
    const { handle } = await startVerify(session.client, { ...input, budget_bytes: 1 });
    const { ok, complete, checked, stopped } = await handle.result();
    expect(ok).toBe(true);
    expect(stopped?.by).toBe(complete ? undefined : 'bytes');
    if (stopped) left.push(stopped.backups);
    if (complete) {
      expect(run).toBeGreaterThan(0);
      break;
    }
    expect(checked.proven_before).toBeGreaterThan(before);
    before = checked.proven_before;
  }
  // Less is left after each run, as the end and the list both say.
  expect(left).toEqual([...left].sort((a, b) => b - a));
  expect(left[0]).toBeGreaterThan(left.at(-1)!);
});

it('a share is another one each time, until all is read, and the list says how much has been read', async () => {
  const storage = new Subject(join(STOCK, 'stock-plain'));
  const { session } = host();
  const input = { storage: { local_fs_dir: storage.folder }, sample: '34%' };
  const read = new Set<string>();
  let prefix = '';
  for (let run = 1; run <= 2; run += 1) {
    const { handle } = await startVerify(session.client, input);
    prefix = handle.workflowId.replace(/verify\/\w+$/, '');
    const coverage = await handle.result();
    expect(coverage).toMatchObject({ ok: true, complete: false });
    expect(coverage.read_so_far).toMatchObject({ backups: 3 * run, of_backups: 6 });
    for (const { epoch } of coverage.state_snapshots) read.add(`epoch ${epoch}`);
    for (const { first, last } of coverage.transactions) read.add(`${first}-${last}`);
    const { since } = coverage.read_so_far;
    await until('the list says so', async () => {
      const last = await lastVerification(session.client, prefix);
      return isDeepStrictEqual(last.read, { backups: 3 * run, of: 6, since });
    });
  }
  expect(read).toContain('epoch 3');
  expect(read).toContain('epoch 5');
});
