/** The scratch folder of a drill, where it cannot be made, and while it is removed. */
import { mkdirSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeScratch, removeScratch } from '../../src/restore/drill/scratch.js';
import { storageFolder } from '../support/backup.js';
import { until } from '../support/until.js';

const ID = '0a1b2c3d';
/** So long that its folder can be made, and no file in it. */
const PARENT_LENGTH = 4060;

function deepFolder(): string {
  let folder = storageFolder();
  while (folder.length < PARENT_LENGTH - 210) folder = join(folder, 'x'.repeat(200));
  folder = join(folder, 'x'.repeat(PARENT_LENGTH - folder.length - 1));
  mkdirSync(folder, { recursive: true });
  return folder;
}

it('a folder that could not be made whole is removed, and nobody holds it', async () => {
  const parent = deepFolder();
  for (let i = 0; i < 2; i += 1) {
    await expect(makeScratch(parent, ID, undefined)).rejects.toMatchObject({
      code: 'DRILL_NO_ROOM',
      message: expect.stringMatching(/cannot be made \(ENAMETOOLONG\); give another/) as string,
    });
    expect(readdirSync(parent)).toEqual([]);
  }
});

it('its holder is removed last, so what is left of a removal that was cut off is known as ours', async () => {
  const parent = storageFolder();
  const scratch = await makeScratch(parent, ID, undefined);
  mkdirSync(join(scratch.dbDir, 'ledger_db'));
  const gone: string[] = [];
  const watcher = watch(scratch.dir, (_, name) => gone.push(`${name}`));
  onTestFinished(() => watcher.close());
  await removeScratch(scratch);
  await until('its holder is gone', () => gone.includes('holder.json'));
  const before = gone.slice(0, gone.indexOf('holder.json'));
  expect(before).toEqual(expect.arrayContaining(['cache', 'db', 'tmp']));
  expect(readdirSync(parent)).toEqual([]);
});
