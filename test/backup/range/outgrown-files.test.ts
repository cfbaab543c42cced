/** A far too large file of ours counts as damaged, and the work goes on. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Lease } from '../../../src/repository/lease.js';
import type { Unit } from '../../../src/contract/unit.js';
import { openStorage } from '../../../src/storage/open.js';
import {
  type Target,
  backUp,
  committedNames,
  devnode,
  storageFolder,
} from '../../support/backup.js';

const TARGET: Target = { type: 'transaction', start_version: 0, num_transactions: 300 };
const MB = 1024 * 1024;

it.each([
  ['plan.json', MB],
  ['0-.receipt', MB],
  ['0-.chunk', 64 * MB],
  ['transaction.manifest', MB],
  ['proof', 17 * MB],
])('a backup goes on when its %s is damaged by being far too large', async (name, bytes) => {
  const node = await devnode();
  const setup = { node: node.address, folder: storageFolder(), target: TARGET };
  let folder = '';
  const beforeCommit = (unit: Unit) => {
    folder = unit.folder;
    throw new Error('died before the commit');
  };
  await expect(backUp({ ...setup, beforeCommit })).rejects.toThrow('died');
  const file = name === 'proof' ? proofOf(join(setup.folder, folder)) : name;
  // Without its receipt a chunk is stored again, and meets the old proof.
  if (name === 'proof') writeFileSync(join(setup.folder, folder, '0-.receipt'), '');
  writeFileSync(join(setup.folder, folder, file), Buffer.alloc(bytes, 7));

  await expect(backUp(setup)).resolves.toMatchObject({ already_committed: false });
  expect(committedNames(setup.folder)).toHaveLength(1);
});

it('a far too large metadata file stays until somebody removes it, because the stock tool reads it as well', async () => {
  const node = await devnode();
  const setup = { node: node.address, folder: storageFolder(), target: TARGET };
  const { metadata } = await backUp(setup);
  const line = readFileSync(join(setup.folder, metadata), 'utf8');
  writeFileSync(join(setup.folder, metadata), Buffer.alloc(20 * MB, 7));
  await expect(backUp(setup)).rejects.toThrow(/move it out of metadata/);
  expect(statSync(join(setup.folder, metadata)).size).toBe(20 * MB);
  rmSync(join(setup.folder, metadata), { force: true });
  await expect(backUp(setup)).rejects.toThrow(/remove aptos-backup\/known.json too/);
  rmSync(join(setup.folder, 'aptos-backup/known.json'));
  await backUp(setup);
  expect(readFileSync(join(setup.folder, metadata), 'utf8')).toBe(line);
});

it('a far too large lease counts as the lease of an unknown owner', async () => {
  const folder = storageFolder();
  const me = { owner: 'a', host: 'here', workflow: 'w' };
  const storage = openStorage({ local_fs_dir: folder });
  await storage.begin();
  await storage.createBackup('aptos-backup');
  const lease = new Lease(storage, 'commit', me);
  expect(await lease.claim()).toBeUndefined();
  writeFileSync(join(folder, 'aptos-backup/commit-00000001.lease'), Buffer.alloc(MB, 7));
  const next = new Lease(storage, 'commit', { ...me, owner: 'b' });
  expect(await next.claim()).toMatchObject({ owner: '', host: 'unknown' });
});

function proofOf(unit: string): string {
  const receipt = JSON.parse(readFileSync(join(unit, '0-.receipt'), 'utf8')) as {
    proof: { name: string };
  };
  return receipt.proof.name;
}
