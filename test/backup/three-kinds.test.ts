/**
 * The files have the node's own bytes, cut by the stock rule, with the names and manifests of the stock
 * tool.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { verifyStorage } from '../../src/verify/verify-storage.js';
import {
  backUp,
  committedNames,
  contentOf,
  devnode,
  fetchBytes,
  leftovers,
  storageFolder,
} from '../support/backup.js';

const MAX = 20_000;

describe.each(['V0', 'V1'] as const)('a chain with records %s', (format) => {
  it('is backed up byte for byte, and its stored files prove it', async () => {
    const node = await devnode({ format, seed: 5 });
    const folder = storageFolder();
    const { version, epoch, epoch_ends: ends, genesis_waypoint: genesis } = node.facts();
    const common = { node: node.address, folder, maxChunkSize: MAX, trust: [genesis] };

    const epochs = await backUp({
      ...common,
      target: { type: 'epoch_ending', start_epoch: 0, end_epoch: epoch },
    });
    const endings = contentOf(folder, epochs);
    expect(endings.payload).toEqual(
      await fetchBytes(`${node.address}/epoch_ending_ledger_infos/0/${epoch}`),
    );
    expect(epochs).toMatchObject({ proven: 'signed', anchor: { confirmed: true } });

    const state = await backUp({
      ...common,
      target: { type: 'state_snapshot', epoch: epoch - 1 },
    });
    const snapshot = contentOf(folder, state);
    const at = ends.at(-1)!;
    expect(snapshot.payload).toEqual(await fetchBytes(`${node.address}/state_snapshot/${at}`));
    expect(snapshot.read(snapshot.manifest.proof!)).toEqual(
      await fetchBytes(`${node.address}/state_root_proof/${at}`),
    );
    expect(snapshot.files.length).toBeGreaterThan(3);
    for (const chunk of snapshot.manifest.chunks) {
      const url = `${node.address}/state_range_proof/${at}/${chunk['last_key']}`;
      expect(snapshot.read(String(chunk['proof']))).toEqual(await fetchBytes(url));
      expect(chunk['proof']).toBe(
        `${state.backup}/${chunk['first_idx']}-${chunk['last_idx']}.proof`,
      );
    }

    const transactions = await backUp({
      ...common,
      target: { type: 'transaction', start_version: 0, num_transactions: version + 1 },
    });
    const history = contentOf(folder, transactions);
    expect(history.payload).toEqual(
      await fetchBytes(`${node.address}/transactions/0/${version + 1}`),
    );
    for (const chunk of history.manifest.chunks) {
      const { first_version: first, last_version: last } = chunk;
      const url = `${node.address}/transaction_range_proof/${first}/${last}`;
      expect(history.read(String(chunk['proof']))).toEqual(await fetchBytes(url));
      expect(chunk['format']).toBe(format === 'V1' ? 'V1' : undefined);
    }

    // Within a range, the stock rule cuts: a file is full, or the last of its range.
    for (const file of [...snapshot.files, ...history.files]) {
      expect(file.length <= MAX || file.readUInt32BE(0) + 4 === file.length).toBe(true);
    }
    expect(committedNames(folder).sort()).toEqual([
      `epoch_ending_0-${epoch - 1}.meta`,
      `state_snapshot_ver_${at}.meta`,
      `transaction_0-${version}.meta`,
    ]);
    expect(readFileSync(join(folder, transactions.metadata), 'utf8')).toBe(
      `{"TransactionBackup":{"first_version":0,"last_version":${version},"manifest":"${transactions.manifest}"}}\n`,
    );
    expect(leftovers(folder)).toEqual([]);

    const storage = { local_fs_dir: folder };
    const settings = { storage, trustWaypoints: [genesis] };
    const records = [epochs, state, transactions].reduce((sum, r) => sum + BigInt(r.records), 0n);
    expect(await verifyStorage(openStorage(storage), settings)).toMatchObject({
      ok: true,
      genesis_confirmed: true,
      restorable_by_stock: { yes: true },
      orphans: [],
      checked: { records: `${records}` },
    });
  });
});

it('a range gives one backup, however often the backup is started', async () => {
  const node = await devnode();
  const folder = storageFolder();
  const target = { type: 'transaction', start_version: 0, num_transactions: 100 } as const;
  const first = await backUp({ node: node.address, folder, target });
  node.clearRequests();
  const again = await backUp({ node: node.address, folder, target });
  expect(again).toMatchObject({ already_committed: true, manifest: first.manifest });
  expect(Object.keys(node.requests()).filter((path) => path.startsWith('/trans'))).toEqual([]);
});

it('a backup may start above the genesis transaction', async () => {
  const node = await devnode();
  const folder = storageFolder();
  const target = { type: 'transaction', start_version: 137, num_transactions: 5 } as const;
  const result = await backUp({ node: node.address, folder, target });
  expect(contentOf(folder, result).payload).toEqual(
    await fetchBytes(`${node.address}/transactions/137/5`),
  );
});

it('a backup of data that the node does not have yet is refused', async () => {
  const node = await devnode();
  const folder = storageFolder();
  const { version, epoch } = node.facts();
  await expect(
    backUp({
      node: node.address,
      folder,
      target: { type: 'transaction', start_version: 0, num_transactions: version + 2 },
    }),
  ).rejects.toMatchObject({ code: 'NODE_BEHIND' });
  await expect(
    backUp({
      node: node.address,
      folder,
      target: { type: 'epoch_ending', start_epoch: 0, end_epoch: epoch + 1 },
    }),
  ).rejects.toMatchObject({ code: 'NODE_BEHIND' });
  const largest = '18446744073709551615';
  await expect(
    backUp({ node: node.address, folder, target: { type: 'state_snapshot', epoch: largest } }),
  ).rejects.toMatchObject({
    code: 'NODE_BEHIND',
    message: expect.stringContaining(largest) as string,
  });
  expect(committedNames(folder)).toEqual([]);
});
