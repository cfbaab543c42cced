/** How people name a storage: all ways to write the same one come to one form, and nothing secret gets in. */
import { expect, it } from 'vitest';
import { parseStorage } from '../../src/contract/backup-input.js';
import { parseCopyInput } from '../../src/contract/copy-input.js';
import { isSamePlace, storageName, storageNamed } from '../../src/contract/storage-name.js';

it.each([
  ['file:///a/folder', { local_fs_dir: '/a/folder' }],
  ['file://localhost/a/folder', { local_fs_dir: '/a/folder' }],
  ['file:///with%20a%20blank', { local_fs_dir: '/with a blank' }],
  [{ url: 'file:///a/folder' }, { local_fs_dir: '/a/folder' }],
  [{ type: 'local', dir: '/a/folder' }, { local_fs_dir: '/a/folder' }],
  ['s3://bucket', { url: 's3://bucket' }],
  ['S3://bucket/', { url: 's3://bucket' }],
  [{ url: 's3://bucket/a/b' }, { url: 's3://bucket/a/b' }],
  [
    's3://bucket/a/?region=eu-west-1&endpoint=http%3A%2F%2Flocalhost%3A9000',
    { url: 's3://bucket/a?endpoint=http://localhost:9000&region=eu-west-1' },
  ],
  ['gs://bucket/with%20a%20blank', { url: 'gs://bucket/with%20a%20blank' }],
  ['azblob://account/container/a/b', { url: 'azblob://account/container/a/b' }],
  [{ command_adapter_config: '/a/file.yaml' }, { command_adapter_config: '/a/file.yaml' }],
])('%j is one way to name a storage, and comes to the form that all share', (written, settings) => {
  const storage = parseStorage(written);
  expect(storage).toEqual(settings);
  expect(parseStorage(storage)).toEqual(storage);
  expect(storageNamed(storageName(storage))).toEqual(storage);
});

it.each([
  ['file://host/a/folder', 'begins with s3://, gs://, azblob:// or file:///'],
  ['file:///broken%', 'begins with'],
  ['/a/folder', 'begins with'],
  ['ftp://bucket', 'begins with'],
  ['', '{"local_fs_dir": "/a/folder"}'],
  [{ type: 'local' }, '{"local_fs_dir": "/a/folder"}'],
  [{ type: 's3', bucket: 'b' }, 'a URL like "s3://bucket/prefix"'],
  [{ local_fs_dir: '/a', dir: '/b' }, '{"local_fs_dir": "/a/folder"}'],
  [{ local_fs_dir: '/a', url: 's3://bucket' }, '{"local_fs_dir": "/a/folder"}'],
  [{ command_adapter_config: 'file.yaml' }, 'command_adapter_config must be an absolute path'],
  ['s3://', 'the form s3://bucket/prefix'],
  ['s3://b*d/prefix', 'the form s3://bucket/prefix'],
  ['azblob://account', 'the form azblob://account/container/prefix'],
  ['s3://bucket/a//b', 'plain folder names'],
  ['s3://bucket/../b', 'plain folder names'],
  ['s3://bucket/a%2Fb', 'plain folder names'],
  ['s3://bucket/a b', 'without blanks'],
  ['s3://bucket/a#b', 'without blanks'],
  ['s3://bucket?region', 'a value for its parameter "region"'],
  ['s3://bucket?region=a&region=b', 'its parameter "region" once'],
])('%j names no storage, and the error says what does', (written, why) => {
  expect(() => parseStorage(written)).toThrow(why);
});

it.each([
  's3://AKIAID:hush@bucket/prefix',
  's3://AKIAID:hu/hush@bucket/prefix',
  's3://hush@bucket/prefix',
  's3://bucket?secret_access_key=hush',
  's3://bucket?region=a&X-Amz-Signature=hush',
  'azblob://account/container?sv=2024&sig=hush',
  'gs://bucket?access_token=hush',
  's3://bucket?endpoint=https://user:hush@host',
  's3://bucket?endpoint=https%3A%2F%2Fuser%3Ahush%40host',
  's3://bucket?password=%hush',
  'https://user:hush@host/bucket',
])('%s is refused, and the error does not repeat what may be secret', (written) => {
  for (const given of [written, { url: written }]) {
    expect(() => parseStorage(given)).toThrow(/^(?!.*hush)storage must /);
  }
});

it('a URL names the same place however it is reached and written, but not at another server', () => {
  const place = parseStorage('s3://bucket/a?region=eu-west-1&gzip_level=6');
  for (const same of ['s3://bucket/a', 's3://bucket/a/?encoding=plain']) {
    expect(isSamePlace(place, parseStorage(same))).toBe(true);
  }
  for (const other of ['s3://bucket/b', 'gs://bucket/a', 's3://bucket/a?endpoint=http://host']) {
    expect(isSamePlace(place, parseStorage(other))).toBe(false);
  }
});

const placed = (text: string) => (text.startsWith('/') ? { local_fs_dir: text } : text);
const copied = (from: string, to: string) => () =>
  parseCopyInput({ from: placed(from), to: placed(to) });

it.each([
  ['/a/base', '/a/base/'],
  ['/a/base', 'file:///a/./base//'],
  ['/a/base', '/a/x/../base'],
  ['s3://bucket/base', 's3://bucket/base/?region=eu-west-1'],
])('a copy from %s to %s is refused: they are the same', (from, to) => {
  expect(copied(from, to)).toThrow(/^from names the storage that gets the copy, too: /);
});

it.each([
  ['/a/base', '/a/base/sub'],
  ['/', '/a'],
  ['/a/base', 'file:///a/base/sub/'],
  ['/a/./base//', '/a/base/x/../sub'],
  ['s3://bucket', 's3://bucket/base'],
  ['s3://bucket/base/?region=eu-west-1', 's3://bucket/base/sub/deep'],
  ['gs://bucket/base', 'gs://bucket/base/sub'],
  ['azblob://account/container', 'azblob://account/container/base'],
])('a copy between %s and %s is refused: one is inside the other', (outer, inner) => {
  const refused = /^from must not be inside the storage that gets the copy, nor around it/;
  expect(copied(outer, inner)).toThrow(refused);
  expect(copied(inner, outer)).toThrow(refused);
});

it.each([
  ['/a/base', '/a/base2'],
  ['s3://bucket/base', 's3://bucket/base2'],
  ['s3://bucket', 's3://bucket2/base'],
  ['s3://bucket/base', 'gs://bucket/base/sub'],
  ['s3://bucket', 's3://bucket/base?endpoint=http://host'],
  ['azblob://account/container', 'azblob://account/container2/base'],
])('a copy from %s to %s is none into itself', (from, to) => {
  expect(copied(from, to)).not.toThrow();
});
