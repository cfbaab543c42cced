import { describe, expect, it } from 'vitest';
import type { BackupStorage } from '../../src/storage/storage.js';
import { until } from '../support/temporal.js';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const text = (content: Uint8Array) => Buffer.from(content).toString();

/** What every backend must do; `open` gives the same storage, not begun yet, each time within one test. */
export function storageContract(place: () => Promise<() => BackupStorage>): void {
  const create = async () => {
    const open = await place();
    await open().begin();
    return open;
  };
  const put = async (storage: BackupStorage, name: string, content: string, replace = false) => {
    const file = await storage.createFile(await storage.createBackup('a_backup'), name);
    await file.write(bytes(content));
    const outcome = await file.publish({ replace });
    if (outcome === 'exists') await file.discard();
    return { handle: file.handle, outcome };
  };

  it('is made by `begin`, and by nothing else', async () => {
    const open = await place();
    const missing = { code: 'STORAGE_MISSING' };
    await expect(open().createBackup('a_backup')).rejects.toMatchObject(missing);
    await expect(open().saveMetadata('one.meta', bytes('1\n'))).rejects.toMatchObject(missing);
    await expect(open().listFolders()).rejects.toMatchObject(missing);
    await open().begin();
    await open().createBackup('a_backup');
    await open().begin();
    expect(await open().listFolders()).toEqual(['a_backup']);
  });

  describe('files', () => {
    it('are read back by handle, by another instance too', async () => {
      const open = await create();
      const { handle, outcome } = await put(open(), '0-.chunk', 'content');
      expect({ handle, outcome }).toEqual({ handle: 'a_backup/0-.chunk', outcome: 'created' });
      expect(text(await open().readAll(handle, 100))).toBe('content');
      expect(await open().size(handle)).toBe(7n);
    });

    it('are not visible before they are published, nor after they are discarded', async () => {
      const open = await create();
      const storage = open();
      const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
      await file.write(bytes('half'));
      expect(await storage.size(file.handle)).toBeUndefined();
      await file.discard();
      await file.discard();
      expect(await storage.size(file.handle)).toBeUndefined();
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

    it('have one creator when many race', async () => {
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
      expect(await open().size('nowhere/y.chunk')).toBeUndefined();
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
        for await (const part of storage.read(file.handle, stop.signal)) {
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
      const file = await storage.createFile(folder, 'x.chunk', stop.signal);
      await file.write(bytes('half'));
      stop.abort(new Error('enough'));
      await expect(file.write(bytes('rest'))).rejects.toThrow('enough');
      await expect(file.publish()).rejects.toThrow('enough');
      await file.discard();
      expect(await storage.size(file.handle)).toBeUndefined();
    });

    it('stop being read when cancelled before', async () => {
      const open = await create();
      const { handle } = await put(open(), 'x.chunk', 'content');
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(open().readAll(handle, 100, signal)).rejects.toThrow('enough');
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
    it('is listed by folder, without what is on its way', async () => {
      const open = await create();
      const { handle } = await put(open(), 'x.chunk', 'content');
      const folder = handle.split('/')[0]!;
      const writer = await open().createFile(folder, 'y.chunk');
      expect(await open().listFolders()).toEqual([folder]);
      expect(await open().listFolder(folder)).toEqual([{ handle, bytes: 7n }]);
      expect(await open().listFolder('nothing')).toEqual([]);
      await writer.discard();
    });

    it('is not looked through for one who has given up', async () => {
      const open = await create();
      await put(open(), 'x.chunk', 'content');
      const gone = AbortSignal.abort(new Error('not needed'));
      await expect(open().listFolder('a_backup', gone)).rejects.toThrow('not needed');
      await expect(open().lastChange('a_backup', gone)).rejects.toThrow('not needed');
    });

    it('has a stamp that stays as long as the content does', async () => {
      const open = await create();
      const { handle } = await put(open(), 'x.chunk', 'content');
      const stamp = await open().stamp(handle);
      expect(stamp).toBeDefined();
      expect(await open().stamp(handle)).toBe(stamp);
      const [folder, name] = handle.split('/');
      const writer = await open().createFile(folder!, name!);
      await writer.write(bytes('CONTENT'));
      await writer.publish({ replace: true });
      expect(await open().stamp(handle)).not.toBe(stamp);
      expect(await open().stamp('nothing/here')).toBeUndefined();
    });
  });

  describe('removing', () => {
    it('takes away files and folders, also those that are gone', async () => {
      const open = await create();
      const { handle } = await put(open(), 'x.chunk', 'content');
      await put(open(), 'y.chunk', 'content');
      for (let i = 0; i < 2; i += 1) {
        await open().removeFile(handle);
        expect(await open().listFolder('a_backup')).toEqual([
          { handle: 'a_backup/y.chunk', bytes: 7n },
        ]);
      }
      for (let i = 0; i < 2; i += 1) {
        await open().removeFolder('a_backup');
        expect(await open().listFolders()).toEqual([]);
      }
      await put(open(), 'x.chunk', 'again');
      expect(text(await open().readAll(handle, 100))).toBe('again');
    });

    it('never takes away metadata, nor what is outside', async () => {
      const open = await create();
      await open().saveMetadata('one.meta', bytes('1\n'));
      const refused = { code: 'NAME_INVALID' };
      for (const handle of ['metadata/one.meta', 'metadata_backup/x.meta', '../x', 'a_backup']) {
        await expect(open().removeFile(handle)).rejects.toMatchObject(refused);
      }
      for (const folder of ['metadata', 'metadata_backup', 'aptos-backup', '..', 'a_backup/b']) {
        await expect(open().removeFolder(folder)).rejects.toMatchObject(refused);
      }
      expect(await open().listMetadata()).toEqual(['metadata/one.meta']);
    });

    it('leaves alone what is on its way', async () => {
      const open = await create();
      const storage = open();
      const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
      await file.write(bytes('content'));
      expect(await open().removeLeftovers('a_backup')).toEqual({ removed: 0, left: 1 });
      expect(await file.publish()).toBe('created');
      expect(await open().removeLeftovers('a_backup')).toEqual({ removed: 0, left: 0 });
      expect(await open().removeLeftovers('nothing')).toEqual({ removed: 0, left: 0 });
    });

    it('of a folder ends what is written into it, and a new writer finds no room', async () => {
      const open = await create();
      const storage = open();
      const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
      await file.write(bytes('content'));
      await open().removeFolder('a_backup');
      const missing = { code: 'STORAGE_MISSING', retryable: true };
      await expect(file.publish()).rejects.toMatchObject(missing);
      await file.discard();
      await expect(open().createFile('a_backup', 'x.chunk')).rejects.toMatchObject(missing);
      expect(await open().listFolders()).toEqual([]);
    });
  });

  it('says when anything in a folder last changed', async () => {
    const open = await create();
    expect(await open().lastChange('a_backup')).toBeUndefined();
    await put(open(), 'x.chunk', 'content');
    const first = (await open().lastChange('a_backup'))!;
    expect(Math.abs(Date.now() - first)).toBeLessThan(60_000);
    const file = await open().createFile('a_backup', 'y.chunk');
    const begun = (await open().lastChange('a_backup'))!;
    expect(begun).toBeGreaterThanOrEqual(first);
    await until('writing shows', async () => {
      await file.write(bytes('more'));
      return (await open().lastChange('a_backup'))! > begun;
    });
    await file.discard();
  });

  describe('metadata', () => {
    it('is listed, and empty in a new storage', async () => {
      const open = await create();
      await put(open(), 'x.chunk', '');
      expect(await open().listMetadata()).toEqual([]);
      await open().saveMetadata('one.meta', bytes('1\n'));
      await open().saveMetadata('two.meta', bytes('2\n'));
      expect((await open().listMetadata()).sort()).toEqual([
        'metadata/one.meta',
        'metadata/two.meta',
      ]);
    });

    it('may be saved again only as it is', async () => {
      const open = await create();
      const save = (content: string) => open().saveMetadata('one.meta', bytes(content));
      expect(await save('1\n')).toEqual({ handle: 'metadata/one.meta', outcome: 'created' });
      expect(await save('1\n')).toMatchObject({ outcome: 'same' });
      for (const other of ['2\n', '1', '1\n2\n', '']) {
        await expect(save(other)).rejects.toMatchObject({ code: 'EXISTS_DIFFERENT' });
      }
      expect(text(await open().readAll('metadata/one.meta', 10))).toBe('1\n');
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
      const { handle } = await open().saveMetadata('one.meta', bytes('1\n'));
      await open().retireMetadata(handle);
      expect(await open().listMetadata()).toEqual([]);
      expect(text(await open().readAll('metadata_backup/one.meta', 10))).toBe('1\n');
    });
  });
}
