/** A storage that goes away while a plan takes samples is not made anew. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Learnt } from '../../../src/backup/plan/learnt.js';
import { prepareUnit } from '../../../src/backup/plan/prepare.js';
import { devnode, jobOf, storageFolder } from '../../support/backup.js';
import { siteOf } from '../../support/open-site.js';

it.each(['moved away', 'unmounted'])(
  'a backup writes nothing if its storage is %s while it plans',
  async (how) => {
    const node = await devnode();
    const folder = join(storageFolder(), 'backups');
    const target = { type: 'transaction', start_version: 0, num_transactions: 100 } as const;
    const job = jobOf({ node: node.address, folder, target });
    const site = await siteOf(job);

    const transactions = site.node.transactions.bind(site.node);
    let gone = false;
    site.node.transactions = (...range) => {
      if (!gone && existsSync(join(folder, 'metadata'))) {
        gone = true;
        renameSync(folder, `${folder}.away`);
        if (how === 'unmounted') mkdirSync(folder);
      }
      return transactions(...range);
    };
    const signal = AbortSignal.timeout(60_000);
    const plan = () =>
      prepareUnit(site, job, { lanes: 4, learnt: Learnt.from(site.address), signal });
    await expect(plan()).rejects.toMatchObject({ code: 'STORAGE_EMPTIED', retryable: true });
    expect(gone).toBe(true);
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);

    rmSync(folder, { recursive: true, force: true });
    renameSync(`${folder}.away`, folder);
    expect(await plan()).toHaveProperty('unit');
  },
);
