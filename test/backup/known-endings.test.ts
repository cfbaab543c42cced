/** Verified epoch endings are kept in the data folder: damaged there, they are verified anew. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSite } from '../../src/backup/site.js';
import type { EpochEnding } from '../../src/backup/trust/epoch-history.js';
import type { Devnode } from '../../src/devnode/devnode.js';
import { devnode, jobOf, storageFolder } from '../support/backup.js';
import { rangeRequests } from '../support/site.js';
import { temporaryFolder } from '../support/temporal.js';

/** The endings of epochs 0 to `epoch`, as a process learns them that uses a data folder. */
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

/** A data folder in which the endings of epochs 0 to 2 are known; where its file is, and what they are. */
async function known() {
  const node = await devnode();
  const data = temporaryFolder('data');
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const verified = await endings(node, data, 2n);
  const [name] = readdirSync(join(data, 'epochs'));
  node.clearRequests();
  return { node, data, verified, file: join(data, 'epochs', name!) };
}

it('what was verified before is not fetched again', async () => {
  const { node, data, verified } = await known();
  expect(await endings(node, data, 2n)).toEqual(verified);
  expect(fetched(node)).toEqual([GENESIS]);
});

it.each<[string, (text: string, last: string) => string]>([
  ['with another digit in its last waypoint', (text, last) => text.replace(last, altered(last))],
  ['with another bit in how one is proven', (text) => text.replace('signed', 'signee')],
  ['that is torn', (text) => text.slice(0, text.length >> 1)],
  ['that is empty', () => ''],
  // As it was written before files had a digest.
  ['without a digest', (_, last) => JSON.stringify([[altered(last), 'signed']])],
])('a file of endings %s counts as none, and is written anew', async (_, damage) => {
  const { node, data, verified, file } = await known();
  const whole = readFileSync(file, 'utf8');
  writeFileSync(file, damage(whole, verified[2]!.waypoint));
  expect((await endings(node, data, 3n)).slice(0, 3)).toEqual(verified);
  node.clearRequests();
  expect(await endings(node, data, 2n)).toEqual(verified);
  expect(fetched(node)).toEqual([GENESIS]);
});

/** What each opening asks for, to know the chain by it. */
const GENESIS = '/epoch_ending_ledger_infos/0/1';

function fetched(node: Devnode): string[] {
  return rangeRequests(node.requests(), 'epoch_ending_ledger_infos');
}

function altered(waypoint: string): string {
  return waypoint.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
}
