/** Commands of an operator's own from the command line: backed up by workflows, verified, asked for. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AdapterPlace } from '../support/adapters/place.js';
import { ADAPTERS } from '../support/adapters/yaml.js';
import { devnode } from '../support/backup.js';
import { dataFolder, runCli } from '../support/cli.js';

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
