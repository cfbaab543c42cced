/** Compaction of metadata in real use: by the command, by a schedule's workflow, and by a coordinator itself. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { createSchedule } from '../../src/client/schedules.js';
import type { Compaction } from '../../src/contract/answers/compaction-answers.js';
import { backUp } from '../support/backup.js';
import { runCli } from '../support/cli.js';
import { startSite } from '../support/site.js';
import { StorageCopy } from '../support/storage-copy.js';
import { until } from '../support/until.js';

it('the command, a schedule and a coordinator compact, and what was backed up stays backed up', async () => {
  const { node, session, folder } = await startSite({ transactions: 120, epochs: 2 });
  const range = { node: node.address, folder };
  const { version } = node.facts();
  await backUp({ ...range, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 2 } });
  const starts = [0, 1, 21, 41, 61];
  for (const [i, start] of starts.entries()) {
    const count = (starts[i + 1] ?? 81) - start;
    const target = { type: 'transaction', start_version: start, num_transactions: count } as const;
    await backUp({ ...range, target });
  }
  const names = () => readdirSync(join(folder, 'metadata')).sort();
  const before = names();
  const compact = async (...flags: string[]) => {
    const args = ['backup-maintenance', 'compact', '--local-fs-dir', folder, '--json', ...flags];
    const { code, out, err } = await runCli(args, { TEMPORAL_ADDRESS: session.address });
    expect({ code, err }).toMatchObject({ code: 0 });
    return JSON.parse(out) as Compaction;
  };
  const factor = ['--transaction-file-compact-factor', '2'];

  const would = await compact(...factor, '--dry-run');
  expect(would).toMatchObject({ dry_run: true, written: 4, files_before: before.length });
  expect(names()).toEqual(before);
  expect(await compact(...factor)).toMatchObject({ written: 4, stamped: 6, moved: 0, waiting: 6 });
  expect(names()).toContain('transaction_compacted_0-20.meta');

  // A second later, a run of a schedule moves what was replaced.
  const storage = { local_fs_dir: folder };
  const compaction = {
    transaction_file_compact_factor: 2,
    remove_compacted_file_after: 0,
  };
  const id = await createSchedule(session.client, 'compact', {
    node: node.address,
    storage,
    compaction,
  });
  await until('a second has passed', async () => {
    await session.client.schedule.getHandle(id).trigger();
    return !names().some((name) => name !== 'identity.meta' && before.includes(name));
  });
  await session.client.schedule.getHandle(id).delete();

  // What was compacted is still there for whoever asks for it again, and for a verification.
  const again = { type: 'transaction', start_version: 21, num_transactions: 20 } as const;
  expect(await backUp({ ...range, target: again })).toMatchObject({
    already_committed: true,
    metadata: 'metadata/transaction_compacted_21-60.meta',
  });
  expect(await new StorageCopy(folder).verify()).toMatchObject({ findings: [] });

  // A coordinator goes on from it, and compacts what is more than one file.
  const { workflowId } = await ensureCoordinator(session.client, {
    ...{ node: node.address, storage, transaction_batch_size: 20, max_chunk_size: 20_000 },
    compact_above_files: 1,
  });
  await until('it has stored all', async () => {
    const status = await readCoordinator(session.client, workflowId).catch(() => undefined);
    return status?.restorable?.version === `${version}`;
  });
  await until('it has compacted', () =>
    names().some((name) => /^transaction_compacted_0-(8|9|1..)/.test(name)),
  );
});
