/** The scratch folder of a drill, where it cannot be made, and while it is removed. */
import { mkdirSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeScratch, removeScratch } from '../../src/restore/drill/scratch.js';
import { storageFolder } from '../support/backup.js';
import { until } from '../support/until.js';

const ID = '0a1b2c3d';
const turn = { signal: new AbortController().signal, onWait: () => undefined };
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
    await expect(makeScratch(parent, ID, undefined, turn)).rejects.toMatchObject({
      code: 'DRILL_NO_ROOM',
      message: expect.stringMatching(/cannot be made \(ENAMETOOLONG\); give another/) as string,
    });
    expect(readdirSync(parent)).toEqual([]);
  }
});

it('its holder is removed last, so what is left of a removal that was cut off is known as ours', async () => {
  const parent = storageFolder();
  const scratch = await makeScratch(parent, ID, undefined, turn);
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

it('two drills of a storage on one host take turns', async () => {
  const parent = storageFolder();
  const first = await makeScratch(parent, ID, undefined, turn);
  const begun: string[] = [];
  const waiting = new Promise<void>((onWait) => {
    const second = makeScratch(parent, ID, undefined, { ...turn, onWait });
    void second.then(({ dir }) => begun.push(dir));
  });
  await waiting;
  expect(begun).toEqual([]);
  await removeScratch(first);
  await until('it is its turn', () => begun.length === 1);
  expect(readdirSync(first.dir).sort()).toEqual(['cache', 'db', 'holder.json', 'tmp']);

  const stopping = new AbortController();
  const onWait = () => stopping.abort(new Error('cancelled'));
  const third = makeScratch(parent, ID, undefined, { signal: stopping.signal, onWait });
  await expect(third).rejects.toThrow();
  const late = makeScratch(parent, ID, undefined, { ...turn, mostMs: 0 });
  await expect(late).rejects.toThrow(/is used by another drill of this process/);
  await removeScratch(first);
});
