/** Keep rules and pins of a storage that is nothing but commands: each file that is asked for costs one. */
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { BackupStorage } from '../../../src/storage/storage.js';
import { keepBackup, listPins } from '../../../src/upkeep/retention/pins.js';
import { planPrune } from '../../../src/upkeep/retention/plan.js';
import { AdapterPlace } from '../../support/adapters/place.js';
import { ADAPTERS } from '../../support/adapters/yaml.js';
import { STOCK } from '../../support/storage-copy.js';
import { prune, upkeepTools } from '../../support/upkeep.js';

const PLAIN = join(STOCK, 'stock-plain');
const ADAPTER = ADAPTERS['aws s3 at another endpoint']!;

/** A storage of the stock tool behind the commands of an adapter. */
function storageBehind(yaml: string) {
  const place = new AdapterPlace(yaml);
  for (const name of readdirSync(PLAIN, { recursive: true, encoding: 'utf8' })) {
    if (statSync(join(PLAIN, name)).isDirectory()) continue;
    const object = place.objectOf(name);
    mkdirSync(dirname(object), { recursive: true });
    writeFileSync(object, gzipSync(readFileSync(join(PLAIN, name))));
  }
  return { place, storage: new BackupStorage(place.open()) };
}

it('a prune where no command moves metadata away fails before it gives anything up', async () => {
  const { place, storage } = storageBehind(ADAPTER.replace(/ {2}backup_metadata_file: .*\n/, ''));
  await expect(prune('/not/used', { keep_last: 1, force: true }, storage)).rejects.toMatchObject({
    code: 'STORAGE_UNFIT',
    message: expect.stringContaining('has no command backup_metadata_file') as string,
  });
  expect(existsSync(place.objectOf('aptos-backup/pruned.json'))).toBe(false);
  const noted = place.asked('put').filter((name) => name.endsWith('/retired.json'));
  expect(noted).toEqual([]);
});

it('pins are listed, and a plan asks only for those of backups that a rule is about', async () => {
  const { place, storage } = storageBehind(ADAPTER);
  const pinned = 'state_epoch_3_ver_138.901c';
  await keepBackup(pinned, 'why', upkeepTools(storage));
  expect(await listPins(upkeepTools(storage))).toMatchObject([{ folder: pinned, note: 'why' }]);

  const before = place.asked('get').length;
  const plan = await planPrune(storage, { last: 1 }, () => undefined);
  expect(plan).toMatchObject({ retire: [], pinned: [pinned] });
  const pins = place
    .asked('get')
    .slice(before)
    .filter((name) => name.includes('/kept-'));
  expect(new Set(pins.map((name) => name.replace(/^.*kept-|\.json$/g, '')))).toEqual(
    new Set([pinned, 'state_epoch_5_ver_240.d6e6']),
  );
});
