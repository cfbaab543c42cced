/**
 * A chain with newer forms of records. Those that hashes prove are stored and verified as always. The
 * others are unsupported, which is no lie and no reason to leave the node.
 */
import { describe, expect, it } from 'vitest';
import { nodeFault } from '../../src/site/node-fault.js';
import type { FutureForm } from '../../src/devnode/chain/future.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import {
  type Target,
  backUp,
  contentOf,
  devnode,
  fetchBytes,
  storageFolder,
} from '../support/backup.js';

const LAST = 299;
const TARGETS: Target[] = [
  { type: 'epoch_ending', start_epoch: 0, end_epoch: 4 },
  { type: 'transaction', start_version: 0, num_transactions: LAST + 1 },
  { type: 'state_snapshot', epoch: 3 },
];

const verify = (folder: string) => {
  const storage = openStorage({ local_fs_dir: folder });
  return verifyStorage(
    storage,
    { storage: { local_fs_dir: folder }, trustWaypoints: [] },
    WHOLE_STORAGE,
  );
};

const PROVEN: FutureForm[][] = [
  ['write-set-v1', 'epilogue-v2', 'info-v1'],
  ['write-set'],
  ['transaction'],
  ['auxiliary'],
  ['event'],
  ['status'],
  ['write-set', 'transaction', 'auxiliary', 'event'],
];

describe('a chain whose records have newer forms of', () => {
  it.each(PROVEN.map((forms) => ({ forms, name: forms.join(', ') })))(
    '$name is backed up byte for byte and verified',
    async ({ forms }) => {
      const node = await devnode({ future: { forms, from: 120 } });
      const folder = storageFolder();
      const results = [];
      for (const target of TARGETS) {
        results.push(await backUp({ node: node.address, folder, target, maxChunkSize: 40_000 }));
      }
      const sent = await fetchBytes(`${node.address}/transactions/0/${LAST + 1}`);
      expect(contentOf(folder, results[1]!).payload.equals(sent)).toBe(true);
      expect(await verify(folder)).toMatchObject({ ok: true, findings: [] });
    },
  );
});

describe('a chain whose records have newer forms that no hash proves', () => {
  const from = 120;
  it.each<[FutureForm, RegExp]>([
    ['info', /^.*version 120: variant 2 of TransactionInfo is not known .*update aptos-backup/],
    ['auxiliary-unhashed', /version 120: variant 4 of PersistedAuxiliaryInfo is not known/],
    ['events', /version 12\d: variant 3 of ContractEvent is not known/],
  ])(
    'in the form %s is unsupported and named with its version, and the records before it are stored',
    async (form, why) => {
      const node = await devnode({ future: { forms: [form], from } });
      const folder = storageFolder();
      const transactions = (count: number) =>
        backUp({
          node: node.address,
          folder,
          target: { type: 'transaction', start_version: 0, num_transactions: count },
        });
      const error = await transactions(LAST + 1).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(why) as string,
      });
      expect(nodeFault(error)).toBeUndefined();
      await backUp({ node: node.address, folder, target: TARGETS[0]! });
      await transactions(from);
      expect(await verify(folder)).toMatchObject({ ok: true, findings: [] });
    },
  );

  it('is unsupported in the proof of a state and in a ledger info, too', async () => {
    const info = await devnode({ future: { forms: ['info'], from } });
    const snapshot = { node: info.address, folder: storageFolder(), target: TARGETS[2]! };
    await expect(backUp(snapshot)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(
        /root proof of version \d+: variant 2 of TransactionInfo .*update/,
      ) as string,
    });
    const signed = await devnode({ future: { forms: ['ledger-info'], from } });
    for (const target of TARGETS) {
      const setup = { node: signed.address, folder: storageFolder(), target };
      await expect(backUp(setup)).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(
          /(epoch|versions?) \d+.*: variant 1 of LedgerInfoWithSignatures .*update/,
        ) as string,
      });
    }
  });
});
