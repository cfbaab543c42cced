/** The command adapters that a plan prints for buckets: they read what our own storages read, and write nothing. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readCatalog } from '../../src/repository/catalog.js';
import { adapterYaml } from '../../src/restore/plan/adapter-yaml.js';
import { INDEX_FILE, encodeIndex } from '../../src/storage/index/metadata-index.js';
import { openStorage } from '../../src/storage/open.js';
import { AdapterPlace } from '../support/adapters/place.js';
import { storageFolder } from '../support/backup.js';
import { copyToBucket } from '../support/bucket-copy.js';
import { makeBucket, s3Server } from '../support/s3-bucket.js';
import { STOCK } from '../support/storage-copy.js';

const MANIFEST = 'state_epoch_5_ver_240.21a2/state.manifest';
const gzip = openStorage({ local_fs_dir: join(STOCK, 'stock-gzip') });

describe.each([
  ['s3://bucket/e1?region=eu-west-1', 'bucket/e1'],
  ['s3://bucket/e1?endpoint=https://store.example&anonymous=true', 'bucket/e1'],
  ['gs://bucket/e1', 'bucket/e1'],
  ['azblob://account/bucket/e1', 'bucket/e1'],
])('the adapter for %s', (url, at) => {
  const place = (indexed = false) => {
    const made = new AdapterPlace(adapterYaml({ url }, indexed)!);
    cpSync(join(STOCK, 'stock-gzip'), join(made.store, at), { recursive: true });
    // A file that is not gzip'd is passed on as it is.
    writeFileSync(
      join(made.store, at, 'metadata', 'identity.meta'),
      `{"Identity":{"id":"${'00'.repeat(32)}"}}\n`,
    );
    return made;
  };

  it('reads the same', async () => {
    const read = openStorage({ command_adapter_config: place().file() });
    expect(await readCatalog(read)).toEqual(await readCatalog(gzip));
    expect(await read.readAll(MANIFEST, 1e6)).toEqual(await gzip.readAll(MANIFEST, 1e6));
  });

  it('reads the same where nothing may be listed, by the index of the storage', async () => {
    const made = place(true);
    made.misbehave('fail-list');
    const folder = join(made.store, at);
    const names = readdirSync(join(folder, 'metadata'));
    const files = new Map(names.map((name) => [name, { name, bytes: 1, content: '{"x":1}\n' }]));
    mkdirSync(join(folder, 'aptos-backup'), { recursive: true });
    writeFileSync(join(folder, INDEX_FILE), await encodeIndex({ at: Date.now(), files }));
    const read = openStorage({ command_adapter_config: made.file() });
    expect(await readCatalog(read)).toEqual(await readCatalog(gzip));
  });

  it('fails when the listing fails, and does not call it empty', async () => {
    const made = place();
    made.misbehave('fail-list');
    const read = openStorage({ command_adapter_config: made.file() });
    await expect(readCatalog(read)).rejects.toThrow(/list_metadata_files/);
  });

  it('writes nothing', async () => {
    const made = place();
    const read = openStorage({ command_adapter_config: made.file() });
    await expect(read.requireFit()).rejects.toThrow(/only reads/);
    expect(made.asked('put')).toEqual([]);
  });
});

/** The real program; machines of developers and of CI often have it. */
const hasAws = (() => {
  try {
    return execFileSync('aws', ['--version'], { encoding: 'utf8' }).startsWith('aws-cli/');
  } catch {
    return false;
  }
})();

describe.skipIf(!hasAws)(
  'the real aws, at a real S3 server (skipped where there is no aws)',
  () => {
    const server = s3Server();

    it('reads a storage through the printed adapter', async () => {
      const bucket = await makeBucket(server);
      const url = bucket.url();
      await copyToBucket(bucket, join(STOCK, 'stock-gzip'), 'backups/e1');
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
      onTestFinished(() => void vi.unstubAllEnvs());
      const folder = storageFolder();
      const file = join(folder, 'adapter.yaml');
      writeFileSync(file, adapterYaml({ url: `${url}&region=us-east-1` })!);
      const read = openStorage({ command_adapter_config: file });
      const same = openStorage({ url });
      expect((await read.listMetadata()).sort()).toEqual((await same.listMetadata()).sort());
      const line = 'metadata/transaction_1-100.meta';
      expect(await read.readAll(line, 1e4)).toEqual(await same.readAll(line, 1e4));
      expect(await read.readAll(MANIFEST, 1e6)).toEqual(await gzip.readAll(MANIFEST, 1e6));
    });
  },
);
