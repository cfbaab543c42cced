/** What a gc would remove because another backup holds the same stays while that one is damaged. */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStorage } from '../../../src/storage/open.js';
import { consolidate } from '../../support/consolidate.js';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { gc } from '../../support/upkeep.js';

const DATA = join(import.meta.dirname, '..', '..', 'fixtures', 'stock-batches');
const WAYPOINT = readFileSync(join(DATA, 'waypoint.txt'), 'utf8').trim();
const PLAIN = join(STOCK, 'stock-plain');
const BATCH = 'transaction_101-.7134';
const DAY_MS = 86_400_000;

/** Makes everything in a folder look as if nothing had changed for some days. */
function age(folder: string, days: number): void {
  const time = new Date(Date.now() - days * DAY_MS);
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), time, time);
  utimesSync(folder, time, time);
}

describe('small batches whose full batch', () => {
  const made = temporaryFolder('consolidated');
  let full = '';

  beforeAll(async () => {
    const copy = join(made, 'storage');
    cpSync(join(DATA, 'small'), copy, { recursive: true });
    const { outcomes } = await consolidate(openStorage({ local_fs_dir: copy }), { size: 800n });
    const [done] = outcomes;
    if (done?.status !== 'committed') throw new Error(JSON.stringify(outcomes));
    full = done.manifest.split('/')[0]!;
  });
  afterAll(() => rmSync(made, { recursive: true, force: true }));

  const files = (copy: StorageCopy, end: string) =>
    copy.files().filter((file) => file.startsWith(`${full}/`) && file.endsWith(end));
  const half = (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1);

  it.each([
    ['has lost a chunk', '.chunk', (copy, file) => copy.remove(file), 'it is missing'],
    ['has lost a proof', '.proof', (copy, file) => copy.remove(file), 'it is missing'],
    ['has a short chunk', '.chunk', (copy, file) => copy.edit(file, half), 'were written'],
    ['has a short proof', '.proof', (copy, file) => copy.edit(file, half), 'were written'],
    ['has an empty chunk', '.chunk', (copy, file) => copy.write(file, ''), 'it is empty'],
    ['has lost its manifest', '.manifest', (copy, file) => copy.remove(file), 'it is missing'],
  ] as [string, string, (copy: StorageCopy, file: string) => void, string][])(
    '%s stay, and go when it is whole again',
    async (_, end, hurt, why) => {
      const copy = new StorageCopy(join(made, 'storage'));
      const file = files(copy, end).at(-1)!;
      const whole = copy.read(file);
      hurt(copy, file);
      for (const dryRun of [true, false]) {
        const stayed = await gc(copy.folder, { graceMs: 0, dryRun });
        expect(stayed).toMatchObject({ removed_count: 0, left_count: 8 });
        for (const { why: said } of stayed.left) {
          expect(said).toContain(`its replacement is damaged: ${file} (`);
          expect(said).toContain(why);
        }
      }
      copy.write(file, whole);
      expect(await gc(copy.folder, { graceMs: 0 })).toMatchObject({ removed_count: 8, left: [] });
    },
  );

  it('has damage that a verification has noted stay, until another one finds it in order', async () => {
    const copy = new StorageCopy(join(made, 'storage'));
    const file = files(copy, '.chunk').at(-1)!;
    copy.flip(file);
    expect(await copy.verify([WAYPOINT])).toMatchObject({ ok: false });
    const stayed = await gc(copy.folder, { graceMs: 0 });
    expect(stayed).toMatchObject({ removed_count: 0, left_count: 8 });
    expect(stayed.left[0]!.why).toMatch(/its replacement is damaged: .*last verification/);
    copy.flip(file);
    expect(await copy.verify([WAYPOINT])).toMatchObject({ ok: true });
    expect(await gc(copy.folder, { graceMs: 0 })).toMatchObject({ removed_count: 8, left: [] });
  });
});

describe('a folder that no metadata names, and that another backup would replace,', () => {
  it.each([
    ['is whole: it stays while the other one lacks a file', undefined],
    ['is unfinished: it stays while the other one lacks a file', 'plan.json'],
  ])('%s', async (_, plan) => {
    const copy = new StorageCopy(PLAIN);
    const orphan = 'transaction_101-.dead';
    mkdirSync(copy.path(orphan));
    copy.copy(BATCH, orphan, readdirSync(copy.path(BATCH)));
    if (plan !== undefined) {
      const unit = { genesis: WAYPOINT, base: 'transaction_101-', first: '101', records: '100' };
      const cut = { maxChunkSize: 1000, rangeSize: 100, rangeCount: 1 };
      copy.write(`${orphan}/${plan}`, JSON.stringify({ plan: 1, ...unit, ...cut }));
      copy.remove(`${orphan}/transaction.manifest`);
    }
    age(copy.path(orphan), 31);
    const proof = readdirSync(copy.path(BATCH)).find((name) => name.endsWith('.proof'))!;
    copy.remove(`${BATCH}/${proof}`);
    const stayed = await gc(copy.folder);
    expect(stayed.removed).toEqual([]);
    expect(stayed.left[0]!.why).toContain(`its replacement is damaged: ${BATCH}/${proof}`);
    copy.copy(orphan, BATCH, [proof]);
    expect((await gc(copy.folder)).removed).toMatchObject([{ folder: orphan }]);
    expect(copy.has(orphan)).toBe(false);
  });
});
