import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { StorageBackend } from '../../src/storage/backend.js';
import { RESERVED } from '../../src/storage/handles.js';
import { BackupStorage } from '../../src/storage/storage.js';
import { until } from '../support/until.js';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const text = (content: Uint8Array) => Buffer.from(content).toString();

/** Not those of the metadata and our own, which some have from the beginning. */
const backups = async (storage: BackupStorage) =>
  (await storage.listFolders()).filter((folder) => !RESERVED.has(folder));

/** Which a storage has whose files are gzip'd. */
const IDENTITY = 'identity.meta';

/** When a store says that a file was written. */
const modified = expect.any(Number) as number;

/**
 * What every backend must do, with all that is around it. `backendOf` makes a place for one test, of which
 * the backends that it then gives are: not begun yet, another one each time. A store without `folders` has only files:
 * a folder is there while it has one, and it shows of small files nothing before they are published.
 */
export function storageContract(
  backendOf: () => Promise<() => StorageBackend>,
  {
    as = 'plain',
    folders = true,
    byNameOnly = false,
  }: { as?: 'plain' | 'gzip'; folders?: boolean; byNameOnly?: boolean } = {},
): void {
  /** What a kind that reads and writes by name alone does not promise (`byNameOnly` in backend.ts). */
  const itLists = it.runIf(!byNameOnly);
  const place = async () => {
    const backend = await backendOf();
    return () => new BackupStorage(backend());
  };
  const create = async () => {
    const backend = await backendOf();
    const open = () => new BackupStorage(backend());
    await open().begin();
    if (as === 'gzip') await addGzip(backend());
    return open;
  };
  /** Bytes as they are stored, which only plain ones tell. */
  const stored = (length: bigint) => (as === 'plain' ? length : (expect.any(BigInt) as bigint));
  const metadata = async (storage: BackupStorage) =>
    (await storage.listMetadata()).filter((handle) => !handle.endsWith(IDENTITY)).sort();
  const put = async (storage: BackupStorage, name: string, content: string, replace = false) => {
    const file = await storage.createFile(await storage.createBackup('a_backup'), name);
    await file.write(bytes(content));
    const outcome = await file.publish({ replace });
    if (outcome === 'exists') await file.discard();
    return { handle: file.handle, outcome };
  };

  itLists('is made by `begin`, and by nothing else', async () => {
    const open = await place();
    const gone = { code: 'FOLDER_GONE' };
    await expect(open().createBackup('a_backup')).rejects.toMatchObject(gone);
    await expect(open().saveMetadata('one.meta', bytes('{1}\n'))).rejects.toMatchObject(gone);
    await expect(open().listFolders()).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
    await open().begin();
    await open().createBackup('a_backup');
    await open().begin();
    if (!folders) await put(open(), 'x.chunk', 'content');
    expect(await backups(open())).toEqual(['a_backup']);
  });

  describe('files', () => {
    it('are read back by handle, by another instance too', async () => {
      const open = await create();
      const { handle, outcome } = await put(open(), '0-.chunk', 'content');
      expect({ handle, outcome }).toEqual({ handle: 'a_backup/0-.chunk', outcome: 'created' });
      expect(text(await open().readAll(handle, 100))).toBe('content');
      expect((await open().stat(handle))?.bytes).toEqual(stored(7n));
    });

    it('are not visible before they are published, nor after they are discarded', async () => {
      const open = await create();
      const storage = open();
      const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
      await file.write(bytes('half'));
      expect(await storage.stat(file.handle)).toBeUndefined();
      await file.discard();
      await file.discard();
      expect(await storage.stat(file.handle)).toBeUndefined();
    });

    it('are created once: a second one of the name changes nothing', async () => {
      const open = await create();
      await put(open(), 'x.chunk', 'first');
      expect((await put(open(), 'x.chunk', 'second')).outcome).toBe('exists');
      expect(text(await open().readAll('a_backup/x.chunk', 100))).toBe('first');
    });

    it('are replaced when asked, also after the name was found taken', async () => {
      const open = await create();
      await put(open(), 'x.chunk', 'first');
      const storage = open();
      const file = await storage.createFile('a_backup', 'x.chunk');
      await file.write(bytes('second'));
      expect(await file.publish()).toBe('exists');
      expect(await file.publish({ replace: true })).toBe('created');
      expect(text(await storage.readAll(file.handle, 100))).toBe('second');
    });

    itLists('have one creator when many race', async () => {
      const open = await create();
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, i) => put(open(), 'race.chunk', `writer ${i}`)),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
    });

    it('are missed with NOT_FOUND', async () => {
      const open = await create();
      await put(open(), 'x.chunk', '');
      await expect(open().readAll('a_backup/y.chunk', 10)).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
      expect(await open().stat('nowhere/y.chunk')).toBeUndefined();
    });

    it('are not read past the limit', async () => {
      const open = await create();
      const { handle } = await put(open(), 'x.chunk', '12345678901');
      await expect(open().readAll(handle, 10)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    });

    it('of many parts come back whole', async () => {
      const open = await create();
      const storage = open();
      const file = await storage.createFile(await storage.createBackup('a_backup'), 'big.chunk');
      for (let i = 0; i < 40; i += 1) await file.write(new Uint8Array(100_000).fill(i));
      await file.publish();
      const content = await storage.readAll(file.handle, 5_000_000);
      expect(content.length).toBe(4_000_000);
      expect([content[0], content[150_000], content[3_999_999]]).toEqual([0, 1, 39]);
    });

    it('stop being read when cancelled on the way', async () => {
      const open = await create();
      const storage = open();
      const file = await storage.createFile(await storage.createBackup('a_backup'), 'big.chunk');
      for (let i = 0; i < 8; i += 1) await file.write(new Uint8Array(1_000_000));
      await file.publish();
      const stop = new AbortController();
      let parts = 0;
      const reading = async () => {
        for await (const part of storage.withSignal(stop.signal).read(file.handle)) {
          parts += part.length > 0 ? 1 : 0;
          stop.abort(new Error('enough'));
        }
      };
      await expect(reading()).rejects.toThrow('enough');
      expect(parts).toBe(1);
    });

    it('stop being written when cancelled, and nothing of them is seen', async () => {
      const open = await create();
      const storage = open();
      const stop = new AbortController();
      const folder = await storage.createBackup('a_backup');
      const file = await storage.withSignal(stop.signal).createFile(folder, 'x.chunk');
      await file.write(bytes('half'));
      stop.abort(new Error('enough'));
      await expect(file.write(bytes('rest'))).rejects.toThrow('enough');
      await expect(file.publish()).rejects.toThrow('enough');
      await file.discard();
      expect(await storage.stat(file.handle)).toBeUndefined();
    });

    it('stop being read when cancelled before', async () => {
      const open = await create();
      const { handle } = await put(open(), 'x.chunk', 'content');
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(open().withSignal(signal).readAll(handle, 100)).rejects.toThrow('enough');
    });
  });

  describe('names', () => {
    it.each(['.hidden', '..', '-dash', 'a b', 'a\nb', 'ab?', 'ab', 'x'.repeat(128), 'a/b.chunk'])(
      'refuses to create %j',
      async (name) => {
        const open = await create();
        const storage = open();
        await storage.createBackup('a_backup');
        await expect(storage.createFile('a_backup', name)).rejects.toMatchObject({
          code: 'NAME_INVALID',
        });
      },
    );

    it.each(['/etc/passwd', '../x', 'a/../../x', 'a//b', 'a/\0b', '', 'a\\b'])(
      'refuses to read %j',
      async (handle) => {
        const open = await create();
        await expect(open().readAll(handle, 100)).rejects.toMatchObject({ code: 'NAME_INVALID' });
      },
    );
  });

  describe('what is stored', () => {
    itLists('is listed by folder, without what is on its way', async () => {
      const open = await create();
      const { handle } = await put(open(), 'x.chunk', 'content');
      const folder = handle.split('/')[0]!;
      const writer = await open().createFile(folder, 'y.chunk');
      expect(await backups(open())).toEqual([folder]);
      expect(await open().listFolder(folder)).toEqual([{ handle, bytes: stored(7n), modified }]);
      expect(await open().listFolder('nothing')).toEqual([]);
      await writer.discard();
    });

    itLists('is not looked through for one who has given up', async () => {
      const open = await create();
      await put(open(), 'x.chunk', 'content');
      const gone = AbortSignal.abort(new Error('not needed'));
      await expect(open().withSignal(gone).listFolder('a_backup')).rejects.toThrow('not needed');
      await expect(open().withSignal(gone).lastChange('a_backup')).rejects.toThrow('not needed');
    });

    it('has a stamp that stays as long as the content does', async () => {
      const open = await create();
      const { handle } = await put(open(), 'x.chunk', 'content');
      const stamp = (await open().stat(handle))?.stamp;
      expect(stamp).toBeDefined();
      expect((await open().stat(handle))?.stamp).toBe(stamp);
      const [folder, name] = handle.split('/');
      const writer = await open().createFile(folder!, name!);
      await writer.write(bytes('CONTENT'));
      await writer.publish({ replace: true });
      expect((await open().stat(handle))?.stamp).not.toBe(stamp);
      expect((await open().stat('nothing/here'))?.stamp).toBeUndefined();
    });
  });

  describe('removing', () => {
    itLists('takes away files and folders, also those that are gone', async () => {
      const open = await create();
      const { handle } = await put(open(), 'x.chunk', 'content');
      await put(open(), 'y.chunk', 'content');
      for (let i = 0; i < 2; i += 1) {
        await open().removeFile(handle);
        expect(await open().listFolder('a_backup')).toEqual([
          { handle: 'a_backup/y.chunk', bytes: stored(7n), modified },
        ]);
      }
      for (let i = 0; i < 2; i += 1) {
        await open().removeFolder('a_backup');
        expect(await backups(open())).toEqual([]);
      }
      await put(open(), 'x.chunk', 'again');
      expect(text(await open().readAll(handle, 100))).toBe('again');
    });

    it('never takes away metadata, nor what is outside', async () => {
      const open = await create();
      await open().saveMetadata('one.meta', bytes('{1}\n'));
      const refused = { code: 'NAME_INVALID' };
      for (const handle of ['metadata/one.meta', 'metadata_backup/x.meta', '../x', 'a_backup']) {
        await expect(open().removeFile(handle)).rejects.toMatchObject(refused);
      }
      for (const folder of ['metadata', 'metadata_backup', 'aptos-backup', '..', 'a_backup/b']) {
        await expect(open().removeFolder(folder)).rejects.toMatchObject(refused);
      }
      expect(await metadata(open())).toEqual(['metadata/one.meta']);
    });

    itLists('leaves alone what is on its way', async () => {
      const open = await create();
      const storage = open();
      const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
      await file.write(bytes('content'));
      expect(await open().removeLeftovers('a_backup')).toEqual({
        removed: 0,
        left: folders ? 1 : 0,
      });
      expect(await file.publish()).toBe('created');
      expect(await open().removeLeftovers('a_backup')).toEqual({ removed: 0, left: 0 });
      expect(await open().removeLeftovers('nothing')).toEqual({ removed: 0, left: 0 });
    });

    it.runIf(folders && !byNameOnly)(
      'of a folder ends what is written into it, and a new writer finds no room',
      async () => {
        const open = await create();
        const storage = open();
        const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
        await file.write(bytes('content'));
        await open().removeFolder('a_backup');
        const missing = { code: 'FOLDER_GONE', retryable: true };
        await expect(file.publish()).rejects.toMatchObject(missing);
        await file.discard();
        await expect(open().createFile('a_backup', 'x.chunk')).rejects.toMatchObject(missing);
        expect(await backups(open())).toEqual([]);
      },
    );
  });

  itLists('says when anything in a folder last changed, by its own clock', async () => {
    const open = await create();
    const since = async () => (await open().now()) - (await open().lastChange('a_backup'))!;
    expect(await open().lastChange('a_backup')).toBeUndefined();
    await put(open(), 'x.chunk', 'content');
    expect(Math.abs(await since())).toBeLessThan(60_000);
    await until('it is quiet', async () => (await since()) > 300);
    const file = await open().createFile('a_backup', 'y.chunk');
    await until('it is quiet again', async () => (await since()) > 300);
    const lastOf = async () => (await open().lastChange('a_backup'))!;
    const before = await lastOf();
    await file.write(bytes('more'));
    if (folders) await until('the write shows', async () => (await lastOf()) > before);
    await file.discard();
  });

  describe('metadata', () => {
    it('is listed, and empty in a new storage', async () => {
      const open = await create();
      await put(open(), 'x.chunk', '');
      expect(await metadata(open())).toEqual([]);
      await open().saveMetadata('one.meta', bytes('{1}\n'));
      await open().saveMetadata('two.meta', bytes('{2}\n'));
      expect(await metadata(open())).toEqual(['metadata/one.meta', 'metadata/two.meta']);
    });

    it('is listed with sizes, and with stamps that stay as long as the content does', async () => {
      const open = await create();
      const listed = async () => {
        const files = await open().listStampedMetadata();
        return new Map(files.map(({ name, ...file }) => [name, file]));
      };
      await open().saveMetadata('one.meta', bytes('{1}\n'));
      await open().saveMetadata('two.meta', bytes('{2}\n'));
      await until(
        'they have stamps',
        async () => (await listed()).get('two.meta')?.stamp !== undefined,
      );
      const first = await listed();
      expect([...first.keys()].filter((name) => name !== IDENTITY).sort()).toEqual([
        'one.meta',
        'two.meta',
      ]);
      expect(await listed()).toEqual(first);
      if (byNameOnly) {
        expect(first.get('one.meta')).toEqual({ bytes: undefined, stamp: '' });
        return;
      }
      expect(first.get('one.meta')?.bytes).toEqual((await open().stat('metadata/one.meta'))?.bytes);
      const file = await open().createFile('metadata', 'one.meta');
      await file.write(bytes('{3}\n'));
      await file.publish({ replace: true });
      const second = await listed();
      expect(second.get('one.meta')?.stamp).not.toBe(first.get('one.meta')?.stamp);
      expect(second.get('two.meta')?.stamp).toBe(first.get('two.meta')?.stamp);
      expect(text(await open().readMetadata('metadata/one.meta', 10))).toBe('{3}\n');
      await expect(open().readMetadata('metadata/none.meta', 10)).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
      await open().retireMetadata('metadata/one.meta');
      expect((await listed()).has('one.meta')).toBe(false);
    });

    it('may be saved again only as it is', async () => {
      const open = await create();
      const save = (content: string) => open().saveMetadata('one.meta', bytes(content));
      expect(await save('{1}\n')).toEqual({ handle: 'metadata/one.meta', outcome: 'created' });
      expect(await save('{1}\n')).toMatchObject({ outcome: 'same' });
      for (const other of ['{2}\n', '{1}', '{1}\n{2}\n', '']) {
        await expect(save(other)).rejects.toMatchObject({ code: 'EXISTS_DIFFERENT' });
      }
      expect(text(await open().readAll('metadata/one.meta', 10))).toBe('{1}\n');
    });

    it('alone can be retired', async () => {
      const open = await create();
      const { handle } = await put(open(), 'x.chunk', 'content');
      await expect(open().retireMetadata(handle)).rejects.toMatchObject({ code: 'NAME_INVALID' });
      expect(text(await open().readAll(handle, 100))).toBe('content');
      await expect(open().retireMetadata('metadata/none.meta')).rejects.toThrow('none.meta');
    });

    it('that is retired is no longer listed', async () => {
      const open = await create();
      const { handle } = await open().saveMetadata('one.meta', bytes('{1}\n'));
      await open().retireMetadata(handle);
      expect(await metadata(open())).toEqual([]);
      expect(text(await open().readAll('metadata_backup/one.meta', 10))).toBe('{1}\n');
    });
  });
}

/** A metadata file as the stock tool writes it through an adapter; then all that is added is gzip'd. */
async function addGzip(backend: StorageBackend): Promise<void> {
  const call = { signal: new AbortController().signal, progress: () => undefined };
  const file = await backend.create(`metadata/${IDENTITY}`, call);
  await file.write(gzipSync('{"Identity":{"id":"00"}}\n'));
  expect(await file.publish()).toBe('created');
  await file.discard();
}
