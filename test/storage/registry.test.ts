/** Settings name a storage, and the ids of workflows contain the id of the storage. */
import { expect, it } from 'vitest';
import { openBackend, type StorageSettings } from '../../src/storage/registry.js';

it('the id of a local folder follows from its path, and never changes', () => {
  const { id, description } = openBackend({ local_fs_dir: '/backups' });
  expect({ id, description }).toEqual({ id: '20b47fe8', description: 'local folder /backups' });
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
