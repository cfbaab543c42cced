/** A storage that is unmounted under a backup: its bare mount point is never taken for a new storage. */
import { mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { namesBelow } from '../support/backup.js';
import { hasCaughtUp } from '../support/caught-up.js';
import { startSite } from '../support/site.js';
import { until } from '../support/until.js';

it('nothing is written while the storage is away, and the backup goes on when it is back', async () => {
  const site = await startSite({ transactions: 1_000, stateItems: 50, epochs: 2 });
  const { node, session, folder } = site;
  const storage = { local_fs_dir: folder };
  const { workflowId } = await ensureCoordinator(session.client, {
    node: node.address,
    storage,
    transaction_batch_size: 1_000,
    transaction_batch_seconds: 1,
    max_chunk_size: 20_000,
  });
  const status = () => readCoordinator(session.client, workflowId).catch(() => undefined);
  const receipts = () =>
    namesBelow(folder).filter((name) => /transaction_.*receipt$/.test(name)).length;
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 20_000 });
  await until('a unit is in flight', () => receipts() >= 2);

  const elsewhere = `${folder}-elsewhere`;
  renameSync(folder, elsewhere);
  mkdirSync(folder);
  await until('it is told', async () =>
    ((await status())?.alarms ?? []).some(({ text }) =>
      text.includes('unmounted, removed or emptied'),
    ),
  );
  await until('the unit has noticed it', async () =>
    ((await status())?.retrying ?? []).some(({ reason }) => /unmounted|is missing/.test(reason)),
  );
  expect(readdirSync(folder)).toEqual([]);

  rmdirSync(folder); // fails if anything was written there
  renameSync(elsewhere, folder);
  node.clearFaults();
  await until('it has caught up', async () => {
    const seen = await status();
    return hasCaughtUp(seen, node.facts()) && seen?.alarms.length === 0;
  });
  expect(
    await verifyStorage(openStorage(storage), { storage, trustWaypoints: [] }, WHOLE_STORAGE),
  ).toMatchObject({ ok: true, findings: [], orphans: [] });
}, 600_000);
