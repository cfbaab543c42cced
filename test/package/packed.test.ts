/** The npm package, installed from its tarball in a folder that knows nothing of this checkout. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { committedNames, devnode, storageFolder } from '../support/backup.js';
import { dataFolder, plainEnvironment, startCli } from '../support/cli.js';
import { temporaryFolder } from '../support/temporary-folder.js';

interface Packed {
  filename: string;
  files: { path: string }[];
}

it('the package holds what an operator needs, and backs a node up where it is installed', async () => {
  const place = temporaryFolder('package');
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const run = async (program: string, args: string[]) => {
    const options = { env: plainEnvironment(), maxBuffer: 1e8 };
    const { stdout } = await promisify(execFile)(program, args, options);
    return stdout;
  };
  // The build is there already; without this it would be made once more.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', place];
  const [packed] = JSON.parse(await run('npm', pack)) as [Packed];
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(packed.filename).toBe(`aptos-backup-${version}.tgz`);
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      ...['dist/cli.js', 'dist/worker.js', 'dist/demo.js', 'dist/workflow-bundle.js'],
      ...['dist/cli.js.map', 'dist/worker.js.map', 'dist/LICENSES.txt'],
      ...['dist/sha3-batch.wasm', 'README.md', 'LICENSE', 'CHANGELOG.md'],
      ...['docs/operating.md', 'deploy/aptos-backup.service', 'deploy/prometheus/rules.yml'],
    ]),
  );
  const deployed = readdirSync('deploy', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(paths.filter((path) => path.startsWith('deploy/')).toSorted()).toEqual(
    deployed.toSorted(),
  );
  const rest = paths.filter((path) => !/^(dist|docs|deploy)\//.test(path));
  expect(rest.toSorted()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'package.json',
  ]);
  expect(paths.filter((path) => path.endsWith('.ts'))).toEqual([]);

  const tarball = join(place, packed.filename);
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', '--global', '--prefix', place, ...quiet, tarball]);
  const command = join(place, 'bin', 'aptos-backup');
  const node = await devnode();
  const folder = storageFolder();
  const range = ['--start-version', '0', '--num_transactions', '100'];
  const where = ['--backup-service-address', node.address, '--local-fs-dir', folder];
  const data = ['--data-dir', dataFolder()];
  await run(command, ['oneoff', 'transaction', ...range, ...where, ...data]);
  expect(committedNames(folder)).toEqual(['transaction_0-99.meta']);

  const batches = ['--transaction-batch-size', '100'];
  const up = startCli(['up', ...where, ...data, ...batches], {}, command);
  await up.says(/^following: /, 240_000);
  expect(await up.stop()).toBe(0);
  const kinds = committedNames(folder).map((name) => /^[a-z]+_[a-z]+|^[a-z]+/.exec(name)![0]);
  expect(new Set(kinds)).toEqual(new Set(['epoch_ending', 'state_snapshot', 'transaction']));
}, 600_000);
