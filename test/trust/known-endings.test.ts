/** Verified epoch endings are kept in the data folder. Damaged ones are verified again. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSite } from '../../src/site/site.js';
import type { EpochEnding } from '../../src/trust/epoch-history.js';
import type { Devnode } from '../../src/devnode/devnode.js';
import { devnode, jobOf, storageFolder } from '../support/backup.js';
import { rangeRequests } from '../support/site.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** The endings of epochs 0 to `epoch`, as a process with a data folder learns them. */
async function endings(node: Devnode, data: string, epoch: bigint): Promise<EpochEnding[]> {
  const target = { type: 'transaction', start_version: 0, num_transactions: 1 } as const;
  const job = jobOf({ node: node.address, folder: storageFolder(), target });
  const site = await openSite(job, node.address, data);
  try {
    await site.history.ending(epoch);
    const epochs = Array.from({ length: Number(epoch) + 1 }, (_, i) => BigInt(i));
    return await Promise.all(epochs.map((e) => site.history.ending(e)));
  } finally {
    site.node.close();
  }
}

/** A data folder that knows the endings of epochs 0 to 2; its file, and the endings. */
async function known() {
  const node = await devnode();
  const data = temporaryFolder('data');
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const verified = await endings(node, data, 2n);
  const [name] = readdirSync(join(data, 'epochs'));
  node.clearRequests();
  return { node, data, verified, file: join(data, 'epochs', name!) };
}

it('epoch endings that were verified before are not fetched again', async () => {
  const { node, data, verified } = await known();
  expect(await endings(node, data, 2n)).toEqual(verified);
  expect(fetched(node)).toEqual([GENESIS]);
});

it.each<[string, (text: string, last: string) => string]>([
  ['with a changed digit in its last waypoint', (text, last) => text.replace(last, altered(last))],
  ['with a changed bit in how an ending is proven', (text) => text.replace('signed', 'signee')],
  ['that is cut off', (text) => text.slice(0, text.length >> 1)],
  ['that is empty', () => ''],
  // As files were written before they had a digest.
  ['without a digest', (_, last) => JSON.stringify([[altered(last), 'signed']])],
])('a file of endings %s is ignored and written again', async (_, damage) => {
  const { node, data, verified, file } = await known();
  const whole = readFileSync(file, 'utf8');
  writeFileSync(file, damage(whole, verified[2]!.waypoint));
  expect((await endings(node, data, 3n)).slice(0, 3)).toEqual(verified);
  node.clearRequests();
  expect(await endings(node, data, 2n)).toEqual(verified);
  expect(fetched(node)).toEqual([GENESIS]);
});

/** The requests of each opening, by which it recognises the chain. */
const GENESIS = '/epoch_ending_ledger_infos/0/1';

function fetched(node: Devnode): string[] {
  return rangeRequests(node.requests(), 'epoch_ending_ledger_infos');
}

function altered(waypoint: string): string {
  return waypoint.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
}
