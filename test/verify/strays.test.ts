/** What lies among metadata files and is none: the stock tool lists it, and then loads nothing. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCatalog } from '../../src/repository/catalog.js';
import { planPrune, lossOf } from '../../src/upkeep/retention/plan.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';

const PLAIN = join(STOCK, 'stock-plain');
const PART = '.00000000-1-0123456789ab.part';

it.each([
  ['a folder', 'lost', (path: string) => mkdirSync(path)],
  ['a hidden file', '.DS_Store', undefined],
  ['no file', 'pipe', (path: string) => execFileSync('mkfifo', [path])],
])(
  '%s is named, and nothing is restorable by the stock tool while it is there',
  async (what, name, make) => {
    const copy = new StorageCopy(PLAIN);
    const before = await copy.verify();
    expect(before).toMatchObject({ findings: [], restorable_by_stock: { yes: true } });
    if (make) make(copy.path(`metadata/${name}`));
    else copy.write(`metadata/${name}`, 'x\n');
    const found = await copy.verify();
    expect(found).toMatchObject({
      ok: false,
      findings: [{ object: `metadata/${name}`, code: 'METADATA' }],
      restorable_by_stock: { yes: false },
    });
    expect(found.findings[0]!.why).toContain(`it is ${what} among metadata files`);
    expect(found.restorable_by_stock.why[0]).toContain(`metadata/${name} cannot be read`);
    // Our own tools read the storage all the same, and prune still sees what it would lose.
    const catalog = await readCatalog(copy.storage);
    expect([catalog.damaged, catalog.transactions.length]).toEqual([[], 4]);
    const plan = await planPrune(copy.storage, { last: 1 }, () => undefined);
    expect(lossOf(plan.catalog, plan.damaged, plan.retire).lost).not.toEqual([]);
    copy.remove(`metadata/${name}`);
    expect(await copy.verify()).toMatchObject({ findings: [], restorable_by_stock: { yes: true } });
  },
);

it('an empty hidden file and a file that is being written are no finding, and one of a dead writer is', async () => {
  const copy = new StorageCopy(PLAIN);
  copy.write('metadata/.gitkeep', '');
  copy.write(`metadata/${PART}`, '{"Transac');
  expect(await copy.verify()).toMatchObject({ findings: [], restorable_by_stock: { yes: true } });
  const long = new Date(Date.now() - 2 * 60 * 60_000);
  utimesSync(copy.path(`metadata/${PART}`), long, long);
  expect(await copy.verify()).toMatchObject({ findings: [{ object: `metadata/${PART}` }] });
});
