// The state of an embedded server is damaged or lost: its users repair it or do without.
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { choosePort } from '../../src/temporal-server/ports.js';
import { spawnServer, waitUntilReady } from '../../src/temporal-server/server-process.js';
import { ServerStateFile } from '../../src/temporal-server/server-state.js';
import {
  open,
  serverPid,
  serverRuns,
  startOtherUser,
  startWorkflow,
  stateFile,
} from './embedded-helpers.js';
import { temporaryFolder, until } from '../temporal/helpers.js';

const filesOf = (data: string) => ({
  database: join(data, 'temporal', 'temporal.db'),
  log: join(data, 'temporal', 'server.log'),
});
const rewritten = (path: string, change: (text: string) => string) =>
  writeFileSync(path, change(readFileSync(path, 'utf8')));
/** No process has this id. */
const NO_PROCESS = 2 ** 30;
const oneBit = (digits: string) => `${Number(digits) ^ 1}`;
const harms: [string, (path: string) => void][] = [
  ['is damaged', (path) => truncateSync(path, 5)],
  ['is lost', (path) => rmSync(path)],
  [
    'names another port',
    (path) => rewritten(path, (text) => text.replace(/(?<="port":)\d+/, oneBit)),
  ],
  ['names an invalid port', (path) => rewritten(path, (text) => text.replace(/"port":/, '$&9'))],
];

test.each(harms)('when server.json %s, its users write it again', async (_, harm) => {
  const data = temporaryFolder();
  const server = await open(data);
  const [path, before] = [stateFile(data), readFileSync(stateFile(data), 'utf8')];
  harm(path);
  await until('it is there again', () => existsSync(path) && readFileSync(path, 'utf8') === before);
  harm(path);
  await server.release();
  expect(serverRuns(data, (JSON.parse(before) as { pid: number }).pid)).toBe(false);
});

test.each(harms)(
  'when server.json %s and nobody uses the server, the next user finds it',
  async (_, harm) => {
    const data = temporaryFolder();
    const other = await startOtherUser(data);
    const pid = serverPid(data);
    await other.kill();
    harm(stateFile(data));

    const said: string[] = [];
    const server = await open(data, said);
    expect(other.output()).toBe(`open ${server.address}\n`);
    expect(serverPid(data)).toBe(pid);
    expect(said).toEqual([]);
    await server.release();
    expect(serverRuns(data, pid)).toBe(false);
  },
);

test.each(harms)(
  'when server.json %s and the server is dead, the next user starts it',
  async (_, harm) => {
    const data = temporaryFolder();
    await (await open(data)).release();
    harm(stateFile(data));
    const server = await open(data);
    await startWorkflow(server, 'another');
    await server.release();
  },
);

test.each(harms)('when server.json %s, a new user joins the server that runs', async (_, harm) => {
  const data = temporaryFolder();
  const other = await startOtherUser(data);
  other.process.kill('SIGSTOP');
  const pid = serverPid(data);
  harm(stateFile(data));
  const server = await open(data);
  expect(serverPid(data)).toBe(pid);
  expect(other.output()).toBe(`open ${server.address}\n`);
  await other.kill();
  await server.release();
});

test('a user keeps its ports, whatever server.json says', async () => {
  const data = temporaryFolder();
  const server = await open(data);
  const address = server.address;
  const [path, files] = [stateFile(data), filesOf(data)];
  const port = await choosePort();
  const ports = { port, uiPort: await choosePort() };
  process.kill(serverPid(data), 'SIGKILL');
  const stranger = spawnServer(process.env['TEMPORAL_CLI_PATH']!, files, ports);
  new ServerStateFile(path).write({ pid: stranger, ...ports });
  await until('it answers', () =>
    startWorkflow(server, 'x').then(
      () => true,
      () => false,
    ),
  );
  expect(server.address).toBe(address);
  expect(serverRuns(data, stranger)).toBe(false);
  await until('it is written down', () => serverRuns(data));

  new ServerStateFile(path).write({ pid: serverPid(data), ...ports });
  await until('its own ports are written down again', () =>
    readFileSync(path, 'utf8').includes(`"port":${address.split(':')[1]},`),
  );
  await server.release();
});

test('a server on other ports than those that its users rely on is stopped', async () => {
  const data = temporaryFolder();
  const other = await startOtherUser(data);
  other.process.kill('SIGSTOP');
  const first = serverPid(data);
  process.kill(first, 'SIGKILL');
  await until('its server is dead', () => !serverRuns(data, first));
  const files = filesOf(data);
  const port = await choosePort();
  const ports = { port, uiPort: await choosePort() };
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
  await other.kill();
  await server.release();
});

const database = (data: string) => join(data, 'temporal', 'temporal.db');

/** Databases, without their logs. */
const putAside = (data: string) =>
  readdirSync(join(data, 'temporal')).filter((name) => /\.damaged-[^-]+-\d+-[^-]+$/.test(name));

/** Damages a database. A new database has all its data in its write-ahead log, which is removed first. */
function damage(data: string, bytes: string, at: number): void {
  rmSync(`${database(data)}-wal`, { force: true });
  const file = openSync(database(data), 'r+');
  writeSync(file, bytes, at);
  closeSync(file);
}

test.each([
  ['is overwritten', 'file is not a database', 'no database '.repeat(1_000), 0],
  ['is damaged inside', 'database disk image is malformed', 'no page '.repeat(100), 100],
  ['has lost its log', 'no such table', '', 0],
])(
  'a database that %s is put aside, and the server begins a new one',
  async (_, reason, bytes, at) => {
    const data = temporaryFolder();
    await (await open(data)).release();
    damage(data, bytes, at);
    const harmed = readFileSync(database(data));

    const said: string[] = [];
    const server = await open(data, said);
    await startWorkflow(server, 'another');
    const aside = putAside(data)[0]!;
    expect(said).toEqual([
      `The Temporal server cannot read its database (${reason}): it is kept as ` +
        `${join(data, 'temporal', aside)}, and a new one is begun; stored backups are kept and are not made again`,
    ]);
    expect(readFileSync(join(data, 'temporal', aside)).equals(harmed)).toBe(true);
    await server.release();
    await (await open(data, said)).release();
    expect(said).toHaveLength(1);
  },
);

test('a database that is damaged while its server is used is put aside by one of its users', async () => {
  const data = temporaryFolder();
  const said: string[] = [];
  const users = await Promise.all([open(data, said), open(data, said)]);
  process.kill(serverPid(data), 'SIGKILL');
  damage(data, 'no database '.repeat(1_000), 0);
  const answers = () =>
    startWorkflow(users[0], 'another').then(
      () => true,
      () => false,
    );
  await until('it answers', answers);
  expect(said.filter((line) => line.includes('is kept as'))).toHaveLength(1);
  expect(putAside(data)).toHaveLength(1);
  for (const user of users) await user.release();
  expect(serverRuns(data)).toBe(false);
});

test('a server that did not get its port is not taken for another one that answers there', async () => {
  const others = await open(temporaryFolder());
  const files = filesOf(temporaryFolder());
  const port = Number(others.address.split(':')[1]);
  const waited = waitUntilReady({ pid: NO_PROCESS, port }, files, {
    patienceMs: 60_000,
    say: () => {},
    signal: new AbortController().signal,
  });
  await expect(waited).rejects.toMatchObject({ code: 'TEMPORAL_START_FAILED' });
  await others.release();
});
