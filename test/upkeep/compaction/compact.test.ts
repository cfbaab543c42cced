/** Compaction of metadata on real files: as the stock tool does it, and without its faults. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { withCommitLock } from '../../../src/repository/commit-lock.js';
import { readCatalog, readKnownCatalog } from '../../../src/repository/catalog.js';
import { rememberMetadata } from '../../../src/repository/known-metadata.js';
import { StorageError } from '../../../src/storage/storage-error.js';
import { openStorage } from '../../../src/storage/open.js';
import { storageFolder } from '../../support/backup.js';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';
import { until } from '../../support/until.js';
import { hooked } from './hooked.js';
import { FIRST_RUN, compacted, metadataIn, namedIn, stampsIn, withoutStamps } from './support.js';

const stock = (run: 1 | 2 | 3) => join(STOCK, 'stock-compacted', `after-run${run}`);
const plain = () => new StorageCopy(join(STOCK, 'stock-plain'));
/** A copy of the metadata of the stock fixture as another fixture has it. */
const copyOf = (folder: string) => new StorageCopy(folder);
const DAY = 86_400;

describe('beside the stock tool', () => {
  it('the same factor gives the same files, lines and stamps, and identity.meta stays', async () => {
    const s = plain();
    expect(await compacted(s.storage)).toMatchObject({
      files_before: 10,
      files_after: 16,
      written: 5,
      stamped: 9,
      moved: 0,
      left_alone_count: 0,
    });
    const [ours, theirs] = [metadataIn(s.folder), metadataIn(stock(1))];
    expect(Object.keys(ours)).toEqual(Object.keys(theirs));
    expect(withoutStamps(ours)).toEqual(withoutStamps(theirs));
    const name = `compaction_timestamps_${FIRST_RUN}.meta`;
    const { 'metadata/identity.meta': _, ...stamps } = stampsIn(theirs[name]!);
    expect(stampsIn(ours[name]!)).toEqual(stamps);
  });

  it('what it began goes on: its stamps count, its groups stay, and what it replaced is moved', async () => {
    const s = copyOf(stock(1));
    const before = await namedIn(s.storage);
    const done = await compacted(s.storage, { at: FIRST_RUN + 2 });
    expect(done).toMatchObject({ written: 0, kept: 5, moved: 9, left_alone_count: 0 });
    const { 'identity.meta': identity, ...rest } = withoutStamps(metadataIn(s.folder));
    expect(identity).toBeDefined();
    expect(rest).toEqual(withoutStamps(metadataIn(stock(2))));
    const { 'identity.meta': _, ...moved } = metadataIn(stock(2), 'metadata_backup');
    expect(metadataIn(s.folder, 'metadata_backup')).toEqual(moved);
    expect(await namedIn(s.storage)).toEqual(before);
  });

  it('where it is done, nothing is written; in the end one file of stamps is left', async () => {
    const s = copyOf(stock(3));
    const at = FIRST_RUN + 10;
    expect(await compacted(s.storage, { at })).toMatchObject({ written: 0, kept: 5, stamped: 0 });
    await compacted(s.storage, { at: at + 2 });
    await compacted(s.storage, { at: at + 4 });
    const names = Object.keys(metadataIn(s.folder));
    expect(names.filter((name) => name.startsWith('compaction_'))).toHaveLength(1);
    const left = s.files();
    const idle = { written: 0, stamped: 0, moved: 0, waiting: 0 };
    expect(await compacted(s.storage, { at: at + DAY })).toMatchObject(idle);
    expect(s.files()).toEqual(left.map((name) => expect.toSatisfy(isSameFile(name)) as string));
  });

  it('a larger factor regroups, and what a verification has proven stays proven', async () => {
    const s = plain();
    const first = await s.verify();
    expect(first).toMatchObject({ ok: true });
    await compacted(s.storage, { factor: 2 });
    await compacted(s.storage, { factor: 100, at: FIRST_RUN + 5 });
    await compacted(s.storage, { factor: 100, at: FIRST_RUN + 10 });
    expect(Object.keys(withoutStamps(metadataIn(s.folder)))).toEqual([
      'epoch_ending_compacted_0-5.meta',
      'identity.meta',
      'state_snapshot_compacted_epoch_3_5.meta',
      'transaction_compacted_0-250.meta',
    ]);
    const second = await s.verify();
    expect(second).toMatchObject({ ok: true, findings: [], checked: { read_again: {} } });
    expect(second.checked.proven_before).toBeGreaterThan(0);
    expect(second.transactions).toEqual(first.transactions);
  });

  it('files are gzip’d as those of the storage are', async () => {
    const s = copyOf(join(STOCK, 'stock-gzip'));
    const before = await namedIn(s.storage);
    await compacted(s.storage);
    const bytes = readFileSync(join(s.folder, 'metadata', 'transaction_compacted_0-100.meta'));
    expect(gunzipSync(bytes).toString().match(/\n/g)).toHaveLength(2);
    await compacted(s.storage, { at: FIRST_RUN + 2 });
    expect(await namedIn(s.storage)).toEqual(before);
  });
});

/** Leases have a new number each time. */
const isSameFile = (name: string) => (other: string) =>
  other === name || (/\.lease$/.test(name) && /\.lease$/.test(other));

describe('nobody is disturbed', () => {
  it('two at once: one does it, and the other finds it done', async () => {
    const s = plain();
    const both = ['a', 'b'].map((owner) => compacted(s.storage, { owner }));
    const written = (await Promise.all(both)).map((done) => done.written);
    expect(written.sort()).toEqual([0, 5]);
    const moving = ['a', 'b'].map((owner) => compacted(s.storage, { owner, at: FIRST_RUN + 2 }));
    const moved = (await Promise.all(moving)).map((done) => done.moved);
    expect(moved.sort()).toEqual([0, 9]);
  });

  it('a reader beside it always sees every backup', async () => {
    const s = plain();
    const before = await namedIn(s.storage);
    let done = false;
    let reads = 0;
    const reading = (async () => {
      for (; !done; reads += 1) expect(await namedIn(s.storage)).toEqual(before);
    })();
    const runs = async () => {
      for (let run = 0; run < 4; run += 1) {
        await compacted(s.storage, { factor: 1 + (run % 3), at: FIRST_RUN + 2 * run });
      }
    };
    await Promise.all([reading, runs().finally(() => (done = true))]);
    expect(reads).toBeGreaterThan(10);
    expect(await namedIn(s.storage)).toEqual(before);
  });

  it('commits get their turn while many files are moved', async () => {
    const s = plain();
    for (let first = 251; first <= 450; first += 1) {
      const manifest = `transaction_${first}-.00aa/transaction.manifest`;
      const line = { first_version: first, last_version: first, manifest };
      s.write(
        `metadata/transaction_${first}-${first}.meta`,
        `${JSON.stringify({ TransactionBackup: line })}\n`,
      );
    }
    await compacted(s.storage, { factor: 100 });
    let ended = false;
    const moving = compacted(s.storage, { factor: 100, at: FIRST_RUN + 2 });
    const all = moving.finally(() => (ended = true));
    await until('files are moved', () => s.has('metadata_backup'));
    const holder = { owner: 'commit', host: 'there', workflow: 'a commit' };
    const waiting = { signal: AbortSignal.timeout(60_000), report: () => undefined };
    const turn = await withCommitLock(s.storage, holder, waiting, () => Promise.resolve(ended));
    expect(turn).toBe(false);
    expect(await all).toMatchObject({ moved: 209 });
  });

  it('a compacted listing is no shrunken one', async () => {
    const s = plain();
    await s.storage.createBackup('aptos-backup');
    const line = { first: 201n, last: 250n };
    const before = await readCatalog(s.storage);
    const added = {
      type: 'TransactionBackup' as const,
      firstVersion: line.first,
      lastVersion: line.last,
      manifest: s.manifestOf('metadata/transaction_201-250.meta'),
    };
    await rememberMetadata(s.storage, before, added);
    await compacted(s.storage);
    await compacted(s.storage, { at: FIRST_RUN + 2 });
    expect((await readKnownCatalog(s.storage)).files).toBeGreaterThan(0);
    s.remove('metadata/state_snapshot_compacted_epoch_3_5.meta');
    const cut = { code: 'LISTING_SHORT' };
    await expect(compacted(s.storage)).rejects.toMatchObject(cut);
  });
});

describe('what is left alone, and told', () => {
  it('damaged and foreign files, and lines that overlap; everything else is compacted', async () => {
    const s = plain();
    s.write('metadata/transaction_300-399.meta', '{"TransactionBackup":{"first_ver');
    s.write('metadata/epoch_ending_9-9.meta', '');
    s.write('metadata/note.meta', '{"SomethingNew":{"a":1}}\n');
    const twin = s.read('metadata/transaction_101-200.meta').toString().replace('.7134', '.0000');
    s.write('metadata/twin.meta', twin);
    const before = await namedIn(s.storage);
    const kept = ['transaction_300-399', 'epoch_ending_9-9', 'note', 'twin', 'transaction_101-200'];
    const done = await compacted(s.storage);
    expect(done.left_alone.map(({ object }) => object).sort()).toEqual([
      'metadata/epoch_ending_9-9.meta',
      'metadata/note.meta',
      expect.stringMatching(/twin|transaction_101-200/),
      'metadata/transaction_300-399.meta',
    ]);
    await compacted(s.storage, { at: FIRST_RUN + 2 });
    const names = Object.keys(withoutStamps(metadataIn(s.folder)));
    expect(names.filter((name) => !name.includes('_compacted_')).sort()).toEqual(
      [...kept, 'identity'].map((name) => `${name}.meta`).sort(),
    );
    expect(await namedIn(s.storage)).toEqual(before);
  });

  it('a file of a line that was withdrawn while it was read: its line is put nowhere', async () => {
    const s = plain();
    const gone = 'metadata/transaction_101-200.meta';
    const storage = hooked(s.folder, async (what, handle, change) => {
      const done = await change();
      if (what === 'publish' && /commit-\d+\.lease$/.test(handle) && s.has(gone)) s.remove(gone);
      return done;
    });
    const done = await compacted(storage);
    expect(done.left_alone).toEqual([
      {
        object: 'metadata/transaction_compacted_101-250.meta',
        why: expect.stringContaining(`${gone} vanished`) as string,
      },
    ]);
    expect(s.has('metadata/transaction_compacted_101-250.meta')).toBe(false);
    expect(Object.keys(metadataIn(s.folder))).toContain('transaction_201-250.meta');
  });

  it('originals whose replacement is not whole any more, and originals that have changed', async () => {
    const s = plain();
    await compacted(s.storage);
    const broken = 'metadata/transaction_compacted_0-100.meta';
    const changed = 'metadata/epoch_ending_3-5.meta';
    let isDone = false;
    const storage = hooked(s.folder, async (what, handle, change) => {
      const done = await change();
      if (what === 'publish' && /commit-\d+\.lease$/.test(handle) && !isDone) {
        isDone = true;
        s.write(broken, s.read(broken).subarray(0, 40));
        s.write(changed, Buffer.concat([s.read(changed), s.read('metadata/identity.meta')]));
      }
      return done;
    });
    const done = await compacted(storage, { at: FIRST_RUN + 2 });
    expect(done.left_alone.map(({ object }) => object)).toEqual([
      changed,
      'metadata/transaction_0-0.meta',
      'metadata/transaction_1-100.meta',
    ]);
    expect(done.moved).toBe(6);
    for (const { object } of done.left_alone) expect(s.has(object)).toBe(true);
  });

  it('where nobody may delete, all is readable, and it is told', async () => {
    const s = plain();
    const before = await namedIn(s.storage);
    const storage = hooked(s.folder, (what, handle, change) => {
      const isDenied = what === 'remove' && handle.startsWith('metadata/');
      return isDenied ? Promise.reject(new StorageError('DENIED', handle, 'no')) : change();
    });
    await compacted(storage);
    const done = await compacted(storage, { at: FIRST_RUN + 2 });
    expect(done).toMatchObject({ moved: 0, left_alone_count: 1 });
    expect(done.left_alone[0]!.why).toContain('does not let us delete');
    expect(await namedIn(s.storage)).toEqual(before);
  });

  it('an empty folder stays empty', async () => {
    const folder = storageFolder();
    const done = await compacted(openStorage({ local_fs_dir: folder }));
    expect(done).toMatchObject({ files_before: 0, files_after: 0, written: 0, dry_run: false });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a dry run says what a run then does, and writes nothing', async () => {
    const s = plain();
    for (const at of [FIRST_RUN, FIRST_RUN + 2]) {
      const before = s.files();
      const { dry_run: dry, ...would } = await compacted(s.storage, { at, dryRun: true });
      expect(dry).toBe(true);
      expect(s.files()).toEqual(before);
      expect(await compacted(s.storage, { at })).toEqual({ ...would, dry_run: false });
    }
  });
});
