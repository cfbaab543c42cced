/** Proofs of any range and any key are those of the definition; pages of any size give the same items. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { skipStateKey } from '../../src/aptos/bcs/skip-state.js';
import {
  Accumulator,
  decodeLedgerInfoWithSignatures,
  encodeStateRangeProof,
  encodeTransactionRangeProof,
  hash,
  rightSiblings,
  stateRecordKeyHash,
  transactionInfoIn,
} from '../../src/aptos/index.js';
import { served } from '../support/archive.js';
import { backUp, devnode, fetchBytes, storageFolder } from '../support/backup.js';
import { STOCK, splitRecords } from '../support/storage-copy.js';

const PLAIN = { local_fs_dir: join(STOCK, 'stock-plain') };
const VERSIONS = 251;

it('the proof of any range of transactions is that of the whole accumulator', async () => {
  const { address } = await served(PLAIN);
  const records = splitRecords(await fetchBytes(`${address}/transactions/0/${VERSIONS}`));
  const accumulator = new Accumulator('TransactionAccumulator');
  for (const record of records) {
    accumulator.append(hash('TransactionInfo', transactionInfoIn(record, 'V1')));
  }
  const endings = splitRecords(await fetchBytes(`${address}/epoch_ending_ledger_infos/0/6`)).map(
    (bytes) => decodeLedgerInfoWithSignatures(bytes),
  );
  for (let i = 0; i < 80; i += 1) {
    const [a, b] = [(i * 37) % 241, (i * 101 + 13) % 241];
    const [first, last] = [Math.min(a, b), Math.max(a, b)];
    const { ledgerInfo, bytes } = endings.find((e) => e.ledgerInfo.version >= BigInt(last))!;
    const { left, right } = accumulator.rangeProof(first, last, Number(ledgerInfo.version) + 1);
    const proof = await fetchBytes(`${address}/transaction_range_proof/${first}/${last}`);
    const expected = Buffer.from(encodeTransactionRangeProof(left, right, bytes));
    expect(proof.equals(expected), `${first} to ${last}`).toBe(true);
  }
});

it.each([0, 64 * 1024 * 1024])(
  'the siblings right of any key are those of the whole tree, and pages of 2 items give the whole state: memory %i',
  async (cacheBytes) => {
    const { address } = await served(PLAIN, { cacheBytes });
    const whole = await fetchBytes(`${address}/state_snapshot/240`);
    const leaves = splitRecords(whole).map((record) => ({
      key: stateRecordKeyHash(record),
      value: hash('StateValue', record.subarray(skipStateKey(record, 0, record.length))),
    }));
    for (let i = 0; i < leaves.length; i += 3) {
      const key = Buffer.from(leaves[i]!.key).toString('hex');
      const proof = await fetchBytes(`${address}/state_range_proof/240/${key}`);
      const expected = Buffer.from(encodeStateRangeProof(rightSiblings(leaves, i)));
      expect(proof.equals(expected), key).toBe(true);
    }
    const pages: Buffer[] = [];
    for (let at = 0; at < leaves.length; at += 2) {
      pages.push(await fetchBytes(`${address}/state_snapshot_chunk/240/${at}/2`));
    }
    expect(Buffer.concat(pages).equals(whole)).toBe(true);
  },
);

it('transactions that were backed up before their epoch ended are proven as they were then', async () => {
  const node = await devnode({ transactions: 200, stateItems: 100, epochs: 2 });
  const before = node.facts();
  const after = node.grow({ transactions: 100, epochs: 1 });
  const early = await devnode({ transactions: 200, stateItems: 100, epochs: 2 });
  const folder = storageFolder();
  const common = { folder, maxChunkSize: 15_000, trust: [before.genesis_waypoint] };
  const endings = (address: string, first: number, end: number) => {
    const target = { type: 'epoch_ending', start_epoch: first, end_epoch: end } as const;
    return backUp({ ...common, node: address, target });
  };
  const history = (address: string, first: number, last: number, to = folder) => {
    const range = { start_version: first, num_transactions: last - first + 1 };
    return backUp({
      ...common,
      folder: to,
      node: address,
      target: { type: 'transaction', ...range },
    });
  };
  await endings(early.address, 0, before.epoch);
  await history(early.address, 0, before.version);
  await endings(node.address, before.epoch, after.epoch);
  await history(node.address, before.version + 1, after.version);
  const archive = await served({ local_fs_dir: folder });
  const again = storageFolder();
  const target = { type: 'epoch_ending', start_epoch: 0, end_epoch: after.epoch } as const;
  await backUp({ ...common, folder: again, node: archive.address, target });
  for (const [first, last] of [
    [0, 90],
    [91, before.version + 20],
    [before.version + 21, after.version],
  ] as const) {
    const result = await history(archive.address, first, last, again);
    expect(result.proven).toBe('signed');
  }
  expect(archive.errors).toEqual([]);
});
