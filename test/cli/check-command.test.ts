/** `check` prints what a storage can do, and its exit code says whether it is fit. */
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { storageFolder } from '../support/backup.js';
import { runCli } from '../support/cli.js';

it('a storage that is fit: a row for each thing, exit code 0, and nothing left behind', async () => {
  const folder = storageFolder();
  const { code, out } = await runCli(['check', '--local-fs-dir', folder]);
  expect(code).toBe(0);
  expect(out).toMatch(/^Can .* \.\.\.\n {2}list what is stored +yes +nothing is stored yet/m);
  expect(out).toMatch(/\n {2}create a file only where there is none +yes +two hosts cannot/);
  expect(out).toMatch(/It is fit for backups\.\n$/);
  expect(readdirSync(folder)).toEqual([]);
});

it('one that is not: what it cannot do and exit code 1, as JSON as well', async () => {
  const { code, out } = await runCli(['check', '--storage', 'file:///proc/nothing', '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    storage: '/proc/nothing',
    fit: false,
    checks: [{ can: 'yes' }, { what: 'write into the place', can: 'no' }],
  });
});
