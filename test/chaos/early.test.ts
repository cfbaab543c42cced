/** While everything fails, only data that waits for an epoch ending may be unproven. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCatalog } from '../../src/repository/catalog.js';
import { openStorage } from '../../src/storage/open.js';
import { verifyStorage } from '../../src/verify/verify-storage.js';
import { type Target, backUp, devnode, storageFolder } from '../support/backup.js';
import { isEarly, storedEndings } from './early.js';

it('only data of an epoch after the last stored ending may be unproven', async () => {
  const node = await devnode({ transactions: 300, stateItems: 100, epochs: 5 });
  const folder = storageFolder();
  const trust = [node.facts().genesis_waypoint];
  const store = (target: Target) => backUp({ node: node.address, folder, trust, target });
  const ending = (first: number, end: number): Target => {
    return { type: 'epoch_ending', start_epoch: first, end_epoch: end };
  };
  await store(ending(0, 2));
  await store(ending(3, 4));
  const { epoch_ends: ends, version } = node.facts();
  const first = ends[2]! + 1;
  await store({ type: 'transaction', start_version: first, num_transactions: version + 1 - first });
  await store({ type: 'state_snapshot', epoch: 3 });
  const storage = { local_fs_dir: folder };
  const look = async () =>
    (await verifyStorage(openStorage(storage), { storage, trustWaypoints: [] })).findings;

  const { epochEndings } = await readCatalog(openStorage(storage));
  const endings = storedEndings(epochEndings);
  expect(endings).toEqual({ epochs: 2n, version: BigInt(ends[1]!) });
  const findings = await look();
  const named = findings.map(({ object }) => object.split('_')[0]);
  expect(new Set(named)).toEqual(new Set(['epoch', 'state', 'transaction']));
  expect(findings.filter((finding) => !isEarly(finding, endings))).toEqual([]);
  // With the endings stored, the same finding would be a fault.
  const all = { epochs: 5n, version: BigInt(version) };
  expect(findings.filter((finding) => isEarly(finding, all))).toEqual([]);

  const unit = readdirSync(folder).find((name) => name.startsWith('transaction_'))!;
  const chunk = readdirSync(join(folder, unit)).find((name) => name.endsWith('.chunk'))!;
  rmSync(join(folder, unit, chunk));
  const worse = (await look()).filter((finding) => !isEarly(finding, endings));
  expect(worse).toMatchObject([{ object: `${unit}/${chunk}`, code: 'MISSING' }]);
});
