/** Commands of an operator's own from the command line: backed up by workflows, verified, asked for. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AdapterPlace } from '../support/adapters/place.js';
import { ADAPTERS } from '../support/adapters/yaml.js';
import { devnode } from '../support/backup.js';
import { dataFolder, runCli } from '../support/cli.js';
import { coordinated } from '../support/coordinated.js';
import { hasCaughtUp } from '../support/caught-up.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';

const SECRET = 'only-for-the-store-4711';

it('backs up, verifies and queries a storage of a command adapter, with secrets nowhere else', async () => {
  const place = new AdapterPlace(
    ADAPTERS['azcopy']!.replace("'?sv=2021-06-08&sig=s3cret%2Bsignature'", `'?sig=${SECRET}'`),
  );
  const node = await devnode({ seed: 3, transactions: 300, stateItems: 300, epochs: 3 });
  const { epoch, version, genesis_waypoint: genesis } = node.facts();
  const data = dataFolder();
  const storage = ['--command-adapter-config', place.file()];
  const common = [...storage, '--data-dir', data];
  const source = ['--backup-service-address', node.address, '--trust-waypoint', genesis];
  const oneoff = async (...args: string[]) => {
    const { code, out, err } = await runCli(['oneoff', ...args, ...common, ...source]);
    expect({ code, text: out + err }).toMatchObject({ code: 0 });
    expect(out + err).not.toContain(SECRET);
  };
  await oneoff('epoch-ending', '--start-epoch', '0', '--end-epoch', `${epoch}`);
  await oneoff('transaction', '--start-version', '0', '--num-transactions', `${version + 1}`);
  const verified = await runCli(['verify', ...common, '--trust-waypoint', genesis]);
  expect({ code: verified.code, text: verified.err }).toMatchObject({ code: 0 });
  const state = await runCli(['query', 'backup-storage-state', ...storage, '--json']);
  expect(JSON.parse(state.out)).toMatchObject({ latest_transaction_version: version });
  for (const file of readdirSync(data, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    expect(readFileSync(join(file.parentPath, file.name)).includes(SECRET)).toBe(false);
  }
  expect(readdirSync(place.temporary).filter((name) => name.includes('-command-'))).toEqual([]);
});

it('a coordinator follows a node into a storage of commands, also after it was stopped', async () => {
  const place = new AdapterPlace(ADAPTERS['aws s3']!);
  const node = await devnode({ seed: 5, transactions: 60, stateItems: 40, epochs: 2 });
  const storage = { command_adapter_config: place.file() };
  const input = {
    node: node.address,
    storage,
    transaction_batch_size: 100,
    transaction_batch_seconds: 1,
  };
  const first = await coordinated(input);
  await first.reaches('it has caught up', (status) => hasCaughtUp(status, node.facts()));
  await first.stop();
  node.grow({ transactions: 60, epochs: 1 });
  const second = await coordinated(input);
  const status = await second.reaches('it goes on', (now) => hasCaughtUp(now, node.facts()));
  expect(status.alarms.filter(({ code }) => code !== 'UNCONFIRMED_GENESIS')).toEqual([]);
  await second.stop();
  const settings = { storage, trustWaypoints: [node.facts().genesis_waypoint] };
  expect(await verifyStorage(openStorage(storage), settings, WHOLE_STORAGE)).toMatchObject({
    ok: true,
    findings: [],
    transactions: [{ first: '0', last: `${node.facts().version}` }],
  });
}, 600_000);
