/** Gzip'd files of a storage are read for their content, and new files are written in the same way. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { LocalBackend } from '../../src/storage/local/local-backend.js';
import { openStorage } from '../../src/storage/open.js';
import type { BackupStorage } from '../../src/storage/storage.js';
import { storageFolder } from '../support/backup.js';

const LINE = Buffer.from('{"Identity":{"id":"00"}}\n');
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** A storage with some metadata files and a folder for backups. */
function place(metadata: Record<string, Uint8Array>) {
  const root = storageFolder();
  for (const folder of ['metadata', 'a_backup', 'aptos-backup']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const [name, bytes] of Object.entries(metadata)) {
    writeFileSync(join(root, 'metadata', name), bytes);
  }
  return {
    storage: openStorage({ local_fs_dir: root }),
    again: () => openStorage({ local_fs_dir: root }),
    put: (name: string, bytes: Uint8Array) => writeFileSync(join(root, 'a_backup', name), bytes),
    stored: (handle: string) => readFileSync(join(root, handle)),
    folders: () => readdirSync(root).sort(),
    path: (handle: string) => join(root, handle),
  };
}
const gzipped = () => place({ 'identity.meta': gzipSync(LINE) });
const plain = () => place({ 'identity.meta': LINE });

async function write(storage: BackupStorage, folder: string, name: string, parts: Uint8Array[]) {
  const file = await storage.createFile(folder, name);
  for (const part of parts) {
    const given = Buffer.from(part);
    await file.write(given);
    given.fill(0); // taken over, so it may be reused
  }
  const outcome = await file.publish({ replace: true });
  await file.discard();
  return { handle: file.handle, outcome };
}

describe('reading', () => {
  it('gives the content of a gzip file, even of several members with zeros after them', async () => {
    const p = gzipped();
    const a = gzipSync('first ');
    for (const [name, bytes, content] of [
      ['one.chunk', a, 'first '],
      ['two.chunk', Buffer.concat([a, gzipSync('second')]), 'first second'],
      ['padded.proof', Buffer.concat([a, Buffer.alloc(5000)]), 'first '],
      ['best.manifest', gzipSync('x', { level: 9 }), 'x'],
      ['nothing.chunk', gzipSync(''), ''],
      ['chain.json', gzipSync('{}'), '{}'],
    ] as const) {
      p.put(name, bytes);
      expect(text(await p.storage.readAll(`a_backup/${name}`, 100))).toBe(content);
    }
    expect(text(await p.storage.readAll('metadata/identity.meta', 100))).toBe(LINE.toString());
  });

  it('gives the plain files of such a storage as they are', async () => {
    const p = gzipped();
    for (const content of ['', '\x1f', 'plain', '\x1f\x8b\x07x', '{"chunks":[]}']) {
      p.put('x.chunk', Buffer.from(content, 'latin1'));
      const read = await p.storage.readAll('a_backup/x.chunk', 100);
      expect(Buffer.from(read).toString('latin1')).toBe(content);
    }
  });

  it('takes no file for gzip if all metadata is plain', async () => {
    const p = plain();
    const bytes = gzipSync('content');
    p.put('x.chunk', bytes);
    expect(Buffer.from(await p.storage.readAll('a_backup/x.chunk', 100))).toEqual(bytes);
    // As soon as one metadata file is gzip'd, others may be.
    writeFileSync(p.path('metadata/zzz.meta'), gzipSync(LINE));
    expect(text(await p.storage.readAll('a_backup/x.chunk', 100))).toBe('content');
  });

  it('finds the one metadata file that is gzipped among very many', async () => {
    const many = Array.from({ length: 300 }, (_, i) => [`transaction_${i}-${i}.meta`, LINE]);
    const p = place({
      ...(Object.fromEntries(many) as Record<string, Uint8Array>),
      'transaction_157-157.meta': gzipSync(LINE),
    });
    p.put('x.chunk', gzipSync('content'));
    expect(text(await p.storage.readAll('a_backup/x.chunk', 100))).toBe('content');
  });

  it('looks at a bounded number of metadata files, and then goes by what a plain file cannot be', async () => {
    const many = Array.from({ length: 1100 }, (_, i) => [`transaction_${i}-${i}.meta`, LINE]);
    const p = place(Object.fromEntries(many) as Record<string, Uint8Array>);
    const opened = vi.spyOn(LocalBackend.prototype, 'read');
    for (const name of ['x.chunk', 'x.proof', 'y.chunk']) p.put(name, gzipSync('content'));
    expect(text(await p.storage.readAll('a_backup/x.chunk', 100))).toBe('content');
    expect(Buffer.from(await p.storage.readAll('a_backup/x.proof', 100))).toEqual(
      gzipSync('content'),
    );
    expect(text(await p.storage.readAll('a_backup/y.chunk', 100))).toBe('content');
    expect(opened.mock.calls.length).toBeLessThanOrEqual(1003);
    opened.mockRestore();
  });

  it.each([
    ['cut', (b: Buffer) => b.subarray(0, b.length - 3), /breaks off/],
    ['cut in its header', (b: Buffer) => b.subarray(0, 5), /breaks off/],
    ['cut to two bytes', (b: Buffer) => b.subarray(0, 2), /breaks off/],
    [
      'of two members, the second one cut',
      (b: Buffer) => Buffer.concat([b, b.subarray(0, 15)]),
      /breaks off/,
    ],
    ['with another checksum', (b: Buffer) => flip(b, b.length - 6), /incorrect data check/],
    ['with another length', (b: Buffer) => flip(b, b.length - 2), /incorrect length check/],
    ['changed inside', (b: Buffer) => flip(b, 12), /damaged: /],
    [
      'with something else behind',
      (b: Buffer) => Buffer.concat([b, Buffer.from('junk')]),
      /incorrect header/,
    ],
  ])('reports a gzip file %s as DAMAGED', async (_, damage, why) => {
    const p = gzipped();
    p.put('x.chunk', damage(gzipSync('some content that is long enough to be damaged '.repeat(5))));
    const reading = p.storage.readAll('a_backup/x.chunk', 1000);
    await expect(reading).rejects.toMatchObject({ code: 'DAMAGED', retryable: false });
    await expect(reading).rejects.toThrow(
      /^a_backup\/x.chunk in local folder .* is gzip'd and damaged/,
    );
    await expect(reading).rejects.toThrow(why);
  });

  it('keeps its limit and its memory when a small file expands to very much', async () => {
    const p = gzipped();
    const zeros = Buffer.alloc(8 * 1024 * 1024);
    const member = gzipSync(zeros);
    p.put('bomb.chunk', Buffer.concat(Array.from({ length: 64 }, () => member)));
    await expect(p.storage.readAll('a_backup/bomb.chunk', 1000)).rejects.toMatchObject({
      code: 'TOO_LARGE',
    });
    let bytes = 0;
    let largest = 0;
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for await (const part of p.storage.read('a_backup/bomb.chunk')) {
      bytes += part.length;
      largest = Math.max(largest, part.length);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(bytes).toBe(64 * zeros.length);
    expect(largest).toBeLessThan(2 * 1024 * 1024);
    expect(most).toBeLessThan(200 * 1024 * 1024);
  });

  it('ends with the reason when it is cancelled', async () => {
    const p = gzipped();
    p.put('x.chunk', gzipSync(randomBytes(4_000_000)));
    const stop = new AbortController();
    const reading = async () => {
      for await (const part of p.storage.withSignal(stop.signal).read('a_backup/x.chunk')) {
        if (part.length > 0) stop.abort(new Error('enough'));
      }
    };
    await expect(reading()).rejects.toThrow('enough');
    await expect(p.storage.readAll('a_backup/y.chunk', 10)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('writing', () => {
  it('uses gzip for all files that the stock tool reads if the metadata does, and keeps our own files plain', async () => {
    const p = gzipped();
    const parts = Array.from({ length: 40 }, (_, i) => Buffer.alloc(100_000, `part ${i} `));
    for (const name of ['0-.chunk', '0-9.proof', 'transaction.manifest']) {
      expect((await write(p.storage, 'a_backup', name, parts)).outcome).toBe('created');
      // As the tool reads it, through its adapter.
      const content = execFileSync('gzip', ['-cd', p.path(`a_backup/${name}`)], {
        maxBuffer: 10_000_000,
      });
      expect(content.equals(Buffer.concat(parts))).toBe(true);
      expect(p.stored(`a_backup/${name}`).length).toBeLessThan(400_000);
      expect((await p.storage.stat(`a_backup/${name}`))?.bytes).toBeLessThan(400_000n);
    }
    for (const name of ['plan.json', '0-.receipt', 'committed.json']) {
      await write(p.storage, 'a_backup', name, [Buffer.from('{}\n')]);
      expect(p.stored(`a_backup/${name}`).toString()).toBe('{}\n');
      expect(text(await p.storage.readAll(`a_backup/${name}`, 10))).toBe('{}\n');
    }
    await p.storage.saveMetadata('new.meta', LINE);
    expect(gunzipSync(p.stored('metadata/new.meta'))).toEqual(LINE);
  });

  it('stays plain if the metadata is plain, and in a new storage', async () => {
    for (const p of [plain(), place({})]) {
      await write(p.storage, 'a_backup', '0-.chunk', [Buffer.from('content')]);
      await p.storage.saveMetadata('new.meta', LINE);
      expect(p.stored('a_backup/0-.chunk').toString()).toBe('content');
      expect(p.stored('metadata/new.meta')).toEqual(LINE);
    }
  });

  it('follows the majority of mixed metadata', async () => {
    for (const [gzip, as] of [
      [1, 'plain'],
      [2, 'gzip'],
    ] as const) {
      const files = ['a.meta', 'b.meta', 'c.meta'].map((name, i) => [
        name,
        i < gzip ? gzipSync(LINE) : LINE,
      ]);
      const p = place(Object.fromEntries(files) as Record<string, Uint8Array>);
      await write(p.storage, 'a_backup', '0-.chunk', [Buffer.from('content')]);
      const expected = as === 'gzip' ? gzipSync('content') : Buffer.from('content');
      expect(p.stored('a_backup/0-.chunk')).toEqual(expected);
    }
  });

  it('replaces a file when asked to, and drops a discarded one', async () => {
    const p = gzipped();
    p.put('x.chunk', gzipSync('first'));
    const file = await p.storage.createFile('a_backup', 'x.chunk');
    await file.write(Buffer.from('second'));
    expect(await file.publish()).toBe('exists');
    expect(text(await p.storage.readAll('a_backup/x.chunk', 100))).toBe('first');
    expect(await file.publish({ replace: true })).toBe('created');
    expect(text(await p.storage.readAll('a_backup/x.chunk', 100))).toBe('second');
    const other = await p.storage.createFile('a_backup', 'y.chunk');
    await other.write(Buffer.from('half'));
    await other.discard();
    await other.discard();
    expect(await p.storage.stat('a_backup/y.chunk')).toBeUndefined();
    expect(readdirSync(p.path('a_backup'))).toEqual(['x.chunk']);
  });

  it('accepts an existing metadata file if its content is the same, whatever compressed it', async () => {
    const p = gzipped();
    writeFileSync(p.path('metadata/one.meta'), gzipSync(LINE, { level: 1, memLevel: 1 }));
    writeFileSync(p.path('metadata/two.meta'), LINE);
    writeFileSync(p.path('metadata/cut.meta'), gzipSync(LINE).subarray(0, 20));
    for (const name of ['one.meta', 'two.meta']) {
      expect(await p.storage.saveMetadata(name, LINE)).toMatchObject({ outcome: 'same' });
      const other = p.storage.saveMetadata(name, Buffer.from('{}\n'));
      await expect(other).rejects.toMatchObject({ code: 'EXISTS_DIFFERENT' });
    }
    const cut = p.storage.saveMetadata('cut.meta', LINE);
    await expect(cut).rejects.toMatchObject({ code: 'EXISTS_DIFFERENT' });
  });
});

describe('metadata in another form', () => {
  const zstd = Buffer.from('28b52ffd2400', 'hex');
  it.each([
    ['zstd', { 'a.meta': zstd, 'b.meta': LINE, 'c.meta': LINE }, /a\.meta .* a zstd file/],
    ['bzip2', { 'a.meta': Buffer.from('BZh91AY&SY') }, /a bzip2 file/],
    ['xz', { 'a.meta': Buffer.from('fd377a585a000004', 'hex') }, /an xz file/],
    ['encrypted by age', { 'a.meta': Buffer.from('age-encryption.org/v1\n') }, /with age/],
    ['encrypted', { 'a.meta': Buffer.from('9c1f0a', 'hex') }, /neither JSON nor gzip/],
    [
      'error pages',
      { 'a.meta': Buffer.from('<html>'), 'b.meta': Buffer.from(' <?xml'), 'c.meta': LINE },
      /a page of HTML or XML/,
    ],
  ])('makes a storage refuse all writes: %s', async (_, metadata, why) => {
    const p = place(metadata);
    const before = p.folders();
    for (const writing of [
      () => p.again().createBackup('b_backup'),
      () => p.again().createFile('a_backup', '0-.chunk'),
      () => p.again().saveMetadata('new.meta', LINE),
    ]) {
      await expect(writing()).rejects.toMatchObject({ code: 'ENCODING_UNKNOWN', retryable: false });
      await expect(writing()).rejects.toThrow(why);
    }
    expect(p.folders()).toEqual(before);
    expect(readdirSync(p.path('a_backup'))).toEqual([]);
  });

  it('is no reason to stop if it is one damaged file among others, or an empty one', async () => {
    for (const metadata of [
      { 'a.meta': Buffer.from('ruined'), 'b.meta': LINE },
      { 'a.meta': Buffer.alloc(0), 'b.meta': Buffer.alloc(100) },
    ]) {
      const p = place(metadata);
      await p.storage.createBackup('b_backup');
      expect(p.folders()).toContain('b_backup');
    }
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 0xff;
  return changed;
}
