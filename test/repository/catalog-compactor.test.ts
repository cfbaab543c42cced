/** Somebody moves lines from file to file while others read: no failure, and no hole. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { MetadataPlace, lineOf, upTo } from '../support/metadata-place.js';

/**
 * Moves lines as a compactor does, without end: it writes a file with the lines of others, and then removes those. Now
 * and then it takes a file apart again, so that there is always something to do.
 */
const COMPACTOR = `
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
const folder = process.argv[1];
const write = (name, content) => {
  writeFileSync(join(folder, '.' + name), content);
  renameSync(join(folder, '.' + name), join(folder, name));
};
for (let n = 0; ; n += 1) {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  const begin = Math.floor(Math.random() * names.length);
  const some = n % 3 === 0 ? names.filter((name) => name.includes('compacted')).slice(0, 1) : names.slice(begin, begin + 20);
  const lines = some.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\\n').filter(Boolean));
  if (n % 3 === 0) lines.forEach((line, i) => write('transaction_part_' + n + '_' + i + '.meta', line + '\\n'));
  else if (lines.length > 0) write('transaction_compacted_' + n + '.meta', lines.map((line) => line + '\\n').join(''));
  for (const name of some) rmSync(join(folder, name));
  if (n === 0) console.log('moving');
  await setTimeout(5 + Math.random() * 60);
}`;

it('a compactor in another process beside readers, warm and new ones', async () => {
  const p = new MetadataPlace();
  const all = upTo(120);
  for (const i of all) p.put([lineOf(i)]);
  const folder = join(p.folder, 'metadata');
  const compactor = spawn(process.execPath, ['--input-type=module', '-e', COMPACTOR, folder]);
  onTestFinished(() => void compactor.kill('SIGKILL'));
  await new Promise((resolve) => compactor.stdout.once('data', resolve));
  const seen = new Set<string>();
  const warm = await p.process();
  for (let round = 0; round < 30 || seen.size <= 150; round += 1) {
    const reader = round % 4 === 0 ? await p.process({ data: join(p.root, `${round}`) }) : warm;
    const looks = await Promise.all([reader.look(), warm.look()]);
    for (const { batches, catalog } of looks) {
      expect(batches).toEqual(all);
      for (const { source } of catalog.transactions) seen.add(source);
    }
  }
  expect(compactor.exitCode).toBeNull();
  expect(seen.size).toBeGreaterThan(150); // lines were in many other files meanwhile
});

it('a file that vanishes after it was listed: its lines are found where they are now', async () => {
  const p = new MetadataPlace();
  for (const i of upTo(10)) p.put([lineOf(i)]);
  const reader = await p.process();
  let n = 0;
  reader.afterListing(() => {
    n += 1;
    if (n > 2) return;
    // Twice in a row: the files of the first listing, and those of the second.
    const names = p.names();
    p.put(
      upTo(10).map((i) => lineOf(i)),
      `transaction_compacted_${n}.meta`,
    );
    for (const name of names) p.remove(name);
  });
  expect((await reader.look()).batches).toEqual(upTo(10));
  expect(n).toBeGreaterThanOrEqual(4); // after a listing of vanished files, two that are whole
});

it('a listing that lacks both the old files and the new one is not believed', async () => {
  const p = new MetadataPlace();
  for (const i of upTo(10)) p.put([lineOf(i)]);
  const reader = await p.process();
  await reader.look();
  const moved = p.names();
  // The listing has passed the place of the new file when that is written, and has not come to the old ones yet.
  reader.afterListing(() => {
    reader.afterListing(() => undefined);
    p.put(
      upTo(10).map((i) => lineOf(i)),
      'transaction_compacted_0-99.meta',
    );
  });
  for (const name of moved) p.remove(name);
  writeFileSync(join(p.folder, 'metadata', 'identity.meta'), '');
  const { batches, listings } = await reader.look();
  expect(batches).toEqual(upTo(10));
  expect(listings).toBe(2);
});

it('files that are removed for good are believed to be gone at the second listing', async () => {
  const p = new MetadataPlace();
  for (const i of upTo(3)) p.put([lineOf(i)]);
  const reader = await p.process();
  await reader.look();
  p.remove('transaction_10-19.meta');
  expect(await reader.look()).toMatchObject({ batches: [0, 2], listings: 2 });
  expect(await reader.look()).toMatchObject({ batches: [0, 2], listings: 1 });
});

it('a file of very many lines that two others replace', async () => {
  const p = new MetadataPlace();
  const all = upTo(150_000);
  const lines = all.map((i) => lineOf(i));
  const old = p.put(lines, 'transaction_compacted_0-1499999.meta');
  const reader = await p.process();
  expect((await reader.look()).batches).toHaveLength(all.length);
  p.put(lines.slice(0, 75_000), 'transaction_compacted_0-749999.meta');
  p.put(lines.slice(75_000), 'transaction_compacted_750000-1499999.meta');
  p.remove(old);
  const { batches, listings } = await reader.look();
  expect(batches).toHaveLength(all.length);
  expect(listings).toBe(2);
});
