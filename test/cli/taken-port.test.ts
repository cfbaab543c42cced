/** `up` goes on although another program takes the port of its server before the server has it: workers follow. */
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, startCli } from '../support/cli.js';
import { until } from '../support/until.js';
import { serverThatFirst, stateFile } from '../temporal-server/embedded-helpers.js';

it('up whose port is taken at its first start chooses another one', async () => {
  const node = await devnode();
  const data = dataFolder();
  const taken = join(data, 'taken');
  const flags = [
    ...['--backup-service-address', node.address, '--local-fs-dir', storageFolder()],
    ...['--trust-waypoint', node.facts().genesis_waypoint, '--data-dir', data],
  ];
  const { TEMPORAL_CLI_PATH: binary } = serverThatFirst(
    data,
    `while [ ! -e ${taken} ]; do sleep 0.1; done`,
  );
  const up = startCli(['up', ...flags], { TEMPORAL_CLI_PATH: binary });
  await until('the server is started', () => existsSync(stateFile(data)));
  const port = () => (JSON.parse(readFileSync(stateFile(data), 'utf8')) as { port: number }).port;
  const first = port();
  const other = createServer().listen(first, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  writeFileSync(taken, '');
  await up.says(/^following: /, 240_000); // it has started its server twice
  expect(port()).not.toBe(first);
  expect(await up.stop()).toBe(0);
});
