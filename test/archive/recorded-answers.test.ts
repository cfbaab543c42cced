/** An archive answers as the real node did, whose backups it holds, wherever it has the data. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCatalog } from '../../src/repository/catalog.js';
import { openStorage } from '../../src/storage/open.js';
import { served } from '../support/archive.js';
import { storageFolder } from '../support/backup.js';
import { type Recorded, ask, recordings, shape } from '../support/raw-http.js';
import { STOCK } from '../support/storage-copy.js';

/** The versions at which the recorded node had states, and the last version that it had, signed or not. */
const STATES = [0, 43, 87, 138, 191, 240];
const LAST = 263n;

/** What an archive without some of the states and versions answers instead; undefined: the same as the node. */
function without(
  { path }: Recorded,
  states: readonly bigint[],
  lastVersion: bigint,
): { status?: string; clean?: boolean; lacksFrom?: number } | undefined {
  const [, endpoint = '', a = '', b = ''] = path.split('?')[0]!.split('/');
  if (!/^\d+$/.test(a)) return undefined;
  const failed = { status: 'HTTP/1.1 500 Internal Server Error' };
  const version = BigInt(a);
  const isStored = states.includes(version);
  if (STATES.includes(Number(a)) && !isStored) {
    if (endpoint.startsWith('state_snapshot')) return { clean: false };
    if (endpoint === 'state_item_count' || endpoint === 'state_range_proof') return failed;
  }
  if (endpoint === 'state_root_proof' && version > lastVersion && !isStored) return failed;
  if (!/^\d+$/.test(b)) return undefined;
  if (endpoint === 'transaction_range_proof' && BigInt(b) > lastVersion) return failed;
  const end = version + BigInt(b);
  if (endpoint !== 'transactions' || end <= lastVersion + 1n || version > LAST) return undefined;
  return { lacksFrom: Number(version > lastVersion ? version : lastVersion + 1n) };
}

describe.each([
  ['stock-plain', 64 * 1024 * 1024],
  ['stock-plain', 0],
  ['stock-continuous', 64 * 1024 * 1024],
  ['stock-gzip', 64 * 1024 * 1024],
])('the storage %s, served with %i bytes of memory for chunks,', (name, cacheBytes) => {
  it('answers every recorded request byte for byte, except for what it does not have', async () => {
    const storage = { local_fs_dir: join(STOCK, name) };
    const { snapshots, transactions } = await readCatalog(openStorage(storage));
    const states = snapshots.map(({ version }) => version);
    const lastVersion = transactions.at(-1)!.lastVersion;
    const { address, errors } = await served(storage, { cacheBytes });
    let same = 0;
    for (const recorded of recordings('http')) {
      const { method, path } = recorded;
      const answer = await ask(address, method, path);
      const other = without(recorded, states, lastVersion);
      const broken = recorded.status_line === null || recorded.clean_end === false;
      if ((broken && method === 'GET') || other?.clean === false) {
        expect(answer?.clean ?? false, path).toBe(false);
        expect(answer?.body.length ?? 0, path).toBe(0);
        continue;
      }
      expect(answer?.status, path).toBe(other?.status ?? recorded.status_line);
      if (other?.status) continue;
      if (path.startsWith('/db_state') && lastVersion !== 250n) continue;
      expect(shape(answer!.headers), path).toEqual(shape(recorded.headers!));
      const body = bodyOf(recorded);
      if (other) {
        expect(answer!.clean, path).toBe(true);
        expect(body.subarray(0, answer!.body.length), path).toEqual(answer!.body);
        const records = (other.lacksFrom ?? 0) - Number(path.split('/')[2]);
        expect(countOf(answer!.body), path).toBe(records);
        continue;
      }
      if (method !== 'GET') continue;
      expect(answer!.body.equals(body), path).toBe(true);
      if (recorded.framing === 'chunked') {
        expect(answer!.chunks.length, path).toBe(recorded.http_chunks);
        expect(answer!.chunks.slice(0, 6), path).toEqual(recorded.first_chunk_sizes);
      }
      same += 1;
    }
    expect(same).toBeGreaterThan(70);
    expect(errors).toEqual([]);
  });
});

it('a storage without backups answers every request as a node without a genesis', async () => {
  const storage = { local_fs_dir: storageFolder() };
  await openStorage(storage).begin();
  const { address, errors } = await served(storage);
  for (const recorded of recordings('empty-http')) {
    const answer = await ask(address, recorded.method, recorded.path);
    if (recorded.status_line === null || recorded.clean_end === false) {
      expect(answer?.clean ?? false, recorded.path).toBe(false);
      continue;
    }
    expect(answer?.status, recorded.path).toBe(recorded.status_line);
    expect(answer!.body.length, recorded.path).toBe(recorded.body_bytes);
  }
  expect(errors).toEqual([]);
});

function bodyOf({ body_file: file, body_bytes: bytes }: Recorded): Buffer {
  return bytes === 0 ? Buffer.alloc(0) : readFileSync(join(STOCK, 'http', file!));
}

function countOf(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) count += 1;
  return count;
}

it('a client of HTTP/1.0 gets a stream without HTTP chunks, which ends with its connection', async () => {
  const { address } = await served({ local_fs_dir: join(STOCK, 'stock-plain') });
  for (const path of ['/transactions/0/250', '/db_state', '/epoch_ending_ledger_infos/9/9']) {
    const usual = await ask(address, 'GET', path);
    const old = await ask(address, 'GET', path, '1.0');
    expect(old!.headers.join()).not.toMatch(/transfer-encoding/i);
    expect(old!.body.equals(usual!.body), path).toBe(true);
  }
});
