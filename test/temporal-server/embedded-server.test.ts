// The embedded server of a data folder: shared by all its users, back on the same ports and
// database after kill -9, stopped by the last user to leave, found again by the next.
import { type Server, createServer } from 'node:net';
import { existsSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { openEmbeddedServer } from '../../src/temporal-server/embedded.js';
import {
  open,
  serverPid,
  serverRuns,
  serverThatFirst,
  startOtherUser,
  startWorkflow,
  withClient,
} from './embedded-helpers.js';
import { temporaryFolder, until } from '../temporal/helpers.js';

const yes = () => true;
const no = () => false;

test('a server that is killed with -9 comes back at the same address, with all its workflows', async () => {
  const data = temporaryFolder();
  const said: string[] = [];
  const server = await open(data, said);
  await startWorkflow(server, 'survivor');
  const [address, first] = [server.address, serverPid(data)];
  process.kill(first, 'SIGKILL');
  await until('another server runs', () => serverPid(data) !== first);
  await until('it answers', () =>
    withClient(address, (client) => client.workflow.getHandle('survivor').describe()).then(
      (description) => description.status.name === 'RUNNING',
      () => false,
    ),
  );
  expect(said).toEqual(['warn: The Temporal server died; starting it again']);
  await server.release();
  expect(serverRuns(data)).toBe(false);
});

test('a server that hangs is killed by one of its users, and started again once', async () => {
  const data = temporaryFolder();
  const said: string[] = [];
  const users = await Promise.all([open(data, said), open(data, said)]);
  await startWorkflow(users[0], 'survivor');
  const first = serverPid(data);
  process.kill(first, 'SIGSTOP');
  await until('another server runs', () => serverPid(data) !== first);
  await until('it answers', () =>
    withClient(users[1].address, (client) => client.workflow.getHandle('survivor').describe()).then(
      () => true,
      () => false,
    ),
  );
  expect(said).toEqual([
    'warn: The Temporal server did not answer for half a minute and was killed; starting it again',
  ]);
  const second = serverPid(data);
  await users[0].release();
  expect(serverRuns(data, second)).toBe(true);
  await users[1].release();
  expect(serverRuns(data, second)).toBe(false);
});

test('a restart waits for a port that is freed only a moment after its server died', async () => {
  const data = temporaryFolder();
  const said: string[] = [];
  const server = await open(data, said);
  const port = Number(server.address.split(':')[1]);
  const first = serverPid(data);
  process.kill(first, 'SIGKILL');
  // Without a pause, so that nobody else of this process finds the port free.
  let holder: Server | undefined;
  while (!holder) holder = await tryToListen(port);
  // Whoever waits for the port holds the lock.
  await until('somebody waits for it', () => existsSync(join(data, 'temporal', 'lock')));
  expect(serverPid(data)).toBe(first);
  holder.close();
  await until('it answers', () => startWorkflow(server, 'x').then(yes, no));
  expect(said).toEqual(['warn: The Temporal server died; starting it again']);
  await server.release();
});

function tryToListen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

test('a port that another program takes before the server has it is given up for another', async () => {
  const data = temporaryFolder();
  const taken = join(data, 'taken');
  const env = serverThatFirst(data, `while [ ! -e ${taken} ]; do sleep 0.1; done`);
  const addresses: string[] = [];
  let other: Server | undefined;
  const onAddress = ({ address }: { address: string }) => {
    addresses.push(address);
    if (addresses.length > 1) return;
    void tryToListen(Number(address.split(':')[1])).then((listening) => {
      other = listening;
      writeFileSync(taken, '');
    });
  };
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  const server = await openEmbeddedServer(data, { say, env, onAddress });
  expect(other).toBeDefined();
  other!.close();
  expect(addresses).toHaveLength(2);
  expect(addresses[1]).toBe(server.address);
  expect(addresses[0]).not.toBe(server.address);
  expect(said.filter((line) => line.startsWith('Another program has taken port '))).toHaveLength(1);
  await startWorkflow(server, 'x');
  await server.release();
});

test('a server that takes long to start is left alone', async () => {
  const data = temporaryFolder();
  const slow = join(data, 'slow');
  // Like a server that opens a large database: it runs, but does not listen yet.
  const env = serverThatFirst(data, `[ -e ${slow} ] && sleep 35`);
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  const server = await openEmbeddedServer(data, { say, env });
  const other = await openEmbeddedServer(data, { say, env });
  writeFileSync(slow, '');
  const first = serverPid(data);
  process.kill(first, 'SIGKILL');
  await until('another one is starting', () => serverPid(data) !== first);
  const second = serverPid(data);
  const answers = () => startWorkflow(server, 'x').then(yes, no);
  await until('it answers', answers);
  expect(serverPid(data)).toBe(second);
  expect(said.filter((line) => line.includes('starting it again'))).toHaveLength(1);
  await other.release();
  await server.release();
});

test('a server that is killed before its first answer is started again', async () => {
  const data = temporaryFolder();
  const killed = join(data, 'killed');
  const env = serverThatFirst(data, `[ ! -e ${killed} ] && touch ${killed} && kill -9 $$`);
  const said: string[] = [];
  const server = await openEmbeddedServer(data, { say: (line) => said.push(line), env });
  await startWorkflow(server, 'x');
  expect(said).toEqual(['The Temporal server died; starting it again']);
  await server.release();
});

test('the web UI answers at the address that is shown', async () => {
  const server = await open(temporaryFolder());
  const answer = await fetch(server.uiUrl);
  expect(answer.status).toBe(200);
  await server.release();
});

test('finished workflows are kept for 90 days, and our search attributes exist', async () => {
  const server = await open(temporaryFolder());
  await withClient(server.address, async ({ connection }) => {
    const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(90 * 24 * 3600);
    const { customAttributes } = await (
      connection as Connection
    ).operatorService.listSearchAttributes({
      namespace: 'default',
    });
    expect(customAttributes).toMatchObject({ BackupType: 2, Network: 2, Phase: 2, Storage: 2 });
  });
  await server.release();
});

test('the last user stops the server, whoever started it, and the next user finds the same data', async () => {
  const data = temporaryFolder();
  const [one, two] = await Promise.all([open(data), open(data)]);
  expect(two.address).toBe(one.address);
  const pid = serverPid(data);
  await startWorkflow(one, 'kept');
  await one.release();
  expect(serverRuns(data, pid)).toBe(true);
  await two.release();
  expect(serverRuns(data, pid)).toBe(false);

  const again = await open(data);
  expect(again.address).toBe(one.address);
  const kept = await withClient(again.address, (client) =>
    client.workflow.getHandle('kept').describe(),
  );
  expect(kept.status.name).toBe('RUNNING');
  await again.release();
  expect(readdirSync(join(data, 'temporal', 'users'))).toEqual([]);
});

test('two paths to one data folder are one server', async () => {
  const data = temporaryFolder();
  const link = join(temporaryFolder(), 'link');
  symlinkSync(data, link);
  const one = await open(data);
  const pid = serverPid(data);
  const two = await open(link);
  expect(two.address).toBe(one.address);
  expect(serverPid(data)).toBe(pid);
  await one.release();
  expect(serverRuns(data, pid)).toBe(true);
  await two.release();
  expect(serverRuns(data, pid)).toBe(false);
});

test('a user killed with -9 leaves the server to the next, and does not keep it alive', async () => {
  const data = temporaryFolder();
  const other = await startOtherUser(data);
  const pid = serverPid(data);
  await other.kill();
  expect(serverRuns(data, pid)).toBe(true);

  const server = await open(data);
  expect(serverPid(data)).toBe(pid);
  await server.release();
  expect(serverRuns(data, pid)).toBe(false);
});

test('a user that was stopped for minutes still has its server', async () => {
  const data = temporaryFolder();
  const other = await startOtherUser(data);
  const pid = serverPid(data);
  other.process.kill('SIGSTOP');
  const users = join(data, 'temporal', 'users');
  const then = Date.now() / 1000 - 300;
  for (const name of readdirSync(users)) utimesSync(join(users, name), then, then);

  const server = await open(data);
  await server.release();
  expect(serverRuns(data, pid)).toBe(true);

  await other.kill();
  await (await open(data)).release();
  expect(serverRuns(data, pid)).toBe(false);
});

test('when the process that started the server is gone, another user still heals it', async () => {
  const data = temporaryFolder();
  const other = await startOtherUser(data);
  const server = await open(data);
  other.process.kill('SIGKILL');
  const pid = serverPid(data);
  process.kill(pid, 'SIGKILL');
  await until('another server runs', () => serverPid(data) !== pid);
  await until('it answers', () =>
    startWorkflow(server, 'x')
      .then(() => true)
      .catch(() => false),
  );
  await server.release();
});

test('a server that cannot start gives an error with its last log line, and is not left running', async () => {
  const data = temporaryFolder();
  const broken = openEmbeddedServer(data, {
    say: () => {},
    env: {
      ...process.env,
      TEMPORAL_CLI_PATH: fileURLToPath(new URL('broken-temporal.sh', import.meta.url)),
    },
  });
  await expect(broken).rejects.toMatchObject({
    code: 'TEMPORAL_START_FAILED',
    message: expect.stringContaining('this server is broken') as unknown,
  });
  expect(readdirSync(join(data, 'temporal', 'users'))).toEqual([]);
  expect(existsSync(join(data, 'temporal', 'lock'))).toBe(false);
});
