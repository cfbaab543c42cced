/** The epoch endings of a storage far away are read side by side, and checked in their order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createBatchHasher } from '../../src/aptos/index.js';
import { openStorage } from '../../src/storage/open.js';
import type { BackupStorage } from '../../src/storage/storage.js';
import { readChain } from '../../src/verify/read-chain.js';
import { devnode } from '../support/backup.js';
import { UnsignedStorage } from '../support/unsigned-chain.js';

const EPOCHS = 20;
const LATENCY_MS = 10;

/** The same storage, in which each file takes a moment. `most`: how many were read at a time. */
function farAway(storage: BackupStorage): { storage: BackupStorage; most: () => number } {
  let reads = 0;
  let most = 0;
  async function* read(handle: string) {
    reads += 1;
    most = Math.max(most, reads);
    try {
      await sleep(LATENCY_MS);
      yield* storage.read(handle);
    } finally {
      reads -= 1;
    }
  }
  const far = new Proxy(storage, {
    get: (target, name): unknown => (name === 'read' ? read : Reflect.get(target, name)),
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
