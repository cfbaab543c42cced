import { expect, it } from 'vitest';
import type { StorageBackend } from '../../../src/storage/backend.js';
import { encodeIndex } from '../../../src/storage/index/metadata-index.js';
import { findIndex } from '../../../src/storage/index/stored-index.js';

const AT = Date.parse('2026-11-30T12:00:00Z');
const names = Array.from({ length: 1000 }, (_, i) => `transaction_${i}00-${i}99.meta`);
const files = new Map(names.map((name) => [name, { name, bytes: 120 }]));

/** A bucket that only has an index, and gives it in such parts. */
async function bucket(id: string, parts: (index: Uint8Array) => Iterable<Uint8Array>) {
  const index = await encodeIndex({ at: AT, files });
  const backend: Partial<StorageBackend> = {
    id,
    description: `bucket ${id}`,
    stat: () => Promise.resolve({ bytes: BigInt(index.length), stamp: '1' }),
    async *read(_handle, { signal }) {
      for (const part of parts(index)) {
        await Promise.resolve();
        signal.throwIfAborted();
        yield part;
      }
    },
  };
  return backend as StorageBackend;
}

it('An index that comes in the smallest parts is read.', async () => {
  const backend = await bucket('slow', function* (bytes) {
    for (let at = 0; at < bytes.length; at += 1) yield bytes.subarray(at, at + 1);
  });
  const index = await findIndex(backend, undefined);
  expect(index?.at).toBe(AT);
  expect([...(await index!.files()).keys()]).toEqual(names);
});

it('A job that ends while it reads an index takes no other job with it.', async () => {
  const backend = await bucket('shared', (bytes) => [bytes.subarray(0, 10), bytes.subarray(10)]);
  const stop = new AbortController();
  const ended = await findIndex(backend, stop.signal);
  const other = await findIndex(backend, undefined);
  const reading = ended!.files();
  const read = other!.files();
  stop.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
  expect([...(await read).keys()]).toEqual(names);
});
