/**
 * A commit refuses what a verification would refuse, even where nothing proves the bytes by themselves.
 */
import { expect, it } from 'vitest';
import {
  decodeLedgerInfoWithSignatures,
  formatWaypoint,
  waypointOf,
} from '../../../src/aptos/index.js';
import { Chain } from '../../../src/devnode/chain/chain.js';
import { Faults } from '../../../src/devnode/faults.js';
import { Load } from '../../../src/devnode/load.js';
import { createService } from '../../../src/devnode/http/service.js';
import { openStorage } from '../../../src/storage/open.js';
import { verifyStorage } from '../../../src/verify/verify-storage.js';
import {
  type Target,
  backUp,
  committedNames,
  devnode,
  fetchBytes,
  storageFolder,
} from '../../support/backup.js';
import { listen } from '../../support/listen.js';
import { tamperingProxy } from '../../support/tampering-proxy.js';

const ENDINGS: Target = { type: 'epoch_ending', start_epoch: 0, end_epoch: 3 };
const GENESIS: Target = { type: 'transaction', start_version: 0, num_transactions: 1 };
const GENESIS_STATE: Target = { type: 'state_snapshot', epoch: 0 };
const BITMASK_AND_SIGNATURE = 2;

it.each([
  ['epoch_ending_ledger_infos/0/', 4, ENDINGS],
  ['transaction_range_proof/0/0', 0, GENESIS],
  ['state_root_proof/0', 0, GENESIS_STATE],
] as const)(
  'a backup refuses an answer of %s whose fields outside the genesis waypoint were changed',
  async (path, prefix, target) => {
    const node = await devnode({ transactions: 100, stateItems: 200, epochs: 3 });
    const honest = await fetchBytes(`${node.address}/epoch_ending_ledger_infos/0/1`);
    const genesis = decodeLedgerInfoWithSignatures(honest.subarray(4));
    // Round, block id and consensus hash are in the ledger info. The signature bytes follow it.
    const at = [9, 20, genesis.bytes.length - BITMASK_AND_SIGNATURE - 1, genesis.bytes.length - 1];
    for (const byte of at) {
      const folder = storageFolder();
      const proxy = await tamperingProxy(node.address, (asked, answer) => {
        if (!asked.startsWith(`/${path}`)) return answer;
        const start = answer.indexOf(genesis.bytes);
        expect(start).toBeGreaterThanOrEqual(prefix);
        answer[start + byte]! ^= 1;
        return answer;
      });
      await expect(backUp({ node: proxy, folder, target }), `byte ${byte}`).rejects.toThrow();
      expect(committedNames(folder)).toEqual([]);
    }
  },
);

it('a backup refuses a damaged signature below a trusted waypoint, although nothing needs it', async () => {
  const node = await devnode({ transactions: 100, stateItems: 200, epochs: 3 });
  const [ending, rest] = [
    await fetchBytes(`${node.address}/epoch_ending_ledger_infos/2/3`),
    storageFolder(),
  ];
  const { ledgerInfo, bytes } = decodeLedgerInfoWithSignatures(ending.subarray(4));
  const trust = [formatWaypoint(waypointOf(ledgerInfo))];
  const proxy = await tamperingProxy(node.address, (_path, answer) => {
    const start = answer.indexOf(bytes);
    if (start >= 0) answer[start + bytes.length - 1]! ^= 1;
    return answer;
  });
  const setup = { folder: rest, target: ENDINGS, trust };
  await expect(backUp({ ...setup, node: proxy })).rejects.toThrow(/signature/);
  expect(committedNames(rest)).toEqual([]);
  await expect(backUp({ ...setup, node: node.address })).resolves.toBeDefined();
});

it.each([
  { type: 'state_snapshot', epoch: 1 },
  { type: 'transaction', start_version: 0, num_transactions: 150 },
] satisfies Target[])(
  'a backup refuses a $type under a genuine ledger info of a later epoch',
  async (target) => {
    const chain = new Chain({
      seed: 1,
      format: 'V1',
      validators: 4,
      blockSize: 50,
      creations: 2,
      snapshotsKept: Infinity,
    });
    for (const ends of [true, true, true, false]) chain.grow(100, ends);
    const honest = chain.ledgerInfoFor.bind(chain);
    chain.ledgerInfoFor = () => honest(chain.version);
    const node = await served(chain);

    const folder = storageFolder();
    await expect(backUp({ node, folder, target })).rejects.toThrow(/is not of epoch 4/);
    expect(committedNames(folder)).toEqual([]);

    chain.ledgerInfoFor = honest;
    for (const wanted of [ENDINGS, target]) await backUp({ node, folder, target: wanted });
    const storage = { local_fs_dir: folder };
    expect(
      (await verifyStorage(openStorage(storage), { storage, trustWaypoints: [] })).findings,
    ).toEqual([]);
  },
);

async function served(chain: Chain): Promise<string> {
  const service = createService({
    served: { chain, ahead: undefined, pruneWindow: undefined, empty: false },
    forged: () => {
      throw new Error('nothing is forged here');
    },
    faults: new Faults(1),
    onDie: () => undefined,
    load: new Load(),
  });
  return listen(service);
}
