/** A transaction of a kind that is newer than this code is found by its record's own hashes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeTransactionInfo } from '../../../src/aptos/chain/transaction-info.js';
import { hash } from '../../../src/aptos/hash/seeds.js';
import { ACCUMULATOR_PLACEHOLDER } from '../../../src/aptos/hash/seeds.js';
import {
  detectFormat,
  emptyParts,
  splitTransaction,
} from '../../../src/aptos/records/split-transaction.js';

/** Variant 9 does not exist; real bytes behind it, with much that looks like the start of an info. */
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

describe.each(['V0', 'V1'] as const)('in a record %s', (format) => {
  it('it is delimited, and the format is still told', () => {
    const bytes = record(format);
    expect(detectFormat(bytes, 0, bytes.length)).toBe(format);
    const parts = emptyParts();
    splitTransaction(bytes, 0, bytes.length, format, parts);
    expect(parts.auxiliary).toBe(transaction.length);
    expect(parts.end).toBe(bytes.length);
  });

  it('it is refused when no end has the hash that the info says', () => {
    const bytes = record(format, new Uint8Array(32).fill(1));
    expect(() => detectFormat(bytes, 0, bytes.length)).toThrow(/unknown variant 9/);
  });
});
