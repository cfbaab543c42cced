/** A small file says which chain a storage belongs to. Its loss alone needs no operator. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { requireBegun } from '../../src/site/chain-anchor.js';
import { parseSettings } from '../../src/contract/backup-input.js';
import { openStorage } from '../../src/storage/open.js';
import { verifyStorage } from '../../src/verify/verify-storage.js';
import { type Target, backUp, committedNames, devnode, storageFolder } from '../support/backup.js';
import { siteOf } from '../support/open-site.js';

const ENDINGS: Target = { type: 'epoch_ending', start_epoch: 0, end_epoch: 3 };
const NEXT: Target = { type: 'transaction', start_version: 0, num_transactions: 50 };

const DAMAGES: [string, (file: string) => void][] = [
  ['with another hash', (file) => change(file, (text) => text.replace(/[0-9a-f]{4}"/, 'dead"'))],
  [
    'with a bit changed in a name',
    (file) => change(file, (text) => text.replace('esis_', 'esir_')),
  ],
  ['that was cut', (file) => change(file, (text) => text.slice(0, 40))],
  ['that is empty', (file) => writeFileSync(file, '')],
  ['that grew', (file) => writeFileSync(file, Buffer.alloc(100_000, 7))],
  ['that is gone', (file) => rmSync(file)],
];

it.each(DAMAGES)(
  'a chain.json %s is written again from the backup of epoch 0',
  async (_, damage) => {
    const node = await devnode();
    const folder = storageFolder();
    await backUp({ node: node.address, folder, target: ENDINGS });
    const file = join(folder, 'aptos-backup/chain.json');
    const written = readFileSync(file, 'utf8');
    damage(file);

    const other = await devnode({ seed: 99 });
    const refused = { code: 'CHAIN_MISMATCH' };
    await expect(backUp({ node: other.address, folder, target: NEXT })).rejects.toMatchObject(
      refused,
    );

    const begun = { node: node.address, folder, target: NEXT, begun: true };
    await expect(backUp(begun)).resolves.toMatchObject({ already_committed: false });
    expect(readFileSync(file, 'utf8')).toBe(written);
    const storage = { local_fs_dir: folder };
    const { findings } = await verifyStorage(openStorage(storage), { storage, trustWaypoints: [] });
    expect(findings).toEqual([]);
  },
);

it.each([
  ['alone', false],
  ['beside an identity', true],
])('an empty chain.json %s counts as one whose writer died', async (_, identity) => {
  const node = await devnode();
  const folder = storageFolder();
  mkdirSync(join(folder, 'aptos-backup'));
  writeFileSync(join(folder, 'aptos-backup/chain.json'), '');
  if (identity) {
    mkdirSync(join(folder, 'metadata'));
    const line = `{"Identity":{"id":"${'a'.repeat(64)}"}}\n`;
    writeFileSync(join(folder, 'metadata/identity.meta'), line);
  }
  const setup = { node: node.address, folder, target: ENDINGS };
  await expect(backUp(setup)).resolves.toMatchObject({ already_committed: false });
  const next = backUp({ ...setup, target: NEXT, begun: true });
  await expect(next).resolves.toMatchObject({ already_committed: false });
});

/** The site of a storage whose chain.json is gone. */
async function siteThatLostIt(others: string[] = []) {
  const node = await devnode();
  const folder = join(storageFolder(), 'storage');
  await backUp({ node: node.address, folder, target: ENDINGS });
  rmSync(join(folder, 'aptos-backup/chain.json'));
  const nodes = [node.address, ...others];
  const settings = parseSettings({ node: nodes, storage: { local_fs_dir: folder } });
  return { site: await siteOf(settings), folder };
}

it('the backup of epoch 0 decides which of two chains the storage belongs to', async () => {
  const other = await devnode({ seed: 99 });
  const { site, folder } = await siteThatLostIt([other.address]);
  await requireBegun(site);
  expect(existsSync(join(folder, 'aptos-backup/chain.json'))).toBe(true);
});

it('a storage that is unmounted while chain.json is written again is not begun in its mount point', async () => {
  const { site, folder } = await siteThatLostIt();
  const { storage } = site;
  const createBackup = storage.createBackup.bind(storage);
  storage.createBackup = (...args) => {
    renameSync(folder, `${folder}.away`);
    mkdirSync(folder);
    return createBackup(...args);
  };
  await expect(requireBegun(site)).rejects.toMatchObject({ code: 'STORAGE_EMPTIED' });
  storage.createBackup = createBackup;
  await expect(requireBegun(site)).rejects.toMatchObject({ code: 'STORAGE_EMPTIED' });
  expect(readdirSync(folder, { recursive: true })).toEqual(['aptos-backup']);
});

it('if nothing else names the chain, the error says what to write into chain.json, and that repairs the storage', async () => {
  const node = await devnode();
  const folder = storageFolder();
  await backUp({ node: node.address, folder, target: NEXT });
  const file = join(folder, 'aptos-backup/chain.json');
  change(file, (text) => text.slice(0, 40));

  const more: Target = { type: 'transaction', start_version: 50, num_transactions: 50 };
  const setup = { node: node.address, folder, target: more, begun: true };
  const error = await backUp(setup).catch((reason: unknown) => reason as Error);
  expect(error).toMatchObject({ code: 'STORED_DAMAGED' });
  expect(committedNames(folder)).toHaveLength(1);

  const [advised] = /\{.*\}/.exec((error as Error).message)!;
  writeFileSync(file, advised);
  await backUp(setup);
  expect(committedNames(folder)).toHaveLength(2);
});

function change(file: string, how: (text: string) => string): void {
  const before = readFileSync(file, 'utf8');
  const after = how(before);
  expect(after).not.toBe(before);
  writeFileSync(file, after);
}
