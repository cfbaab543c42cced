/** Backing up a chain with unsigned history: what is accepted and what is refused. */
import { rmSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { nodeFault } from '../../src/site/node-fault.js';
import { openSite } from '../../src/site/site.js';
import { UNSIGNED_KINDS } from '../../src/devnode/chain/unsigned.js';
import { committedNames, jobOf, storageFolder } from '../support/backup.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { UnsignedStorage, unsignedChain } from '../support/unsigned-chain.js';

it.each(UNSIGNED_KINDS)(
  'without a waypoint no backup of a chain with unsigned history (%s) begins, and the error names the flag',
  async (kind) => {
    const { node } = await unsignedChain({ unsignedKind: kind });
    const storage = new UnsignedStorage([]);
    const error: unknown = await storage.endings(node, 0, 4).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'HISTORY_UNSIGNED' });
    expect(String(error)).toMatch(/epoch 1.*--trust-waypoint VERSION:HASH of a later epoch ending/);
    // Nothing shows that the node lies: the chain may be like this.
    expect(nodeFault(error)).toMatchObject({ code: 'HISTORY_UNSIGNED', lie: false });
    expect(committedNames(storage.folder)).toEqual([]);
  },
);

it('a trusted genesis does not prove unsigned history', async () => {
  const { node } = await unsignedChain();
  const storage = new UnsignedStorage([node.facts().genesis_waypoint]);
  await expect(storage.endings(node, 0, 4)).rejects.toMatchObject({ code: 'HISTORY_UNSIGNED' });
});

it('a waypoint with another hash is refused when the node reaches its version', async () => {
  const { node, waypoint } = await unsignedChain();
  const wrong = `${waypoint.split(':')[0]!}:${'ab'.repeat(32)}`;
  const storage = new UnsignedStorage([wrong]);
  const refused = storage.endings(node, 0, 4);
  await expect(refused).rejects.toMatchObject({ code: 'CHAIN_MISMATCH' });
  await expect(refused).rejects.toThrow(`Found: ${waypoint}, trusted: ${wrong}`);
  // Data below it can be stored, and counts as not yet proven.
  expect(await storage.endings(node, 0, 2)).toMatchObject({ proven: 'not yet proven' });
});

it('a waypoint in the middle of unsigned history is not enough', async () => {
  const { waypoint: middle } = await unsignedChain({ unsignedUntilEpoch: 2 });
  const twin = await unsignedChain();
  const storage = new UnsignedStorage([middle]);
  const refused = storage.endings(twin.node, 0, 4);
  await expect(refused).rejects.toMatchObject({ code: 'HISTORY_UNSIGNED' });
  await expect(refused).rejects.toThrow(/epoch 3.*give --trust-waypoint/);
});

it('a waypoint at which no epoch ends proves nothing, and the error says so', async () => {
  const { node, waypoint } = await unsignedChain();
  const [version, hash] = waypoint.split(':');
  const storage = new UnsignedStorage([`${Number(version) + 1}:${hash!}`]);
  const refused = storage.endings(node, 0, 4);
  await expect(refused).rejects.toMatchObject({ code: 'HISTORY_UNSIGNED' });
  await expect(refused).rejects.toThrow(/no epoch ends where a waypoint is trusted/);
});

it('a node with unsigned ledger infos lies if the validators before them have signed', async () => {
  const { node, waypoint } = await unsignedChain({ epochs: 7 });
  const longer = await unsignedChain({ epochs: 7, unsignedUntilEpoch: 6 });
  const [folder, data] = [storageFolder(), temporaryFolder('data')];
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const target = { type: 'epoch_ending', start_epoch: 0, end_epoch: 6 } as const;
  const job = jobOf({ node: node.address, folder, target, trust: [waypoint] });
  const faultOf = async (address: string) => {
    const site = await openSite(job, address, data);
    onTestFinished(() => site.node.close());
    return site.history.ending(6n).then(
      () => undefined,
      (reason: unknown) => nodeFault(reason),
    );
  };
  // It looks like a chain with more unsigned history.
  const unsigned = await faultOf(longer.node.address);
  expect(unsigned).toMatchObject({ code: 'HISTORY_UNSIGNED', lie: false });
  const honest = await openSite(job, node.address, data);
  onTestFinished(() => honest.node.close());
  expect(await honest.history.ending(5n)).toMatchObject({ proven: 'signed' });
  expect(await faultOf(longer.node.address)).toMatchObject({ code: 'NODE_LIED', lie: true });
});

it('an honest node does not count as a liar because another node has other unsigned history', async () => {
  const { node, waypoint } = await unsignedChain();
  const { node: liar } = await unsignedChain();
  liar.fault({ kind: 'lie' });
  const data = temporaryFolder('data');
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const target = { type: 'epoch_ending', start_epoch: 0, end_epoch: 5 } as const;
  const job = jobOf({ node: liar.address, folder: storageFolder(), target, trust: [waypoint] });
  const lying = await openSite(job, liar.address, data);
  onTestFinished(() => lying.node.close());
  expect(await lying.history.ending(2n)).toMatchObject({ proven: 'not yet proven' });
  await expect(lying.history.ending(4n)).rejects.toMatchObject({ code: 'CHAIN_MISMATCH' });
  // The other node finds these endings in the data folder.
  const honest = await openSite(job, node.address, data);
  onTestFinished(() => honest.node.close());
  const theirs = await lying.history.ending(2n);
  expect(await honest.history.ending(2n)).toEqual(theirs);
  expect(await honest.history.ending(4n)).toMatchObject({ proven: 'signed' });
  expect(await honest.history.ending(3n)).toMatchObject({ waypoint });
  expect((await honest.history.ending(2n)).waypoint).not.toBe(theirs.waypoint);
  expect((await honest.history.validatorsOf(2n)).epoch).toBe(2n);
});

it('a waypoint that is given later is used, although endings were verified without it', async () => {
  const { node, waypoint } = await unsignedChain();
  const data = temporaryFolder('data');
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const target = { type: 'epoch_ending', start_epoch: 0, end_epoch: 5 } as const;
  const job = (trust: string[]) => jobOf({ node: node.address, folder: '/none', target, trust });
  await expect(openSite(job([]), node.address, data)).rejects.toThrow(/--trust-waypoint/);
  for (let start = 0; start < 2; start += 1) {
    const site = await openSite(job([waypoint]), node.address, data);
    onTestFinished(() => site.node.close());
    expect(await site.history.ending(4n)).toMatchObject({ proven: 'signed' });
    expect(await site.history.ending(1n)).toMatchObject({ proven: 'not yet proven' });
  }
  await expect(openSite(job([]), node.address, data)).rejects.toThrow(/--trust-waypoint/);
});
