/** A transaction of an unknown kind is found by the hashes of its record. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeTransactionInfo } from '../../../src/aptos/chain/transaction-info.js';
import { hash, ACCUMULATOR_PLACEHOLDER } from '../../../src/aptos/hash/seeds.js';
import { proveByHashes } from '../../../src/aptos/records/by-hashes.js';
import { detectFormat } from '../../../src/aptos/records/split-transaction.js';

/** Variant 9 does not exist. Real bytes follow it, with much that looks like the start of an info. */
const transaction = Uint8Array.from([
  9,
  ...readFileSync(new URL('../../fixtures/stock/http/013.body', import.meta.url)).subarray(0, 4000),
]);
const writeSet = Uint8Array.of(0, 0);

function record(format: 'V0' | 'V1', claimed = hash('Transaction', transaction)): Uint8Array {
  const info = encodeTransactionInfo({
    gasUsed: 7n,
    transactionHash: claimed,
    eventRootHash: ACCUMULATOR_PLACEHOLDER,
    stateChangeHash: hash('WriteSet', writeSet),
    stateCheckpointHash: undefined,
    auxiliaryInfoHash: undefined,
  });
  const auxiliary = format === 'V1' ? [Uint8Array.of(0)] : [];
  return Buffer.concat([transaction, ...auxiliary, info, Uint8Array.of(0), writeSet]);
}

describe.each(['V0', 'V1'] as const)('a transaction of unknown form in a record %s', (format) => {
  it('is found, and so is the format of the record', () => {
    const bytes = record(format);
    expect(detectFormat(bytes, 0, bytes.length)).toBe(format);
    expect(proveByHashes(bytes)).toMatchObject({ format, unproven: undefined });
  });

  it('is refused when no possible end gives the hash in the transaction info', () => {
    const bytes = record(format, new Uint8Array(32).fill(1));
    expect(() => detectFormat(bytes, 0, bytes.length)).toThrow(
      /variant 9 of Transaction .*damaged/,
    );
  });
});
