/** What a copy asks of a storage stays within its limits: of reads and of writes each, and of requests. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { StorageBackend } from '../../src/storage/backend.js';
import { withDeadlines } from '../../src/storage/deadlines.js';
import { type StorageLimits, withLimits } from '../../src/storage/limits.js';
import { LocalBackend } from '../../src/storage/local/local-backend.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const CONTENT = Buffer.alloc(20_000, 7);
const call = { signal: new AbortController().signal, progress: () => undefined };

/** A folder with one file, `b/x`. */
function limited(limits: StorageLimits): StorageBackend {
  const folder = temporaryFolder('limits');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'b'));
  writeFileSync(join(folder, 'b', 'x'), CONTENT);
  return withLimits(new LocalBackend(folder), limits);
}

async function contentOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
}

async function write(storage: StorageBackend, handle: string, content: Uint8Array): Promise<void> {
  const file = await storage.create(handle, call);
  await file.write(content);
  await file.publish();
  await file.discard();
}

it('bytes that are read, and as many that are written', async () => {
  const storage = limited({ bytesPerSecond: 100_000 });
  // The first one passes at once, and each of the others waits for the one before it.
  const reading = await secondsOf(async () => {
    for (let i = 0; i < 3; i += 1) {
      expect(await contentOf(storage.read('b/x', call))).toEqual(CONTENT);
    }
  });
  expect(reading).toBeGreaterThan(0.39);
  const writing = await secondsOf(async () => {
    for (let i = 0; i < 3; i += 1) await write(storage, `b/y${i}`, CONTENT);
  });
  expect(writing).toBeGreaterThan(0.39);
  expect(await contentOf(storage.read('b/y2', call))).toEqual(CONTENT);
});

it('requests, of which a large file is several', async () => {
  const storage = limited({ requestsPerSecond: 20 });
  const looking = await secondsOf(async () => {
    for (let i = 0; i < 10; i += 1) await storage.stat('b/x', call);
  });
  expect(looking).toBeGreaterThan(0.44);
  const before = limited({ requestsPerSecond: 10 });
  // To begin it, two more parts of 8 MiB, and to publish it: that waits for three others.
  const writing = await secondsOf(() => write(before, 'b/large', Buffer.alloc(17 * 1024 * 1024)));
  expect(writing).toBeGreaterThan(0.29);
});

it('who waits for longer than a storage may take to answer is not taken for a hang', async () => {
  const files = withDeadlines(limited({ bytesPerSecond: 8_000 }), 1_500);
  const waiting = await secondsOf(async () => {
    for (let i = 0; i < 2; i += 1) expect(await contentOf(files.read('b/x'))).toEqual(CONTENT);
  });
  expect(waiting).toBeGreaterThan(2.4);
});
