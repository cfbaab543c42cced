/** What is damaged, missing or away is never served as if it were good. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { served } from '../support/archive.js';
import { ask, recordings } from '../support/raw-http.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';

const PLAIN = join(STOCK, 'stock-plain');
const MIB = 1024 * 1024;

/** The handle that the manifest of the only metadata file with this prefix gives for chunk i. */
function chunkOf(copy: StorageCopy, metadata: string, i: number, field: string): string {
  const manifest = copy.manifest(copy.manifestOf(copy.metadata(metadata)));
  return String(manifest.chunks.at(i)![field]);
}

const DAMAGES: [string, (copy: StorageCopy) => { file: string; path: string }][] = [
  [
    'transactions',
    (copy) => {
      const file = chunkOf(copy, 'transaction_101', 3, 'transactions');
      copy.flip(file);
      return { file, path: '/transactions/101/100' };
    },
  ],
  [
    'a proof of transactions',
    (copy) => {
      const file = chunkOf(copy, 'transaction_101', 3, 'proof');
      copy.flip(file, 20);
      return {
        file,
        path: '/transactions/101/100',
      };
    },
  ],
  [
    'transactions that end early',
    (copy) => {
      const file = chunkOf(copy, 'transaction_101', -1, 'transactions');
      copy.editRecords(file, (records) => records.slice(0, -1));
      return { file, path: '/transactions/101/100' };
    },
  ],
  [
    'a record that was cut',
    (copy) => {
      const file = chunkOf(copy, 'transaction_101', -1, 'transactions');
      copy.edit(file, (bytes) => bytes.subarray(0, -3));
      return { file, path: '/transactions/195/2' };
    },
  ],
  [
    'state items',
    (copy) => {
      const file = chunkOf(copy, 'state_snapshot_ver_240', 2, 'blobs');
      copy.flip(file);
      return { file, path: '/state_snapshot_chunk/240/0/300' };
    },
  ],
  [
    'a state item that is missing',
    (copy) => {
      const file = chunkOf(copy, 'state_snapshot_ver_240', -1, 'blobs');
      copy.editRecords(file, (records) => records.slice(1));
      return { file, path: '/state_snapshot_chunk/240/298/2' };
    },
  ],
  [
    'an epoch ending',
    (copy) => {
      const file = chunkOf(copy, 'epoch_ending_3', 0, 'ledger_infos');
      copy.flip(file, 60);
      return { file, path: '/epoch_ending_ledger_infos/0/6' };
    },
  ],
  [
    'a file that is gone',
    (copy) => {
      const file = chunkOf(copy, 'transaction_101', 3, 'transactions');
      copy.remove(file);
      return { file, path: '/transactions/101/100' };
    },
  ],
];

describe.each([0, 64 * MIB])('with %i bytes of memory for chunks,', (cacheBytes) => {
  it.each(DAMAGES)('%s: the stream breaks off, and the log names the file', async (_, damage) => {
    const copy = new StorageCopy(PLAIN);
    const whole = await served({ local_fs_dir: PLAIN }, { cacheBytes });
    const { file, path } = damage(copy);
    const { address, errors } = await served({ local_fs_dir: copy.folder }, { cacheBytes });
    for (let i = 0; i < 2; i += 1) {
      const answer = await ask(address, 'GET', path);
      expect(answer?.clean ?? false).toBe(false);
      const good = await ask(whole.address, 'GET', path);
      expect(answer!.body.length).toBeLessThan(good!.body.length);
      expect(errors[i]).toContain(file);
      expect(errors[i]).toContain(path);
    }
    expect(errors).toHaveLength(2);
  });
});

it('proofs from damaged files are refused, and name the file', async () => {
  const copy = new StorageCopy(PLAIN);
  const broken = chunkOf(copy, 'transaction_101', 3, 'transactions');
  copy.flip(broken);
  const root = String(
    copy.manifest(copy.manifestOf(copy.metadata('state_snapshot_ver_240')))['proof'],
  );
  copy.flip(root, 40);
  const { address, errors } = await served({ local_fs_dir: copy.folder });
  const [first] = /(\d+)-\.chunk$/.exec(broken)!.slice(1);
  for (const [path, file] of [
    [`/transaction_range_proof/1/${first}`, broken],
    [`/transaction_range_proof/${first}/200`, broken],
    ['/state_root_proof/240', root],
    ['/state_item_count/240', root],
  ] as const) {
    const answer = await ask(address, 'GET', path);
    expect(answer?.status, path).toContain('500');
    expect(errors.at(-1)).toContain(file);
  }
  expect((await ask(address, 'GET', '/transaction_range_proof/1/50'))?.status).toContain('200');
});

it('of two backups with the same versions, the one that is not damaged is served', async () => {
  const copy = new StorageCopy(PLAIN);
  const lines = copy.metadata('transaction_101');
  const handle = copy.manifestOf(lines);
  const folder = handle.split('/')[0]!;
  copy.copy(folder, 'other');
  copy.editManifest('other/transaction.manifest', (manifest) => {
    for (const chunk of manifest.chunks) {
      for (const field of ['transactions', 'proof']) {
        chunk[field] = String(chunk[field]).replace(folder, 'other');
      }
    }
  });
  const other = copy.read(lines).toString().replace(folder, 'other');
  copy.write('metadata/other.meta', other);
  const path = '/transactions/101/100';
  const good = await ask((await served({ local_fs_dir: PLAIN })).address, 'GET', path);
  for (const damaged of [folder, 'other']) {
    const broken = new StorageCopy(copy.folder);
    broken.flip(
      `${damaged}/${chunkOf(broken, 'transaction_101', 4, 'transactions').split('/')[1]}`,
    );
    const { address } = await served({ local_fs_dir: broken.folder });
    const answers = [await ask(address, 'GET', path), await ask(address, 'GET', path)];
    expect(answers.at(-1)!.clean).toBe(true);
    expect(answers.at(-1)!.body.equals(good!.body)).toBe(true);
  }
});

it('a storage that goes away gives errors, and is served again when it is back', async () => {
  const copy = new StorageCopy(PLAIN);
  const { address, errors } = await served({ local_fs_dir: copy.folder }, { paceMs: 0 });
  const away = `${copy.folder}-away`;
  renameSync(copy.folder, away);
  expect((await ask(address, 'GET', '/transactions/101/50'))?.clean ?? false).toBe(false);
  expect((await ask(address, 'GET', '/transaction_range_proof/101/150'))?.status).toContain('500');
  expect(errors.length).toBeGreaterThan(1);
  renameSync(away, copy.folder);
  await expect
    .poll(async () => (await ask(address, 'GET', '/transaction_range_proof/101/150'))?.status)
    .toContain('200');
  expect((await ask(address, 'GET', '/transactions/101/50'))?.clean).toBe(true);
});

it('a storage that suddenly lists no metadata is away, not empty', async () => {
  const copy = new StorageCopy(PLAIN);
  const { address, errors } = await served({ local_fs_dir: copy.folder }, { paceMs: 0 });
  for (const file of copy.files().filter((name) => name.startsWith('metadata/'))) copy.remove(file);
  const seen = async () => {
    const tip = await ask(address, 'GET', '/db_state');
    expect(tip!.body.readBigUInt64LE(9)).toBe(250n);
    return errors.join();
  };
  await expect.poll(seen).toContain('lists no metadata any more');
  expect((await ask(address, 'GET', '/transactions/101/50'))?.clean).toBe(true);
});

it('new backups are served without a restart, and the tip follows them', async () => {
  const copy = new StorageCopy(PLAIN);
  const newest = copy.metadata('transaction_201');
  const line = copy.read(newest);
  copy.remove(newest);
  const live = await served({ local_fs_dir: copy.folder }, { paceMs: 0 });
  const tip = async () => (await ask(live.address, 'GET', '/db_state'))!.body.readBigUInt64LE(9);
  expect(await tip()).toBe(200n);
  expect((await ask(live.address, 'GET', '/transactions/201/1'))!.body.length).toBe(0);
  copy.write(newest, line);
  await expect.poll(tip).toBe(250n);
  expect((await ask(live.address, 'GET', '/transactions/201/1'))!.clean).toBe(true);
});

it('a hole in the history breaks off a stream there, as a node breaks off what it has pruned', async () => {
  const copy = new StorageCopy(PLAIN);
  copy.remove(copy.metadata('transaction_101'));
  const { address, errors } = await served({ local_fs_dir: copy.folder });
  expect((await ask(address, 'GET', '/transactions/90/50'))?.clean ?? false).toBe(false);
  expect((await ask(address, 'GET', '/transactions/101/5'))?.clean ?? false).toBe(false);
  expect((await ask(address, 'GET', '/transactions/201/5'))?.clean).toBe(true);
  expect((await ask(address, 'GET', '/transaction_range_proof/1/150'))?.status).toContain('500');
  // A run from version 0 needs nothing that is left of it.
  const whole = recordings('http').find(({ path }) => path.endsWith('/0/240'))!;
  const proof = await ask(address, 'GET', whole.path);
  expect(proof?.body.length).toBe(whole.body_bytes);
  expect(errors).toEqual([]);
});

it('metadata that is damaged is named once, and the rest is served', async () => {
  const copy = new StorageCopy(PLAIN);
  const damaged = copy.metadata('transaction_101');
  copy.edit(damaged, (bytes) => bytes.subarray(0, 40));
  const { address, errors } = await served({ local_fs_dir: copy.folder }, { paceMs: 0 });
  for (let i = 0; i < 3; i += 1) {
    expect((await ask(address, 'GET', '/transactions/1/50'))?.clean).toBe(true);
  }
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain(damaged);
});

it('more epochs than endings are stored: the tip stays where the endings can prove it', async () => {
  const copy = new StorageCopy(PLAIN);
  copy.remove(copy.metadata('epoch_ending_3'));
  const { address } = await served({ local_fs_dir: copy.folder });
  const { body } = (await ask(address, 'GET', '/db_state'))!;
  expect([body.readBigUInt64LE(1), body.readBigUInt64LE(9)]).toEqual([3n, 87n]);
});

it.each([
  ['transaction_101', 'transaction_201', '/transaction_range_proof/190/210'],
  ['epoch_ending_1', 'epoch_ending_3', '/epoch_ending_ledger_infos/1/5'],
])('the swapped manifests of %s and %s are named', async (one, other, path) => {
  const copy = new StorageCopy(PLAIN);
  const [a, b] = [one, other].map((name) => copy.manifestOf(copy.metadata(name))) as [
    string,
    string,
  ];
  const [ofA, ofB] = [copy.read(a), copy.read(b)];
  copy.edit(a, () => ofB);
  copy.edit(b, () => ofA);
  const { address, errors } = await served({ local_fs_dir: copy.folder });
  await ask(address, 'GET', path).catch(() => undefined); // cut off
  expect(errors.at(-1)).toMatch(/manifest: it does not have \w+ \d+, although metadata says so/);
});
