/** Where no folder is listed and creating is no lock, hosts still take turns, and a race is found. */
import { expect, it } from 'vitest';
import { Lease, type Holder } from '../../src/repository/lease.js';
import { withCommitLock } from '../../src/repository/commit-lock.js';
import { BackupStorage } from '../../src/storage/storage.js';
import { AdapterPlace } from '../support/adapters/place.js';
import { ADAPTERS } from '../support/adapters/yaml.js';

const holder = (name: string): Holder => ({
  owner: name,
  host: name,
  workflow: `backup of ${name}`,
});

function hosts() {
  const place = new AdapterPlace(ADAPTERS['rclone']!);
  const open = () => new BackupStorage(place.open());
  return { place, one: open(), two: open() };
}

it('a lease has one holder, who gives it back to the next', async () => {
  const { one, two } = hosts();
  const first = new Lease(one, 'coordinator', holder('one'));
  const second = new Lease(two, 'coordinator', holder('two'));
  expect(await first.claim()).toBeUndefined();
  expect(await second.claim()).toMatchObject({ host: 'one' });
  expect(await first.renew()).toBeUndefined();
  await first.release();
  expect(await second.claim()).toBeUndefined();
  expect(await first.lostTo()).toMatchObject({ host: 'two' });
  expect(await first.renew()).toMatchObject({ host: 'two' });
  expect(await second.lostTo()).toBeUndefined();
});

it('of two that claim at the same time one has the lease', async () => {
  const { one, two } = hosts();
  const leases = [new Lease(one, 'commit', holder('one')), new Lease(two, 'commit', holder('two'))];
  const claims = await Promise.all(leases.map((lease) => lease.claim()));
  const lost = await Promise.all(leases.map((lease) => lease.lostTo()));
  expect(lost.filter((other) => other === undefined)).toHaveLength(1);
  // Whoever was told that another one has it is right.
  claims.forEach((other, i) => other && expect(lost[i]).toBeDefined());
});

it('a holder whose claim is written over by a late one learns it before the next write', async () => {
  const { one, two } = hosts();
  const run = (storage: BackupStorage, name: string, body: () => Promise<void>) => {
    const tools = { signal: new AbortController().signal, report: () => undefined };
    return withCommitLock(storage, holder(name), tools, async (lock) => {
      await body();
      await lock.requireHeld();
    });
  };
  const overwritten = run(one, 'one', async () => {
    const late = await two.createFile('aptos-backup', 'commit.lease');
    const claim = { lease: 1, ...holder('two'), beat: '00', released: false };
    const text = `{"number":2,${JSON.stringify(claim).slice(1)}\n`;
    await late.write(Buffer.from(text));
    await late.publish({ replace: true });
    await late.discard();
  });
  await expect(overwritten).rejects.toMatchObject({ code: 'COMMIT_LOCK_LOST' });
  const lease = new Lease(one, 'commit', holder('three'));
  expect(await lease.claim()).toMatchObject({ host: 'two' });
});
