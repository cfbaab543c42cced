/** Metadata that vanishes from the listing of a storage for a while: a coordinator waits, and writes nothing over it. */
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { UPDATE_RETRY } from '../../src/contract/messages.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { hasCaughtUp } from '../support/caught-up.js';
import { startSite } from '../support/site.js';
import { until } from '../support/until.js';

it('an alarm says it while it lasts, and all goes on when it is over', async () => {
  const site = await startSite({ transactions: 600, stateItems: 50, epochs: 2 });
  const { node, session, folder } = site;
  const storage = { local_fs_dir: folder };
  const input = {
    node: node.address,
    storage,
    transaction_batch_size: 300,
    transaction_batch_seconds: 1,
  };
  const { workflowId } = await ensureCoordinator(session.client, input);
  const status = () => readCoordinator(session.client, workflowId).catch(() => undefined);
  const isCaughtUp = async () => {
    const seen = await status();
    return hasCaughtUp(seen, node.facts()) && seen?.alarms.length === 0;
  };
  await until('it has caught up', isCaughtUp, 120_000);

  const [metadata, elsewhere] = [join(folder, 'metadata'), `${folder}-elsewhere`];
  mkdirSync(elsewhere);
  const cut = readdirSync(metadata).filter((name) => name.startsWith('transaction_'));
  for (const name of cut) renameSync(join(metadata, name), join(elsewhere, name));
  const left = readdirSync(metadata);
  await ensureCoordinator(session.client, { ...input, concurrency: 2 }); // it looks at the storage anew
  await until('it is told', async () =>
    ((await status())?.alarms ?? []).some(
      ({ code, text }) =>
        code === 'STORAGE' && /no longer lists the metadata of transactions 0 to/.test(text),
    ),
  );
  node.grow({ transactions: 300 });
  expect(readdirSync(metadata)).toEqual(left);

  for (const name of cut) renameSync(join(elsewhere, name), join(metadata, name));
  await session.client.workflow.getHandle(workflowId).executeUpdate(UPDATE_RETRY);
  await until('it goes on', isCaughtUp, 180_000);
  expect(
    await verifyStorage(openStorage(storage), { storage, trustWaypoints: [] }, WHOLE_STORAGE),
  ).toMatchObject({ ok: true, findings: [], orphans: [] });
}, 600_000);
