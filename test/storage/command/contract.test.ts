/** Command adapters as operators have them keep the contract, as far as their commands can. */
import { describe, expect, it } from 'vitest';
import { BackupStorage } from '../../../src/storage/storage.js';
import { AdapterPlace } from '../../support/adapters/place.js';
import { ADAPTERS } from '../../support/adapters/yaml.js';
import { storageContract } from '../contract.js';

/** They differ in what a missing file looks like, and in what becomes of a file that is written over. */
const WHOLE = [
  'aws s3',
  'curl and python',
  'a folder whose files are never written over',
  'files with gzip that do not close stdout',
];

describe.each(WHOLE)('the adapter of %s', (name) => {
  storageContract(
    () => {
      const place = new AdapterPlace(ADAPTERS[name]!);
      return Promise.resolve(() => place.open());
    },
    { byNameOnly: true },
  );
});

it.each(Object.entries(ADAPTERS))(
  'the adapter of %s stores, reads back, misses, lists and retires files',
  async (name, yaml) => {
    const place = new AdapterPlace(yaml);
    const open = () => new BackupStorage(place.open());
    await open().begin();
    expect(await open().listMetadata()).toEqual([]);
    const content = Buffer.alloc(300_000, 'a chunk');
    const file = await open().createFile(await open().createBackup('a_backup'), '0-.chunk');
    await file.write(content);
    expect(await file.publish()).toBe('created');
    await file.discard();
    expect(Buffer.from(await open().readAll('a_backup/0-.chunk', 400_000))).toEqual(content);
    expect((await open().stat('a_backup/0-.chunk'))?.bytes).toBe(300_000n);
    expect(await open().stat('a_backup/plan.json')).toBeUndefined();
    const missing = { code: 'NOT_FOUND' };
    await expect(open().readAll('a_backup/1-.chunk', 9)).rejects.toMatchObject(missing);
    const line = Buffer.from('{"Identity":{"id":"00"}}\n');
    await open().saveMetadata('identity.meta', line);
    await open().saveMetadata('transaction_0-9.meta', line);
    const both = ['metadata/identity.meta', 'metadata/transaction_0-9.meta'];
    expect((await open().listMetadata()).sort()).toEqual(both);
    const retired = open().retireMetadata('metadata/transaction_0-9.meta');
    if (name.startsWith('azcopy')) {
      await expect(retired).rejects.toThrow('has no command backup_metadata_file');
    } else {
      await retired;
      expect(await open().listMetadata()).toEqual(['metadata/identity.meta']);
      const copy = await open().readAll('metadata_backup/transaction_0-9.meta', 100);
      expect(Buffer.from(copy)).toEqual(line);
    }
  },
);
