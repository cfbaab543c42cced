/** Ctrl-C ends a command that waits for an answer, whoever owes it: a Temporal server, a node. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCli } from '../support/cli.js';
import { silentTemporal } from '../support/servers/silent-temporal.js';
import { until } from '../support/until.js';

describe('a command that waits for the Temporal server', () => {
  it.each([
    ['status'],
    ['status', '--check'],
    ['list'],
    ['stop', '--all'],
    ['pause'],
    ['retry'],
    ['schedule', 'list'],
    ['verify', '--local-fs-dir', '/nowhere'],
  ])('%s %s', async (...args) => {
    const { address, asked } = await silentTemporal();
    const cli = startCli(args, { TEMPORAL_ADDRESS: address });
    await until('it has asked', () => asked.length > 0);
    expect(await cli.stop()).toBe(130);
    expect(cli.lines).toEqual(['aptos-backup: interrupted before an answer came']);
  });
});

it('continuously that waits for the Temporal server', async () => {
  const { address, asked } = await silentTemporal();
  const cli = startCli(['continuously', '--local-fs-dir', '/nowhere'], {
    TEMPORAL_ADDRESS: address,
  });
  await until('it has asked', () => asked.length > 0);
  expect(await cli.stop()).toBe(0);
  expect(cli.lines).toEqual([
    'Stopping; what was in flight is kept.',
    'Stopped while it waited for the Temporal server.',
  ]);
});

it('a command that waits for a node', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  await once(silent, 'listening');
  const node = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const cli = startCli(['query', 'node-state', '--backup-service-address', node]);
  await until('it has asked', () => sockets.length > 0);
  expect(await cli.stop()).toBe(130);
  expect(cli.lines).toEqual(['aptos-backup: interrupted']);
});
