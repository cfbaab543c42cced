/** BCS has one encoding for each value; all others are refused, and no input crashes a reader. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BcsReader } from '../../../src/aptos/bcs/reader.js';
import { skipLength, skipUleb } from '../../../src/aptos/bcs/skip.js';
import {
  skipContractEvents,
  skipTypeTag,
  skipWriteSet,
} from '../../../src/aptos/bcs/skip-state.js';
import { skipTransaction } from '../../../src/aptos/bcs/skip-transaction.js';
import { BcsWriter } from '../../../src/aptos/bcs/writer.js';
import { decodeLedgerInfoWithSignatures } from '../../../src/aptos/chain/ledger-info.js';
import { AptosDataError } from '../../../src/aptos/data-error.js';
import { fromHex, toHex } from '../../../src/aptos/hex.js';

describe('in the encoding of a length,', () => {
  it.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [16384, '808001'],
    [0xffff_ffff, 'ffffffff0f'],
  ])('%s is written as %s and read again', (value, hex) => {
    expect(toHex(new BcsWriter().uleb(value).toBytes())).toBe(hex);
    expect(new BcsReader(fromHex(hex)).uleb()).toBe(value);
    expect(skipUleb(fromHex(hex), 0, hex.length / 2)).toBe(hex.length / 2);
  });
  it.each(['8000', 'ff00', 'ffffffff1f', '8080808080', '80', ''])('%j is refused', (hex) => {
    const bytes = fromHex(hex);
    expect(() => new BcsReader(bytes).uleb()).toThrow(AptosDataError);
    expect(() => skipUleb(bytes, 0, bytes.length)).toThrow(AptosDataError);
  });
  it('a length is at most 2^31-1', () => {
    const bytes = fromHex('ffffffff0f');
    expect(() => new BcsReader(bytes).length()).toThrow(/2\^31/);
    expect(() => skipLength(bytes, 0, 5)).toThrow(/2\^31/);
  });
});

it('the reader reads what the writer wrote', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.uint8Array()),
      fc.option(fc.integer({ min: 0, max: 65535 }), { nil: undefined }),
      (u64, u128, text, items, option) => {
        const writer = new BcsWriter().u64(u64).u128(u128).string(text);
        writer.sequence(items, (item) => writer.bytes(item));
        writer.option(option, (value) => writer.u16(value));
        const reader = new BcsReader(writer.toBytes());
        expect(reader.u64()).toBe(u64);
        expect(reader.u128()).toBe(u128);
        expect(reader.string()).toBe(text);
        expect(reader.sequence(() => toHex(reader.bytes()))).toEqual(items.map(toHex));
        expect(reader.option(() => reader.u16())).toBe(option);
        reader.finish();
      },
    ),
  );
});

it.each([
  ['a bool with the value 2', (r: BcsReader) => r.bool(), '02'],
  ['an option tag of 2', (r: BcsReader) => r.option(() => r.u8()), '0200'],
  ['text that is not UTF-8', (r: BcsReader) => r.string(), '02c328'],
  ['a string past the end', (r: BcsReader) => r.bytes(), '05aabb'],
  [
    'a sequence with more items than bytes',
    (r: BcsReader) => r.sequence(() => r.u8()),
    'ffffffff07',
  ],
  ['a value with bytes left over', (r: BcsReader) => (r.u8(), r.finish()), '0101'],
] as const)('%s is refused', (_, read, hex) => {
  expect(() => read(new BcsReader(fromHex(hex)))).toThrow(
    expect.objectContaining({ code: 'BCS_INVALID' }) as Error,
  );
});

it('write sets must be in the order of their keys', () => {
  const key = (n: number) => `00${'00'.repeat(31)}${n.toString(16).padStart(2, '0')}00`;
  const writeSet = (...keys: string[]) =>
    fromHex(`00${keys.length.toString(16).padStart(2, '0')}${keys.map((k) => `${k}02`).join('')}`);
  const good = writeSet(key(1), key(2));
  expect(skipWriteSet(good, 0, good.length)).toBe(good.length);
  for (const bad of [writeSet(key(2), key(1)), writeSet(key(1), key(1))]) {
    expect(() => skipWriteSet(bad, 0, bad.length)).toThrow(/do not ascend/);
  }
});

it('type tags cannot nest without end', () => {
  const deep = new Uint8Array(100_000).fill(6);
  expect(() => skipTypeTag(deep, 0, deep.length)).toThrow(/nest too deep/);
});

describe('the reading of damaged input', () => {
  const fixture = (path: string) =>
    Uint8Array.from(readFileSync(new URL(`../../fixtures/${path}`, import.meta.url)));
  const epoch = fixture('stock/http/003.body').subarray(4);
  const transactions = fixture('stock/http/013.body').subarray(4);

  it('fails with an AptosDataError and nothing else', () => {
    const readers: [Uint8Array, (bytes: Uint8Array) => unknown][] = [
      [epoch, decodeLedgerInfoWithSignatures],
      [transactions, (b) => skipTransaction(b, 0, b.length)],
      [transactions, (b) => skipWriteSet(b, 0, b.length)],
      [transactions, (b) => skipContractEvents(b, 0, b.length)],
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...readers),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        ([bytes, read], cut, at, value) => {
          const damaged = bytes.slice(0, cut % (bytes.length + 1));
          if (damaged.length > 0) damaged[at % Math.min(damaged.length, 300)] = value;
          try {
            read(damaged);
          } catch (error) {
            expect(error).toBeInstanceOf(AptosDataError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

it('a decoded ledger info does not share memory with its input', () => {
  const file = new URL('../../fixtures/stock/http/003.body', import.meta.url);
  const source = Buffer.from(readFileSync(file).subarray(4));
  const signed = decodeLedgerInfoWithSignatures(source);
  const before = toHex(signed.bytes) + toHex(signed.ledgerInfo.executedStateId);
  source.fill(0xff);
  expect(toHex(signed.bytes) + toHex(signed.ledgerInfo.executedStateId)).toBe(before);
});
