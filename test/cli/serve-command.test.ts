/** `serve` plays a node's backup service from a storage until it is stopped. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { storageFolder } from '../support/backup.js';
import { runCli, startCli } from '../support/cli.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';

const LISTEN = ['--listen', '127.0.0.1:0'];

it('says where it serves what, answers, writes nothing, and ends with exit code 0', async () => {
  const copy = new StorageCopy(join(STOCK, 'stock-plain'));
  const before = copy.files();
  const storage = `file://${copy.folder}`;
  const serving = startCli(['serve', '--storage', storage, ...LISTEN]);
  await serving.says(/^serving .* at http:\/\/127\.0\.0\.1:\d+: epoch 6, version 250$/);
  const [address] = /http:\S+(?=:)/.exec(serving.lines[0]!)!;
  const query = await runCli(['query', 'node-state', '--backup-service-address', address]);
  expect(query.out).toContain('epoch: 6, committed_version: 250');
  serving.child.kill('SIGTERM');
  expect(await serving.ended).toBe(0);
  expect(serving.lines).toHaveLength(1);
  expect(copy.files()).toEqual(before);
});

it('writes one line of JSON for its start and for each error', async () => {
  const copy = new StorageCopy(join(STOCK, 'stock-plain'));
  const manifest = copy.manifest(copy.manifestOf(copy.metadata('transaction_101')));
  const object = String(manifest.chunks[0]!['transactions']);
  copy.flip(object);
  const serving = startCli(['serve', '--local-fs-dir', copy.folder, '--json', ...LISTEN]);
  await serving.says(/"event":"start"/);
  const { address } = JSON.parse(serving.lines[0]!) as { address: string };
  await expect(
    fetch(`${address}/transactions/101/1`).then((answer) => answer.arrayBuffer()),
  ).rejects.toThrow();
  await serving.says(/"event":"error"/);
  expect(JSON.parse(serving.lines[1]!)).toMatchObject({
    request: '/transactions/101/1',
    object,
  });
  expect(await serving.stop()).toBe(0);
});

it('refuses a storage that is not there, and an address that cannot be used', async () => {
  const nowhere = await runCli(['serve', '--local-fs-dir', `${storageFolder()}/none`, ...LISTEN]);
  expect(nowhere.code).toBe(1);
  expect(nowhere.err).toContain('none');
  const storage = ['--local-fs-dir', join(STOCK, 'stock-plain')];
  const wrong = await runCli(['serve', ...storage, '--listen', 'nonsense']);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain(
    '--listen must be [HOST:]PORT with a port from 0 to 65535, not "nonsense"',
  );

  // An interface that comes up later, as after a boot.
  const away = await runCli(['worker', '--health-address', '203.0.113.1:0']);
  expect(away.code).toBe(1);
  expect(away.err).toContain('--health-address 203.0.113.1:0: this host has no such address; name');

  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const node = await runCli(['devnode', '--port', address.split(':')[1]!]);
  expect(node).toMatchObject({ code: 2, out: '' });
  expect(node.err).toContain(' of --port or --control-port: another program has this port; ');
  for (const args of [
    ['serve', ...storage, '--listen', address],
    ['worker', '--health-address', address],
    ['up', ...storage, '--health-address', address],
  ]) {
    const { code, err } = await runCli(args);
    // That may pass by itself: systemd starts `up` again after 1, and not after 2.
    expect(code).toBe(1);
    expect(err).toContain(
      `${args.at(-2)} ${address}: another program has this port; name another port, or end that program`,
    );
  }
});
