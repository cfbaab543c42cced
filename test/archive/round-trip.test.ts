/** An archive is a node to our own backups: what they take from it verifies, and has the same records. */
import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseStorage } from '../../src/contract/backup-input.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { type Target, backUp, contentOf, devnode, storageFolder } from '../support/backup.js';
import { copyToBucket } from '../support/bucket-copy.js';
import { makeBucket, s3Server } from '../support/s3-bucket.js';
import { served } from '../support/archive.js';
import { STOCK } from '../support/storage-copy.js';
import { ask, recordings } from '../support/raw-http.js';
import { unsignedChain } from '../support/unsigned-chain.js';

interface Copying {
  node: string;
  maxChunkSize: number;
  trust: string[];
  endings: [number, number][];
  epochs: number[];
  batches: [number, number][];
}

/** Backs up from a node, or what plays one, into a new storage. Returns the records of each backup. */
async function copied({ node, maxChunkSize, trust, endings, epochs, batches }: Copying) {
  const folder = storageFolder();
  const take = async (target: Target) => {
    const result = await backUp({ node, folder, target, maxChunkSize, trust });
    return contentOf(folder, result);
  };
  const taken = {
    folder,
    endings: Buffer.alloc(0),
    states: [] as Buffer[],
    history: Buffer.alloc(0),
  };
  for (const [first, last] of endings) {
    const { payload } = await take({
      type: 'epoch_ending',
      start_epoch: first,
      end_epoch: last + 1,
    });
    taken.endings = Buffer.concat([taken.endings, payload]);
  }
  for (const epoch of epochs) {
    taken.states.push((await take({ type: 'state_snapshot', epoch })).payload);
  }
  for (const [first, last] of batches) {
    const count = last - first + 1;
    const { payload } = await take({
      type: 'transaction',
      start_version: first,
      num_transactions: count,
    });
    taken.history = Buffer.concat([taken.history, payload]);
  }
  return taken;
}

function verified(folder: string, trustWaypoints: string[]) {
  const storage = { local_fs_dir: folder };
  return verifyStorage(openStorage(storage), { storage, trustWaypoints }, WHOLE_STORAGE);
}

describe.each(['V0', 'V1'] as const)('a chain with records %s, backed up and served,', (format) => {
  it('can be backed up again with other chunks and batches, and gives the same records', async () => {
    const node = await devnode({ format, seed: 8, transactions: 300, stateItems: 300 });
    const { version, epoch, genesis_waypoint: genesis } = node.facts();
    const last = epoch - 1;
    const first = await copied({
      node: node.address,
      maxChunkSize: 30_000,
      trust: [genesis],
      endings: [[0, last]],
      epochs: [1, last],
      batches: [
        [0, 0],
        [1, 123],
        [124, version],
      ],
    });
    node.die();
    const archive = await served({ local_fs_dir: first.folder });
    const facts = await fetch(`${archive.address}/db_state`);
    const state = Buffer.from(await facts.arrayBuffer());
    expect([state.readBigUInt64LE(1), state.readBigUInt64LE(9)]).toEqual([
      BigInt(epoch),
      BigInt(version),
    ]);
    const second = await copied({
      node: archive.address,
      maxChunkSize: 13_000,
      trust: [genesis],
      endings: [
        [0, 0],
        [1, last],
      ],
      epochs: [1, last],
      batches: [
        [0, 99],
        [100, 201],
        [202, version],
      ],
    });
    expect(archive.errors).toEqual([]);
    expect(second.endings.equals(first.endings)).toBe(true);
    expect(second.history.equals(first.history)).toBe(true);
    for (const [i, items] of first.states.entries()) {
      expect(second.states[i]!.equals(items)).toBe(true);
    }
    for (const { folder } of [first, second]) {
      const coverage = await verified(folder, [genesis]);
      expect(coverage.findings).toEqual([]);
      expect(coverage.ok).toBe(true);
    }
  });
});

it('unsigned history can be backed up from an archive, and is proven as it was from a node', async () => {
  const { node, waypoint } = await unsignedChain();
  const { version, epoch } = node.facts();
  const common = { trust: [waypoint], endings: [[0, epoch - 1]] as [number, number][], epochs: [] };
  const first = await copied({
    ...common,
    node: node.address,
    maxChunkSize: 30_000,
    batches: [[0, version]],
  });
  const archive = await served({ local_fs_dir: first.folder });
  const second = await copied({
    ...common,
    node: archive.address,
    maxChunkSize: 17_000,
    batches: [
      [0, 150],
      [151, version],
    ],
  });
  expect(second.history.equals(first.history)).toBe(true);
  const coverage = await verified(second.folder, [waypoint]);
  expect(coverage.findings).toEqual([]);
  expect(coverage.ok).toBe(true);
});

describe('a bucket', () => {
  const server = s3Server();

  it('is served like a folder', async () => {
    const bucket = await makeBucket(server);
    await copyToBucket(bucket, join(STOCK, 'stock-plain'), 'backups/e1');
    const { address, errors } = await served(parseStorage(bucket.url()));
    let compared = 0;
    for (const { method, path, body_file: file, body_bytes: bytes } of recordings('http')) {
      if (
        method !== 'GET' ||
        bytes === 0 ||
        !/^\/(transaction_range|state_range|epoch)/.test(path)
      ) {
        continue;
      }
      const answer = await ask(address, method, path);
      expect(answer!.body.equals(readFileSync(join(STOCK, 'http', file!))), path).toBe(true);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(15);
    expect(errors).toEqual([]);
  });
});
