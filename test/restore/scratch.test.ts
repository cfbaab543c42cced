/** The scratch folder of a drill, where it cannot be made, and while it is removed. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as moment } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { makeScratch, removeScratch } from '../../src/restore/drill/scratch.js';
import { storageFolder } from '../support/backup.js';
import { until } from '../support/until.js';

const ID = '0a1b2c3d';
const ROOM = { spare: 0 };
const turn = { signal: new AbortController().signal, onWait: () => undefined };
/** Of a path, as the system allows it. */
const MOST_LENGTH = process.platform === 'darwin' ? 1024 : 4096;
/** So long that its folder can be made, and no file in it. */
const PARENT_LENGTH = MOST_LENGTH - 36;

function deepFolder(): string {
  let folder = storageFolder();
  while (folder.length < PARENT_LENGTH - 210) folder = join(folder, 'x'.repeat(200));
  folder = join(folder, 'x'.repeat(PARENT_LENGTH - folder.length - 1));
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** What a folder holds; nothing when it is gone. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

it('a folder that could not be made whole is removed, and nobody holds it', async () => {
  const parent = deepFolder();
  for (let i = 0; i < 2; i += 1) {
    await expect(makeScratch(parent, ID, ROOM, turn)).rejects.toMatchObject({
      code: 'DRILL_NO_ROOM',
      message: expect.stringMatching(/cannot be made \(ENAMETOOLONG\); give another/) as string,
    });
    expect(readdirSync(parent)).toEqual([]);
  }
});

it('its holder is removed last, so what is left of a removal that was cut off is known as ours', async () => {
  const parent = storageFolder();
  const scratch = await makeScratch(parent, ID, ROOM, turn);
  // So many that there are looks while they are removed.
  for (let i = 0; i < 300; i += 1) writeFileSync(join(scratch.dbDir, `${i}.sst`), '');
  let isOver = false;
  const removal = removeScratch(scratch).finally(() => (isOver = true));
  const left: string[][] = [];
  while (!isOver) {
    left.push(namesIn(scratch.dir));
    await moment();
  }
  await removal;
  expect(left[0]).toContain('db');
  expect(left.filter((names) => names.length > 0 && !names.includes('holder.json'))).toEqual([]);
  expect(readdirSync(parent)).toEqual([]);
});

it('two drills of a storage on one host take turns', async () => {
  const parent = storageFolder();
  const first = await makeScratch(parent, ID, ROOM, turn);
  const begun: string[] = [];
  const waiting = new Promise<void>((onWait) => {
    const second = makeScratch(parent, ID, ROOM, { ...turn, onWait });
    void second.then(({ dir }) => begun.push(dir));
  });
  await waiting;
  expect(begun).toEqual([]);
  await removeScratch(first);
  await until('it is its turn', () => begun.length === 1);
  expect(readdirSync(first.dir).sort()).toEqual(['cache', 'db', 'holder.json', 'tmp']);

  const stopping = new AbortController();
  const onWait = () => stopping.abort(new Error('cancelled'));
  const third = makeScratch(parent, ID, ROOM, { signal: stopping.signal, onWait });
  await expect(third).rejects.toThrow();
  const late = makeScratch(parent, ID, ROOM, { ...turn, mostMs: 0 });
  await expect(late).rejects.toThrow(/is used by another drill of this process/);
  await removeScratch(first);
});

it('of drills that begin at the same time one has its turn, and the others wait', async () => {
  const parent = storageFolder();
  const begun: string[] = [];
  let waiting = 0;
  const onWait = () => void (waiting += 1);
  const drills = [1, 2, 3].map(async () => {
    const scratch = await makeScratch(parent, ID, ROOM, { ...turn, onWait });
    begun.push(scratch.dir);
    return scratch;
  });
  const scratch = await Promise.race(drills);
  await until('the others wait', () => waiting === 2);
  expect(begun).toHaveLength(1);
  for (let ended = 1; ended < drills.length; ended += 1) {
    await removeScratch(scratch);
    await until('the next one has its turn', () => begun.length === ended + 1);
  }
  await Promise.all(drills);
  await removeScratch(scratch);
  expect(readdirSync(parent)).toEqual([]);
});
