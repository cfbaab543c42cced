/** Our code computes what public networks published. Needs the chain data beside the checkout. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BcsReader } from '../../../src/aptos/bcs/reader.js';
import { skipWriteSet } from '../../../src/aptos/bcs/skip-state.js';
import { skipTransaction } from '../../../src/aptos/bcs/skip-transaction.js';
import { genesisWaypoint } from '../../../src/aptos/chain/genesis.js';
import {
  type EpochState,
  readEpochState,
  readLedgerInfoWithSignatures,
} from '../../../src/aptos/chain/ledger-info.js';
import { verifyLedgerInfoSignatures } from '../../../src/aptos/chain/signatures.js';
import {
  readTransactionInfo,
  transactionInfoHash,
} from '../../../src/aptos/chain/transaction-info.js';
import { formatWaypoint, waypointOf } from '../../../src/aptos/chain/waypoint.js';
import { verifyLeaf } from '../../../src/aptos/accumulator/verify-proof.js';
import { hash } from '../../../src/aptos/hash/seeds.js';
import { fromHex, toHex } from '../../../src/aptos/hex.js';
import { sharedData } from '../../shared-data.js';

const present = sharedData('ledger') !== undefined;
const read = (...path: string[]) => new Uint8Array(readFileSync(sharedData(...path)!));

describe.skipIf(!present)('genesis blobs', () => {
  it.each([
    ['testnet', '0:4b56f15c1dcef7f9f3eb4b4798c0cba0f1caacc0d35f1c80ad9b7a21f1f8b454'],
    ['devnet', '0:60d173fa4089ba2e45edbed9e82e5a5f9425d2f5cc9352b50e9c5e0d14c658e8'],
  ])('give the published genesis waypoint of %s', (network, waypoint) => {
    const blob = read('genesis', `${network}.blob`);
    expect(formatWaypoint(genesisWaypoint(blob))).toBe(waypoint);
    for (const end of [0, 1, 2, 100, blob.length - 1]) {
      expect(() => genesisWaypoint(blob.subarray(0, end))).toThrow(
        expect.objectContaining({ code: 'GENESIS_INVALID' }) as Error,
      );
    }
  });
});

describe.skipIf(!present)('mainnet ledger infos', () => {
  it.each([
    [7495, '998146172:40afa6c1739d8c87b4fcf22471d67fd0d224a325a9de2c768081fcf5bfa80d9c'],
    [7248, '964740733:157a681fab4a601350abeb4a6eb2e20085b8024f17bcc739ae1a417961a8ea72'],
  ])('are proven at the end of epoch %s', (epoch, waypoint) => {
    const { ledgerInfos, state } = readEnding(epoch);
    const [ending] = ledgerInfos;
    expect(formatWaypoint(waypointOf(ending!.ledgerInfo))).toBe(waypoint);
    expect(() => verifyLedgerInfoSignatures(state, ending!)).not.toThrow();
  });

  it.each(['mainnet_v998167816_account.bcs', 'mainnet_v964644771_account.bcs'])(
    'prove the account file %s',
    (file) => {
      const reader = new BcsReader(read('ledger', file));
      reader.option(() => reader.fixed(64));
      reader.sequence(() => reader.fixed(32));
      reader.fixed(64);
      const siblings = reader.sequence(() => reader.fixed(32));
      const info = readTransactionInfo(reader);
      const version = reader.u64();
      const signed = readLedgerInfoWithSignatures(reader);
      const validators = reader.sequence(() => ({
        address: reader.fixed(32),
        publicKey: reader.bytes(),
        votingPower: reader.u64(),
      }));
      reader.finish();
      const { executedStateId, epoch } = signed.ledgerInfo;
      expect(siblings.length).toBe(30);
      expect(verifyLeaf(executedStateId, transactionInfoHash(info), version, siblings)).toBe(true);
      expect(verifyLeaf(executedStateId, transactionInfoHash(info), version + 1n, siblings)).toBe(
        false,
      );
      expect(() => verifyLedgerInfoSignatures({ epoch, validators }, signed)).not.toThrow();
    },
  );

  function readEnding(epoch: number): {
    ledgerInfos: ReturnType<typeof readLedgerInfoWithSignatures>[];
    state: EpochState;
  } {
    const reader = new BcsReader(read('ledger', `mainnet_epoch_${epoch}_ending.bcs`));
    const ledgerInfos = reader.sequence(() => readLedgerInfoWithSignatures(reader));
    reader.bool();
    reader.u8();
    reader.fixed(40);
    const state = readEpochState(reader);
    reader.finish();
    return { ledgerInfos, state };
  }
});

describe.skipIf(!present)('published transactions and write sets', () => {
  const entries = present
    ? (Object.values(
        JSON.parse(readFileSync(sharedData('ledger', 'real_transactions.json')!, 'utf8')) as object,
      ).flat() as { transaction?: string; write_set?: string; hash: string }[])
    : [];

  it('are found for this test', () => {
    expect(entries.filter((entry) => entry.transaction).length).toBeGreaterThan(100);
    expect(entries.filter((entry) => entry.write_set).length).toBeGreaterThan(4);
  });

  it('split to the last byte and have their published hashes', () => {
    for (const { transaction, write_set: writeSet, hash: expected } of entries) {
      const bytes = fromHex((transaction ?? writeSet)!);
      const skip = transaction ? skipTransaction : skipWriteSet;
      expect(skip(bytes, 0, bytes.length)).toBe(bytes.length);
      expect(toHex(hash(transaction ? 'Transaction' : 'WriteSet', bytes))).toBe(
        expected.replace(/^0x/, ''),
      );
    }
  });
});
