/** Settings name a storage, and the ids of workflows contain the id of the storage. */
import { expect, it } from 'vitest';
import { storageId } from '../../src/storage/open.js';
import { openBackend, type StorageSettings } from '../../src/storage/registry.js';

it('the id of a local folder follows from its path, and never changes', () => {
  const { id, description } = openBackend({ local_fs_dir: '/backups' });
  expect({ id, description }).toEqual({ id: '20b47fe8', description: 'local folder /backups' });
});

it.each([
  [{ local_fs_dir: '/backups' }, /^backups-20b47fe8$/],
  [{ local_fs_dir: '/srv/Aptos Backups/e1/' }, /^srv-aptos-backups-e1-[0-9a-f]{8}$/],
  [{ local_fs_dir: '/' }, /^[0-9a-f]{8}$/],
  [{ url: 's3://my-bucket/backups/e1?region=eu-west-1' }, /^my-bucket-backups-e1-[0-9a-f]{8}$/],
])(
  'the name in workflow ids can be read, and a digest tells storages apart: %j',
  (settings, name) => {
    expect(storageId(settings)).toMatch(name);
  },
);

it('long names are cut, and their ids still differ', () => {
  const folder = (name: string) => storageId({ local_fs_dir: `/${name}/${'long'.repeat(30)}` });
  expect(folder('a')).toHaveLength(49);
  expect(folder('a')).not.toBe(folder('b'));
});

it('the error for an unknown kind of storage names it and all known kinds', () => {
  const settings = { tape: '/dev/st0' } as unknown as StorageSettings;
  expect(() => openBackend(settings)).toThrow(
    'this version does not have the kind of storage "tape"; it has: local_fs_dir',
  );
});

it('a URL of another scheme is refused with the schemes that there are', () => {
  expect(() => openBackend({ url: 'ftp://host/folder' })).toThrow(/s3:\/\/.*gs:\/\//s);
});
