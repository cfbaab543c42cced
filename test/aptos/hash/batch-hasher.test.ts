/** The batch hashers give the digests of the one-shot hash, for every length, order and place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchHasher, createBatchHasher } from '../../../src/aptos/hash/batch-hasher.js';
import { hash } from '../../../src/aptos/hash/seeds.js';
import { toHex } from '../../../src/aptos/hex.js';

function hashMessages(hasher: BatchHasher, messages: Uint8Array[], stride: number): string[] {
  const total = messages.reduce((sum, message) => sum + message.length, 0);
  const data = hasher.region('test data', total);
  const table = hasher.region('test table', messages.length * 8);
  const out = hasher.region('test out', messages.length * stride);
  let at = data;
  messages.forEach((message, i) => {
    hasher.memory.set(message, at);
    hasher.words[(table >> 2) + 2 * i] = at;
    hasher.words[(table >> 2) + 2 * i + 1] = message.length;
    at += message.length;
  });
  hasher.hashSlices('WriteSet', table, messages.length, out, stride);
  return messages.map((_, i) =>
    toHex(hasher.memory.slice(out + i * stride, out + i * stride + 32)),
  );
}

describe.each(['wasm', 'node'] as const)('the %s hasher', (kind) => {
  const hasher = createBatchHasher(kind);
  const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);

  it('hashes every length from 0 to 700', () => {
    const messages = Array.from({ length: 701 }, (_, length) => bytes(length));
    const expected = messages.map((message) => toHex(hash('WriteSet', message)));
    expect(hashMessages(hasher, messages, 32)).toEqual(expected);
  });

  it('hashes messages of mixed lengths and writes the hashes at the given distance', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 40 }),
        fc.constantFrom(32, 40, 64),
        (messages, stride) => {
          const expected = messages.map((message) => toHex(hash('WriteSet', message)));
          expect(hashMessages(hasher, messages, stride)).toEqual(expected);
        },
      ),
    );
  });

  it('hashes pairs of values at any two addresses, also an odd number of pairs', () => {
    const data = hasher.region('test data', 4096);
    const table = hasher.region('test table', 5 * 8);
    const out = hasher.region('test out', 5 * 32);
    hasher.memory.set(bytes(4096), data);
    const pairs = [3, 1, 64, 777, 2048].map((left, i) => [data + left, data + 4000 - i * 111]);
    hasher.words.set(pairs.flat(), table >> 2);
    hasher.hashPairs('SparseMerkleInternal', table, 5, out);
    pairs.forEach(([left, right], i) => {
      const part = (at: number) => hasher.memory.slice(at, at + 32);
      expect(toHex(part(out + i * 32))).toBe(
        toHex(hash('SparseMerkleInternal', part(left!), part(right!))),
      );
    });
  });

  it('keeps the content of a region that grows', () => {
    const before = hasher.region('growing', 100);
    hasher.memory.set(bytes(100), before);
    const after = hasher.region('growing', 5_000_000);
    expect(toHex(hasher.memory.slice(after, after + 100))).toBe(toHex(bytes(100)));
  });
});
