/**
 * Compaction, consolidation and prune after each other, in every order. Originals and compacted files lie side by side,
 * and still each version is named once, as the stock tool sees it.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { restorable } from '../../src/contract/restorable.js';
import { readCatalog } from '../../src/repository/catalog.js';
import { restoreSourceOf } from '../../src/repository/restore-source.js';
import { takeOutLines } from '../../src/repository/retire-lines.js';
import { openBackend } from '../../src/storage/registry.js';
import { BackupStorage } from '../../src/storage/storage.js';
import { consolidate } from '../support/consolidate.js';
import { DyingBackend } from '../support/dying-backend.js';
import { MetadataPlace, lineOf } from '../support/metadata-place.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import { committedFolders, prune } from '../support/upkeep.js';
import { FIRST_RUN, compacted, stampsIn } from './compaction/support.js';

const PLAIN = join(STOCK, 'stock-plain');
const DAY_S = 86_400;
const [SIZE, NEWEST] = [200n, 250];

type Line = Record<string, { first_version: number; last_version: number; manifest: string }>;

/** All lines of metadata, each with its file. Reads the plain files itself, and shares no code with what it checks. */
function linesIn(folder: string): { name: string; text: string }[] {
  return readdirSync(join(folder, 'metadata'))
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => {
      const lines = readFileSync(join(folder, 'metadata', name), 'utf8')
        .trimEnd()
        .split('\n');
      return lines.map((text) => ({ name, text }));
    });
}

/** The ranges of transactions that the stock tool loads. To it, equal lines are one. */
function rangesIn(folder: string): [number, number][] {
  const lines = linesIn(folder)
    .flatMap(({ text }) => (JSON.parse(text) as Line)['TransactionBackup'] ?? [])
    .map((line) => [line.first_version, line.last_version, line.manifest] as const);
  const unique = [...new Map(lines.map((line) => [line.join(' '), line])).values()];
  return unique.map(([first, last]): [number, number] => [first, last]).sort((a, b) => a[0] - b[0]);
}

/** Each version is named by one backup, and all committed files are there. */
function requireNamedOnce(folder: string, after: string): void {
  let next = 0;
  for (const [first, last] of rangesIn(folder)) {
    expect(first, `after ${after}: ${first} to ${last}`).toBe(next);
    next = last + 1;
  }
  expect(next, `after ${after}`).toBe(NEWEST + 1);
  committedFolders(folder);
}

async function restorableIn(copy: StorageCopy) {
  return restorable(restoreSourceOf(await readCatalog(copy.storage), () => false));
}

const compactAt = (at: number) => async (copy: StorageCopy) => {
  await compacted(copy.storage, { factor: 10, removeAfter: DAY_S, at });
};
const STEPS = {
  compact: compactAt(FIRST_RUN),
  'compact later': compactAt(FIRST_RUN + 2 * DAY_S),
  consolidate: (copy: StorageCopy) => consolidate(copy.storage, { size: SIZE }),
  prune: (copy: StorageCopy) => prune(copy.folder, { keep_last: 1, force: true }),
};
type Step = keyof typeof STEPS;

function orders<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((first) =>
    orders(items.filter((one) => one !== first)).map((rest) => [first, ...rest]),
  );
}

describe('compaction, consolidation and prune', () => {
  it.each(orders(Object.keys(STEPS) as Step[]).map((order) => [order.join(', '), order] as const))(
    'name each version once: %s',
    async (_, order) => {
      const copy = new StorageCopy(PLAIN);
      const pruned = new StorageCopy(PLAIN);
      await STEPS.prune(pruned);
      const [all, fewer] = [await restorableIn(copy), await restorableIn(pruned)];
      expect([all.yes, fewer.yes]).toEqual([true, true]);
      const done: Step[] = [];
      for (const step of order) {
        await STEPS[step](copy);
        done.push(step);
        requireNamedOnce(copy.folder, done.join(', '));
        expect(await restorableIn(copy)).toEqual(done.includes('prune') ? fewer : all);
      }
      expect(rangesIn(copy.folder)).toEqual([
        [0, 0],
        [1, 200],
        [201, 250],
      ]);
      expect(await copy.verify()).toMatchObject({ findings: [] });
      // Older compactors of the stock tool fail for ever when a file that they have stamped is gone.
      const names = readdirSync(copy.path('metadata'));
      const newest = names.filter((name) => name.startsWith('compaction_timestamps_')).sort();
      const stamped = stampsIn(copy.read(`metadata/${newest.at(-1)!}`).toString());
      const gone = Object.keys(stamped).filter((handle) => !copy.has(handle));
      expect(gone).toEqual([]);
    },
  );
});

it('no name gets other lines than it had: stock caches go by names, and metadata_backup keeps what was retired', async () => {
  const copy = new StorageCopy(PLAIN);
  await STEPS.compact(copy);
  await STEPS['compact later'](copy);
  const name = 'transaction_compacted_0-250.meta';
  const small = copy.read(`metadata/${name}`).toString();
  await STEPS.consolidate(copy);
  for (const days of [2, 4, 6]) {
    await compactAt(FIRST_RUN + days * DAY_S)(copy);
    expect(copy.has(`metadata/${name}`)).toBe(false);
    requireNamedOnce(copy.folder, `${days} days`);
  }
  expect(copy.read(`metadata_backup/${name}`).toString()).toBe(small);
  const left = readdirSync(copy.path('metadata')).filter((one) => one.startsWith('transaction_'));
  expect(left.sort()).toEqual([
    'transaction_compacted_0-200.meta',
    'transaction_compacted_201-250.meta',
  ]);
});

describe('small lines that were left beside those of their full batch', () => {
  const SMALL = ['transaction_0-0', 'transaction_1-100', 'transaction_101-200'];

  async function leftBeside(names: readonly string[]): Promise<StorageCopy> {
    const copy = new StorageCopy(PLAIN);
    const lines = names.map((name) => copy.read(`metadata/${name}.meta`));
    await consolidate(copy.storage, { size: SIZE });
    copy.write('metadata/transaction_compacted_0-250.meta', Buffer.concat(lines));
    return copy;
  }

  it.each([
    ['all of them', SMALL, SIZE],
    ['all of them, and other batch sizes are used now', SMALL, 50n],
    ['some of them, because a run died while it retired them', SMALL.slice(2), SIZE],
  ])(
    'are found by a verification, and the next consolidation heals it: %s',
    async (_, names, size) => {
      const copy = await leftBeside(names);
      expect(await restorableIn(copy)).not.toMatchObject({ yes: true, version: '250' });
      const found = await copy.verify();
      expect(found).toMatchObject({ ok: false, findings: [{ code: 'OVERLAP' }] });
      const { outcomes } = await consolidate(copy.storage, { size });
      expect(outcomes).toMatchObject([{ status: 'committed', chunks: 0 }]);
      requireNamedOnce(copy.folder, 'the consolidation');
      expect(await copy.verify()).toMatchObject({ findings: [] });
    },
  );
});

it('a kill at any change while lines in several files are taken out loses none of the others', async () => {
  const all = [0, 1, 2, 3, 4, 5].map((batch) => lineOf(batch));
  const parts = all.slice(1, 4).map((line) => ({ ...line, source: 'metadata/any' }) as never);
  const kept = [0, 40, 50];
  const place = () => {
    const made = new MetadataPlace();
    for (const line of all) made.put([line]);
    made.put(all, 'transaction_compacted_0-59.meta');
    made.put(all.slice(2, 5), 'transaction_compacted_20-49.meta');
    made.put(all.slice(1, 4), 'transaction_consolidating_10-39.meta');
    return made.folder;
  };
  const tools = {
    report: () => undefined,
    requireHeld: () => Promise.resolve(),
    butIn: 'metadata/transaction_consolidating_10-39.meta',
  };
  let kills = 0;
  for (let at = 1, done = false; !done; at += 1) {
    for (const made of [false, true]) {
      const folder = place();
      const dying = new DyingBackend(openBackend({ local_fs_dir: folder }), at, made);
      const storage = new BackupStorage(dying.open());
      await takeOutLines(storage, parts, tools).catch(() => undefined);
      done = !dying.isDead;
      if (!done) kills += 1;
      const firsts = () => [...new Set(rangesIn(folder).map(([first]) => first))];
      expect(firsts(), `change ${at}`).toEqual([0, 10, 20, 30, 40, 50]); // one file has them all the while
      await takeOutLines(new BackupStorage(openBackend({ local_fs_dir: folder })), parts, tools);
      const elsewhere = linesIn(folder).filter(({ name }) => !name.includes('consolidating'));
      const named = elsewhere.map(
        ({ text }) => (JSON.parse(text) as Line)['TransactionBackup']!.first_version,
      );
      expect([...new Set(named)].sort((a, b) => a - b)).toEqual(kept);
    }
  }
  expect(kills).toBeGreaterThan(10);
});
