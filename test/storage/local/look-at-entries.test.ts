/** A long list of entries is looked at in another way than a short one. Both must see the same. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Look, lookAtEntries } from '../../../src/storage/local/look-at-entries.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const MANY = 7000;

it('sees in a long list what each entry is, and which are gone', async () => {
  const { folder, names } = folderOfMany();
  const found = await look(folder, names);
  expect(found.size).toBe(names.length);
  for (const name of names.filter((each) => !each.startsWith('gone'))) {
    const { mode, size, mtimeMs, ctimeMs } = lstatSync(join(folder, name));
    expect(found.get(name)).toMatchObject({ mode, size, mtimeMs, ctimeMs });
  }
  expect(names.filter((name) => found.get(name) === undefined)).toEqual(['gone-0', 'gone-1']);
});

it('tells of progress all the while', async () => {
  const { folder, names } = folderOfMany();
  const told: number[] = [];
  let seen = 0;
  const call = { signal: new AbortController().signal, progress: () => void told.push(seen) };
  await lookAtEntries(folder, names, call, () => void (seen += 1));
  expect(told.some((at) => at < MANY / 2)).toBe(true);
  expect(told.some((at) => at > MANY / 2)).toBe(true);
});

it('stops when nobody waits any more', async () => {
  const { folder, names } = folderOfMany();
  const stop = new AbortController();
  const call = { signal: stop.signal, progress: () => undefined };
  let seen = 0;
  const looking = lookAtEntries(folder, names, call, () => {
    seen += 1;
    if (seen === MANY / 2) stop.abort(new Error('enough'));
  });
  await expect(looking).rejects.toThrow('enough');
  expect(seen).toBeLessThan(MANY);
});

it('says why an entry cannot be looked at', async () => {
  const { folder, names } = folderOfMany();
  const tooLong = 'x'.repeat(300);
  await expect(look(folder, [...names, tooLong])).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
});

function folderOfMany(): { folder: string; names: string[] } {
  const folder = temporaryFolder('entries');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const files = Array.from({ length: MANY }, (_, i) => `file-${i}`);
  for (const [i, name] of files.entries()) writeFileSync(join(folder, name), 'x'.repeat(i % 50));
  utimesSync(join(folder, files.at(-1)!), 1, 1.5);
  // Near the end of the list, where a thread looks.
  mkdirSync(join(folder, 'folder'));
  symlinkSync('nowhere', join(folder, 'link'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  return { folder, names: [...files, 'gone-0', 'folder', 'link', 'pipe', 'gone-1'] };
}

async function look(folder: string, names: readonly string[]) {
  const found = new Map<string, Look | undefined>();
  const call = { signal: new AbortController().signal, progress: () => undefined };
  await lookAtEntries(folder, names, call, (name, seen) => void found.set(name, seen));
  return found;
}
