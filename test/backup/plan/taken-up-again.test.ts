/** Reading in small streams goes on where it stopped: verified or sampled data is not requested twice. */
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { type Answers, Learnt } from '../../../src/backup/plan/learnt.js';
import { prepareUnit } from '../../../src/backup/plan/prepare.js';
import { backUp, devnode, jobOf, storageFolder } from '../../support/backup.js';
import { listen } from '../../support/listen.js';
import { siteOf } from '../../support/open-site.js';
import { refusingProxy } from '../../support/refusing-proxy.js';
import { rangeRequests } from '../../support/site.js';

/** A proxy before a node that cuts each stream after one whole record, if it has more. */
async function cuttingProxy(node: string): Promise<string> {
  const server = createServer((asked, answer) => {
    fetch(node + asked.url!)
      .then(async (given) => {
        const body = Buffer.from(await given.arrayBuffer());
        answer.writeHead(given.status);
        const isStream = /^\/(epoch|transactions|state_snapshot)/.test(asked.url!);
        const end = isStream && body.length > 4 ? 4 + body.readUInt32BE() : body.length;
        if (end === body.length) return void answer.end(body);
        answer.write(body.subarray(0, end + 2));
        setTimeout(() => answer.socket?.end(), 10);
      })
      .catch(() => answer.destroy());
  });
  return listen(server);
}

const TARGET = { type: 'transaction', start_version: 0, num_transactions: 60 } as const;

it('after a broken stream, the history of epochs goes on from the last verified ending', async () => {
  const node = await devnode({ epochs: 9 });
  const address = await cuttingProxy(node.address);
  const site = await siteOf(jobOf({ node: address, folder: storageFolder(), target: TARGET }));
  await site.history.ending(8n);
  expect(site.history.verified).toBe(9);
  const asked = rangeRequests(node.requests(), 'epoch_ending_ledger_infos');
  const toTheEnd = asked.filter((path) => path.endsWith('/9'));
  expect(toTheEnd).toEqual([2, 3, 4, 5, 6, 7, 8].map((n) => `/epoch_ending_ledger_infos/${n}/9`));
});

it('a range whose streams all break after one record is stored, and each record is requested once', async () => {
  const node = await devnode();
  const setup = { node: await cuttingProxy(node.address), folder: storageFolder(), target: TARGET };
  const beforeRange = () => node.clearRequests();
  const done = await backUp({ ...setup, oneRange: true, maxChunkSize: 1_000_000, beforeRange });
  expect(done).toMatchObject({ records: '60', chunks: 1 });
  expect(rangeRequests(node.requests(), 'transactions').sort()).toEqual(
    Array.from({ length: 60 }, (_, i) => `/transactions/${i}/${60 - i}`).sort(),
  );
});

it('a plan does not ask its node again for what an earlier attempt has learnt', async () => {
  const node = await devnode();
  let errs = true;
  const fifth = /^\/transactions\/160\/32$/;
  const address = await refusingProxy(node.address, (path) =>
    errs && fifth.test(path) ? 502 : undefined,
  );
  const target = { ...TARGET, num_transactions: 320 };
  const job = jobOf({ node: address, folder: storageFolder(), target });
  const site = await siteOf(job);
  const signal = AbortSignal.timeout(60_000);
  const plan = (learnt: Learnt) => prepareUnit(site, job, { lanes: 4, learnt, signal });

  const first = Learnt.from(address);
  await expect(plan(first)).rejects.toMatchObject({ code: 'NODE_HTTP_STATUS', status: 502 });
  expect(first.size).toBe(4);
  errs = false;
  // As a heartbeat carries it.
  const told = JSON.parse(JSON.stringify(first.kept)) as Answers;
  expect(await plan(Learnt.from(address, told))).toHaveProperty('unit');
  const sampled = rangeRequests(node.requests(), 'transactions').filter((p) => p.endsWith('/32'));
  expect(sampled.sort()).toEqual(
    [0, 40, 80, 120, 160, 200, 240, 280].map((at) => `/transactions/${at}/32`).sort(),
  );
});

it('an answer of one node does not count as an answer of another', async () => {
  const first = Learnt.from('http://a');
  expect(await first.once('size at 0', () => Promise.resolve(5))).toBe(5);
  const other = Learnt.from('http://b', first.kept);
  expect(await other.once('size at 0', () => Promise.resolve(6))).toBe(6);
  const same = Learnt.from('http://a', first.kept);
  expect(await same.once('size at 0', () => Promise.resolve(6))).toBe(5);
});
