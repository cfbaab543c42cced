/** Stored and proven files may change on the disk before the commit, or belong to another place. */
import {
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { receiptsOfUnit } from '../../../src/repository/receipts-of-unit.js';
import type { ResultOf, Unit } from '../../../src/contract/unit.js';
import { openStorage } from '../../../src/storage/open.js';
import {
  backUp,
  committedNames,
  contentOf,
  devnode,
  fetchBytes,
  storageFolder,
} from '../../support/backup.js';

const TRANSACTIONS = 300;

function flip(file: string, at = readFileSync(file).length >> 1): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  rmSync(file);
  writeFileSync(file, bytes);
}

it.each<[string, RegExp, (file: string) => void]>([
  ['a chunk with a changed bit', /\d+-\.chunk$/, flip],
  ['a chunk that is shorter', /\d+-\.chunk$/, (file) => truncateSync(file, 100)],
  ['a missing chunk', /\d+-\.chunk$/, rmSync],
  ['a missing proof', /\.proof$/, rmSync],
  ['a missing receipt', /\.receipt$/, rmSync],
  // In the frontier, so that the receipt can still be read.
  [
    'a receipt with a changed bit',
    /\.receipt$/,
    (file) => flip(file, readFileSync(file, 'utf8').indexOf('in_frontier') + 20),
  ],
])('%s is found by the commit and stored again', async (_, name, damage) => {
  const node = await devnode({ transactions: TRANSACTIONS });
  const folder = storageFolder();
  const setup = {
    node: node.address,
    folder,
    target: { type: 'transaction', start_version: 0, num_transactions: TRANSACTIONS } as const,
  };
  const beforeCommit = (unit: Unit) => {
    const names = readdirSync(join(folder, unit.folder)).filter((file) => name.test(file));
    expect(names.length).toBeGreaterThan(2);
    damage(join(folder, unit.folder, names.sort()[2]!));
  };
  const failed = backUp({ ...setup, beforeCommit });
  await expect(failed).rejects.toMatchObject({
    code: 'UNIT_INCOMPLETE',
    ranges: [expect.any(Number) as number],
  });
  expect(committedNames(folder)).toEqual([]);
  expect(contentOf(folder, await backUp(setup)).payload).toEqual(
    await fetchBytes(`${node.address}/transactions/0/${TRANSACTIONS}`),
  );
});

it('files that were only touched are read again and kept', async () => {
  const node = await devnode({ transactions: TRANSACTIONS });
  const folder = storageFolder();
  const beforeCommit = (unit: Unit) => {
    for (const file of readdirSync(join(folder, unit.folder))) {
      utimesSync(join(folder, unit.folder, file), 1, 1);
    }
  };
  const target = { type: 'transaction', start_version: 0, num_transactions: TRANSACTIONS } as const;
  await backUp({ node: node.address, folder, target, beforeCommit });
  expect(committedNames(folder)).toEqual([`transaction_0-${TRANSACTIONS - 1}.meta`]);
});

it('proven chunks from another place than the requested one are requested again', async () => {
  const node = await devnode();
  const folder = storageFolder();
  const setup = {
    node: node.address,
    folder,
    target: { type: 'state_snapshot', epoch: 3 },
  } as const;
  const beforeRange = (index: number) => {
    node.clearFaults();
    // Its items and the one before them, all shifted by one: a whole run of leaves of the same tree.
    if (index === 2) node.fault({ kind: 'swap', endpoint: 'state_snapshot_chunk' });
  };
  await expect(backUp({ ...setup, beforeRange })).rejects.toMatchObject({
    code: 'UNIT_INCOMPLETE',
    message: expect.stringMatching(/each proven but contradict each other/) as string,
    ranges: [1, 2, 3],
  });
  node.clearFaults();
  const result = await backUp(setup);
  const { version, records } = result as ResultOf<'state_snapshot'>;
  expect(contentOf(folder, result).payload).toEqual(
    await fetchBytes(`${node.address}/state_snapshot_chunk/${version}/0/${records}`),
  );
});

it('files of which only the times changed are read once more, not at each commit', async () => {
  const node = await devnode({ transactions: TRANSACTIONS });
  const folder = storageFolder();
  const target = { type: 'transaction', start_version: 0, num_transactions: 300 } as const;
  let unit: Unit | undefined;
  const beforeCommit = (begun: Unit) => {
    unit = begun;
    throw new Error('died before the commit');
  };
  const setup = { node: node.address, folder, target };
  await expect(backUp({ ...setup, beforeCommit })).rejects.toThrow('died');
  const names = readdirSync(join(folder, unit!.folder));
  for (const name of names) utimesSync(join(folder, unit!.folder, name), 1, 1);

  const storage = openStorage({ local_fs_dir: folder });
  const reads = vi.spyOn(storage, 'read');
  const collect = (signal: AbortSignal, onRange: () => void = () => undefined) =>
    receiptsOfUnit(storage, unit!, onRange);
  const stopped = new AbortController();
  await collect(stopped.signal, () => stopped.abort()).catch(() => undefined);
  await collect(AbortSignal.timeout(60_000));
  const isContent = (name: string) => /\.(chunk|proof)$/.test(name);
  const read = () => reads.mock.calls.filter(([handle]) => isContent(handle)).length;
  expect(read()).toBeGreaterThanOrEqual(names.filter(isContent).length);
  reads.mockClear();
  await collect(AbortSignal.timeout(60_000));
  expect(read()).toBe(0);
});
