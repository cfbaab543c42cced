/** The files of a storage far away are read and looked at side by side, and checked in their order. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { createBatchHasher } from '../../src/aptos/index.js';
import { openStorage } from '../../src/storage/open.js';
import type { BackupStorage } from '../../src/storage/storage.js';
import { filesState } from '../../src/verify/proven-before.js';
import { readChain } from '../../src/verify/read-chain.js';
import { StoredChain } from '../../src/verify/stored-chain.js';
import { devnode } from '../support/backup.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import { UnsignedStorage } from '../support/unsigned-chain.js';

const EPOCHS = 20;
const LATENCY_MS = 10;

/** The same storage, in which each file takes a moment. `most`: how many were asked for at a time. */
function farAway(storage: BackupStorage): { storage: BackupStorage; most: () => number } {
  let asked = 0;
  let most = 0;
  const begin = async () => {
    asked += 1;
    most = Math.max(most, asked);
    await sleep(LATENCY_MS);
  };
  async function* read(handle: string) {
    try {
      await begin();
      yield* storage.read(handle);
    } finally {
      asked -= 1;
    }
  }
  async function stat(handle: string) {
    await begin();
    asked -= 1;
    return storage.stat(handle);
  }
  const slow: Record<string | symbol, unknown> = { read, stat };
  const far = new Proxy(storage, {
    get: (target, name): unknown => slow[name] ?? Reflect.get(target, name),
  });
  return { storage: far, most: () => most };
}

it('many backups of one epoch each are read side by side', async () => {
  const node = await devnode({ epochs: EPOCHS });
  const stored = new UnsignedStorage([]);
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) await stored.endings(node, epoch, epoch);
  const config = { local_fs_dir: stored.folder };
  const { storage, most } = farAway(openStorage(config));
  let objects = 0;
  const onProgress = (more: { objects: number }) => (objects += more.objects);
  const tools = { storage, hasher: createBatchHasher(), onProgress };
  const { chain, result } = await readChain(tools, { storage: config, trustWaypoints: [] });
  expect(result).toMatchObject({ findingCount: 0, records: `${EPOCHS}` });
  expect(chain.epochs()).toHaveLength(EPOCHS);
  expect(objects).toBe(2 * EPOCHS);
  expect(most()).toBeGreaterThan(8);
  expect(most()).toBeLessThanOrEqual(16);
});

it('whether files are unchanged is asked for side by side, and the answer is that of their order', async () => {
  const copy = new StorageCopy(join(STOCK, 'stock-plain'));
  const near = copy.storage;
  const { storage, most } = farAway(copy.storage);
  const handles = copy.files();
  expect(await filesState(storage, handles)).toEqual(await filesState(near, handles));
  expect(most()).toBe(16);
  const others = await filesState(near, handles.toReversed());
  expect(others.all).not.toBe((await filesState(near, handles)).all);
});

it('the validators of many epochs are read from their file together', async () => {
  const node = await devnode({ epochs: EPOCHS });
  const stored = new UnsignedStorage([]);
  await stored.endings(node, 0, EPOCHS - 1);
  const config = { local_fs_dir: stored.folder };
  const storage = openStorage(config);
  const tools = { storage, hasher: createBatchHasher(), onProgress: () => undefined };
  const { chain } = await readChain(tools, { storage: config, trustWaypoints: [] });

  // As a thread does that verifies some of the chunks: it gets the endings, and no validators.
  const read = vi.spyOn(storage, 'read');
  const inThread = new StoredChain(storage, chain.trusted);
  inThread.restore(chain.dump());
  const files = new Set<string>();
  let reads = 0;
  for (let epoch = 1n; epoch < EPOCHS; epoch += 1n) {
    files.add(chain.ending(epoch - 1n)!.file);
    const ending = (await chain.ledgerInfoOf(epoch))!;
    read.mockClear();
    expect(await inThread.prove(ending)).toBe('signed');
    reads += read.mock.calls.length;
  }
  expect(reads).toBe(files.size);
  expect(reads).toBeLessThan(EPOCHS / 4);
});
