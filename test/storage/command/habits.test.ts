/** What operators' commands do beside their work: temporary files, traces, other packers. */
import { readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { onRemark } from '../../../src/storage/remarks.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { AdapterPlace } from '../../support/adapters/place.js';
import { ADAPTERS } from '../../support/adapters/yaml.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { until } from '../../support/until.js';

const line = Buffer.from('{"Identity":{"id":"0000000000000000000000000000000000"}}\n');

it('a missing file is neither damaged nor there where a page is unpacked from a temporary file', async () => {
  const yaml = ADAPTERS['curl and python']!.replace(
    /open_for_read: .*/,
    () => `open_for_read: |
    TEMP=$(mktemp -d)
    curl -s "$ENDPOINT/$BUCKET/$SUB_DIR/$FILE_HANDLE" > $TEMP/page.gz
    gzip -cd $TEMP/page.gz`,
  );
  const storage = new BackupStorage(new AdapterPlace(yaml).open());
  await storage.saveMetadata('identity.meta', line);
  for (let i = 0; i < 12; i += 1) {
    expect(await storage.stat(`a_backup/plan${i}.json`)).toBeUndefined();
  }
});

it('commands that trace what they do are read as others are', async () => {
  const traced = ADAPTERS['aws s3 at another endpoint']!.replace(
    "list_metadata_files: '(aws",
    "list_metadata_files: 'set -x; (timeout 60 aws",
  );
  const storage = new BackupStorage(new AdapterPlace(traced).open());
  await storage.begin();
  expect(await storage.listMetadata()).toEqual([]);
  await storage.saveMetadata('identity.meta', line);
  expect(await storage.listMetadata()).toEqual(['metadata/identity.meta']);
});

it('a file that another packer cannot unpack is damaged, and not out of reach for ever', async () => {
  const yaml = ADAPTERS['aws s3 at another endpoint']!;
  const place = new AdapterPlace(
    yaml.replaceAll('gzip -c |', 'bzip2 -c |').replace('gzip -cd', 'bzip2 -cd'),
  );
  const storage = new BackupStorage(place.open());
  await storage.saveMetadata('identity.meta', line);
  truncateSync(place.objectOf('metadata/identity.meta'), 40);
  const read = storage.readAll('metadata/identity.meta', 1000);
  await expect(read).rejects.toMatchObject({ code: 'DAMAGED' });
});

it('temporary files of a killed command are removed also where its adapter names TMPDIR', async () => {
  const folder = temporaryFolder('named');
  const yaml = ADAPTERS['gcloud storage with tries']!.replace(
    'env_vars: []',
    `env_vars: [{ key: TMPDIR, value: ${folder} }]`,
  );
  const place = new AdapterPlace(yaml);
  const stop = new AbortController();
  const storage = new BackupStorage(place.open(), stop.signal);
  place.misbehave('hang-get');
  const failed = expect(storage.stat('a_backup/0-.chunk')).rejects.toThrow('enough');
  await until('it hangs', () => place.hanging().length > 0);
  expect(readdirSync(folder)).toHaveLength(1);
  stop.abort(new Error('enough'));
  await failed;
  await until('its files are gone', () => readdirSync(folder).length === 0);
  expect(readdirSync(place.temporary)).toEqual([]);
});

it('a folder that an adapter calls TMPDIR need not be there yet', async () => {
  const folder = join(temporaryFolder('named'), 'not', 'yet');
  const yaml = ADAPTERS['gcloud storage with tries']!.replace(
    'env_vars: []',
    `env_vars: [{ key: TMPDIR, value: ${folder} }]`,
  );
  const storage = new BackupStorage(new AdapterPlace(yaml).open());
  await storage.begin();
  await storage.saveMetadata('identity.meta', line);
  expect(await storage.listMetadata()).toEqual(['metadata/identity.meta']);
  expect(readdirSync(folder)).toEqual([]);
});

const BROKEN_OFF = '(echo metadata/a.meta; echo "ServerError: 503" >&2; exit 1)';

it.each([
  `( ${BROKEN_OFF} ||:) | while IFS= read -r f; do echo $f; done`,
  `for f in $${BROKEN_OFF}; do echo $f; done`,
  `while read f; do echo $f; done < <${BROKEN_OFF}`,
  `${BROKEN_OFF} || \\\n  /bin/true`,
])('a listing that broke off where %j hides it is an outage', async (command) => {
  const yaml = ADAPTERS['rclone']!.replace(
    /list_metadata_files: .*/,
    () => `list_metadata_files: ${JSON.stringify(command)}`,
  );
  const storage = new BackupStorage(new AdapterPlace(yaml).open());
  await expect(storage.listMetadata()).rejects.toThrow('listed 1 names and complained');
});

it.each([
  `for try in $(seq 1 3); do if [ $try -eq 3 ]; then echo metadata/a.meta; break; fi; echo "ServerError: 503" >&2; done`,
  `(echo metadata/a.meta; echo "A newer version is there" >&2) | while read f; do echo $f; done`,
])('a listing that %j got in the end is one', async (command) => {
  const yaml = ADAPTERS['rclone']!.replace(
    /list_metadata_files: .*/,
    () => `list_metadata_files: ${JSON.stringify(command)}`,
  );
  const storage = new BackupStorage(new AdapterPlace(yaml).open());
  expect(await storage.listMetadata()).toEqual(['metadata/a.meta']);
});

it('other lines of a listing are named once, also when they change', async () => {
  const said: string[] = [];
  onRemark((text) => said.push(text));
  onTestFinished(() => onRemark(() => undefined));
  const yaml = ADAPTERS['rclone']!.replace(
    /list_metadata_files: .*/,
    "list_metadata_files: 'echo total $RANDOM$RANDOM; echo metadata/a.meta'",
  );
  const storage = new BackupStorage(new AdapterPlace(yaml).open());
  for (let time = 0; time < 3; time += 1) {
    expect(await storage.listMetadata()).toEqual(['metadata/a.meta']);
  }
  const told = expect.stringContaining('list_metadata_files printed "total ') as string;
  expect(said).toEqual([told]);
});
