/** A database of the embedded server that is damaged costs no backup, and nobody has to be woken. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, startCli } from '../support/cli.js';
import { until } from '../support/until.js';

it('up begins a new database under its coordinator, and goes on from what is stored', async () => {
  const node = await devnode();
  const data = dataFolder();
  const temporal = join(data, 'temporal');
  const flags = ['--backup-service-address', node.address, '--local-fs-dir', storageFolder()];
  const up = startCli(['up', ...flags, '--data-dir', data]);
  await up.says(/^following: /);
  const damage = () => {
    up.child.kill('SIGSTOP'); // it starts no new server before the damage is done
    const state = readFileSync(join(temporal, 'server.json'), 'utf8');
    process.kill((JSON.parse(state) as { pid: number }).pid, 'SIGKILL');
    rmSync(join(temporal, 'temporal.db-wal'), { force: true });
    writeFileSync(join(temporal, 'temporal.db'), 'no database '.repeat(1_000));
    up.child.kill('SIGCONT');
  };
  const times = (what: RegExp) => up.lines.filter((line) => what.test(line)).length;
  damage();
  await up.says(/^The Temporal server cannot read its database \(file is not a database\)/);
  await until('a coordinator is started', () => times(/^Workflow .*\/coordinator, /) === 2);
  node.grow({ transactions: 50, epochs: 1 });
  await until('it follows', () => times(/^following: .*5 epochs ended/) > 0, 180_000);
  expect(await up.stop()).toBe(0);
}, 600_000);
