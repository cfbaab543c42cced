/**
 * A storage that was removed while a worker lives is made anew as a whole or reported, but never half
 * made.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Learnt } from '../../src/backup/plan/learnt.js';
import { prepareUnit } from '../../src/backup/plan/prepare.js';
import type { Job } from '../../src/contract/job.js';
import { requirePlanned } from '../../src/site/chain-anchor.js';
import { devnode, jobOf, storageFolder } from '../support/backup.js';
import { siteOf } from '../support/open-site.js';

async function planned() {
  const node = await devnode();
  const folder = join(storageFolder(), 'backups');
  const target = { type: 'transaction', start_version: 0, num_transactions: 100 } as const;
  const job = jobOf({ node: node.address, folder, target });
  const site = await siteOf(job);
  const plan = (more: Partial<Job> = {}) =>
    prepareUnit(
      site,
      { ...job, ...more },
      { lanes: 4, learnt: Learnt.from(site.address), signal: AbortSignal.timeout(60_000) },
    );
  await plan();
  return { site, folder, plan };
}

it('a removed storage is begun again as a whole by the process that knew it', async () => {
  const { folder, plan } = await planned();
  const before = readdirSync(folder, { recursive: true }).sort();
  expect(before).toContain(join('metadata', 'identity.meta'));
  rmSync(folder, { recursive: true });
  expect(await plan()).toHaveProperty('unit');
  expect(readdirSync(folder, { recursive: true }).sort()).toEqual(before);
});

it('a removed storage is not begun again by a process that must find it, and the error says what to do', async () => {
  const { folder, plan } = await planned();
  rmSync(folder, { recursive: true });
  const told = plan({ existingStorage: true });
  await expect(told).rejects.toMatchObject({ code: 'STORAGE_EMPTIED', retryable: true });
  await expect(told).rejects.toThrow('If it was removed on purpose: aptos-backup stop');
  expect(readdirSync(join(folder, '..'))).toEqual([]);
});

it('nothing is written to a storage without its metadata, and the error says what to do', async () => {
  const { folder, plan } = await planned();
  rmSync(join(folder, 'metadata'), { recursive: true });
  const left = readdirSync(folder, { recursive: true }).sort();
  for (const more of [{}, { existingStorage: true as const }]) {
    const told = plan(more);
    await expect(told).rejects.toMatchObject({ code: 'METADATA_REMOVED', retryable: false });
    await expect(told).rejects.toThrow('remove aptos-backup/ as well');
  }
  expect(readdirSync(folder, { recursive: true }).sort()).toEqual(left);
});

it('what follows a plan refuses a bare mount point, before anything is written there', async () => {
  const { site, folder } = await planned();
  await requirePlanned(site);
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  await expect(requirePlanned(site)).rejects.toMatchObject({ code: 'STORAGE_EMPTIED' });
  expect(readdirSync(folder)).toEqual([]);
});
