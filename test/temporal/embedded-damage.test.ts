// What an embedded server depends on is damaged or lost: its users have it back, or do without.
import { existsSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { choosePort } from '../../src/temporal/ports.js';
import { spawnServer, waitUntilReady } from '../../src/temporal/server-process.js';
import { open, serverPid, serverRuns, startOtherUser, stateFile } from './embedded-helpers.js';
import { temporaryFolder, until } from './helpers.js';

const damaged = (path: string) => truncateSync(path, 5);
const lost = (path: string) => rmSync(path);

test.each([
  ['damaged', damaged],
  ['lost', lost],
])('what is known of the server is %s: its users write it again', async (_, harm) => {
  const data = temporaryFolder();
  const server = await open(data);
  const [path, before] = [stateFile(data), readFileSync(stateFile(data), 'utf8')];
  harm(path);
  await until('it is there again', () => existsSync(path) && readFileSync(path, 'utf8') === before);
  harm(path);
  await server.release();
  expect(serverRuns(data, (JSON.parse(before) as { pid: number }).pid)).toBe(false);
});

test.each([
  ['damaged', damaged],
  ['lost', lost],
])('what is known of the server is %s, and nobody is there: the next finds it', async (_, harm) => {
  const data = temporaryFolder();
  const other = startOtherUser(data);
  await until('the other process has opened the server', () => other.output().includes('open'));
  const pid = serverPid(data);
  other.process.kill('SIGKILL');
  await until('it is dead', () => other.process.signalCode === 'SIGKILL');
  harm(stateFile(data));

  const said: string[] = [];
  const server = await open(data, said);
  expect(other.output()).toBe(`open ${server.address}\n`);
  expect(serverPid(data)).toBe(pid);
  expect(said).toEqual([]);
  await server.release();
  expect(serverRuns(data, pid)).toBe(false);
});

test('a server that was left on other ports than its users rely on is stopped', async () => {
  const data = temporaryFolder();
  const other = startOtherUser(data);
  await until('the other process has opened the server', () => other.output().includes('open'));
  other.process.kill('SIGSTOP');
  const first = serverPid(data);
  process.kill(first, 'SIGKILL');
  await until('its server is dead', () => !serverRuns(data, first));
  const folder = join(data, 'temporal');
  const files = { database: join(folder, 'temporal.db'), log: join(folder, 'server.log') };
  const port = await choosePort();
  const ports = { port, uiPort: await choosePort([port]) };
  const left = spawnServer(process.env['TEMPORAL_CLI_PATH']!, files, ports);
  await waitUntilReady({ pid: left, port }, files, {
    patienceMs: 60_000,
    say: () => {},
    signal: new AbortController().signal,
  });

  const said: string[] = [];
  const server = await open(data, said);
  expect(serverRuns(data, left)).toBe(false);
  expect(other.output()).toBe(`open ${server.address}\n`);
  expect(said).toEqual([`Stopping a Temporal server that was left on ${files.database}`]);
  other.process.kill('SIGKILL');
  await until('it is dead', () => other.process.signalCode === 'SIGKILL');
  await server.release();
});
