/**
 * A chain like that of a migrated network: nobody signed its history up to a waypoint; everything after
 * it is signed.
 */
import { expect, it } from 'vitest';
import { UNSIGNED_KINDS } from '../../src/devnode/chain/unsigned.js';
import { devnode } from '../support/backup.js';
import { UNSIGNED_UNTIL, UnsignedStorage, unsignedChain } from '../support/unsigned-chain.js';

it.each(UNSIGNED_KINDS)(
  'a chain with unsigned history (%s) is proven on both sides of the waypoint',
  async (kind) => {
    const { node, waypoint } = await unsignedChain({ unsignedKind: kind });
    const { version, epoch_ends: ends } = node.facts();
    const storage = new UnsignedStorage([waypoint]);
    const chained = `chained to waypoint ${waypoint}`;
    expect(await storage.endings(node, 0, 4)).toMatchObject({ proven: 'not yet proven' });
    for (const [epoch, proven] of [
      [0, /^chained to waypoint 0:/],
      [1, /^not yet proven$/],
      [UNSIGNED_UNTIL, new RegExp(`^${chained}$`)],
      [4, /^signed$/],
    ] as const) {
      expect((await storage.snapshot(node, epoch)).proven).toMatch(proven);
    }
    const [first, at] = [ends[1]!, ends[UNSIGNED_UNTIL]!];
    // Below the waypoint, across it in one batch, above it.
    expect(await storage.transactions(node, 0, first - 7)).toMatchObject({
      proven: 'not yet proven',
    });
    expect(await storage.transactions(node, first - 6, at + 9)).toMatchObject({ proven: 'signed' });
    expect(await storage.transactions(node, at + 10, version)).toMatchObject({ proven: 'signed' });

    const whole = await storage.verify();
    expect(whole).toMatchObject({
      ok: true,
      finding_count: 0,
      epoch_endings: [
        { first: '0', last: `${UNSIGNED_UNTIL}`, proven: chained },
        { first: '4', last: '4', proven: 'signed' },
      ],
      transactions: [{ first: '0', last: `${version}`, proven: 'signed' }],
      restorable_by_stock: { yes: true },
    });
    expect(JSON.stringify(whole)).not.toContain('not yet proven');

    // Proven data is not read again, even below the waypoint.
    const again = await storage.verify();
    expect(again).toMatchObject({ ok: true, transactions: whole.transactions });
    expect(again.epoch_endings).toEqual(whole.epoch_endings);
    expect(again.checked.proven_before).toBeGreaterThan(10);
  },
);

it('a storage that has not reached the waypoint is not yet proven, but not damaged', async () => {
  const { node, waypoint } = await unsignedChain({ transactions: 120, epochs: 2 });
  const { version } = node.facts();
  const storage = new UnsignedStorage([waypoint]);
  await storage.endings(node, 0, 1);
  await storage.snapshot(node, 1);
  await storage.transactions(node, 0, 60);
  await storage.transactions(node, 61, version);
  const below = await storage.verify();
  expect(below).toMatchObject({ ok: false, finding_count: 3 });
  expect(below.findings.map(({ code }) => code)).toEqual(['UNPROVEN', 'UNPROVEN', 'UNPROVEN']);
  expect(below.findings.map(({ why }) => why).join()).toContain(waypoint);
  expect(below.transactions).toMatchObject([{ first: '0', proven: 'not yet proven' }]);
  // A left-out part may hold the proof, so the coverage says how each part is proven and there is no
  // finding.
  expect(await storage.verify([waypoint], { endVersion: '50' })).toMatchObject({
    ok: true,
    complete: false,
    transactions: [{ proven: 'not yet proven' }],
  });
});

it('without the waypoint nothing above genesis is proven, and the findings name the flag', async () => {
  const { node, waypoint } = await unsignedChain();
  const { version } = node.facts();
  const storage = new UnsignedStorage([waypoint]);
  await storage.endings(node, 0, 4);
  await storage.transactions(node, 0, version);
  const blind = await storage.verify([]);
  expect(blind.ok).toBe(false);
  expect(new Set(blind.findings.map(({ code }) => code))).toEqual(new Set(['UNPROVEN']));
  expect(blind.findings[0]!.why).toMatch(/--trust-waypoint VERSION:HASH/);
  expect(await storage.verify()).toMatchObject({ ok: true });
});

it.each(['every', 'newest', 'none'] as const)(
  'a verification of parts of the storage has no findings (snapshots: %s)',
  async (snapshots) => {
    const { node, waypoint } = await unsignedChain();
    const { version, epoch_ends: ends } = node.facts();
    const storage = new UnsignedStorage([waypoint]);
    await storage.endings(node, 0, 4);
    for (const epoch of [0, 1, 2, 3, 4]) await storage.snapshot(node, epoch);
    for (let first = 0; first <= version; first += 50) {
      await storage.transactions(node, first, Math.min(first + 49, version));
    }
    for (let part = 1; part <= 3; part += 1) {
      const sampled = await storage.verify([waypoint], { snapshots, sample: { part, of: 3 } });
      expect(sampled).toMatchObject({ ok: true, complete: false, findings: [] });
    }
    const scope = { snapshots, startVersion: '0', endVersion: `${ends[2]!}` };
    expect(await storage.verify([waypoint], scope)).toMatchObject({ ok: true, findings: [] });
    expect(await storage.verify([waypoint], { snapshots })).toMatchObject({ ok: true });
  },
);

/** A node of the same genesis with another history, whose trees, proofs and unsigned ledger infos fit. */
async function liar() {
  const { node } = await unsignedChain();
  node.fault({ kind: 'lie' });
  return node;
}

it('transactions of another unsigned history do not fit the transactions behind the waypoint', async () => {
  const { node, waypoint } = await unsignedChain();
  const { version, epoch_ends: ends } = node.facts();
  const storage = new UnsignedStorage([waypoint]);
  const lied = await storage.transactions(await liar(), 0, ends[2]! - 11);
  await storage.endings(node, 0, 4);
  await storage.transactions(node, ends[2]! - 10, version);
  const found = await storage.verify();
  expect(found.ok).toBe(false);
  // The endings do not fit the false transactions, and the proven ones do not follow them.
  const damaged = found.findings.filter(({ code }) => code === 'DAMAGED');
  expect(damaged.map(({ object }) => object.split('_')[0])).toEqual(['epoch', 'transaction']);
  expect(damaged[0]!.why).toMatch(/ends epoch 1 says root/);
  expect(damaged[1]!.why).toMatch(/does not follow .*: it continues another history/);
  for (const { why } of damaged) expect(why).toContain(lied.backup);
  expect(found.transactions.at(-1)).toMatchObject({ last: `${version}`, proven: 'signed' });
});

it('epoch endings and a snapshot of another unsigned history do not fit the transactions', async () => {
  const { node, waypoint } = await unsignedChain();
  const { version } = node.facts();
  const storage = new UnsignedStorage([waypoint]);
  const lying = await liar();
  const lied = await storage.endings(lying, 0, 2);
  const state = await storage.snapshot(lying, 2);
  await storage.endings(node, 3, 4);
  await storage.transactions(node, 0, version);
  const found = await storage.verify();
  expect(found.ok).toBe(false);
  expect(found.findings.filter(({ code }) => code === 'DAMAGED')).toMatchObject([
    { object: expect.stringContaining(lied.backup) as string },
    { object: expect.stringContaining(lied.backup) as string },
  ]);
  expect(found.findings.map(({ why }) => why).join()).toMatch(/ends epoch 1 says root/);
  expect(found.transactions).toMatchObject([{ first: '0', proven: 'signed' }]);
  expect(state.proven).toBe('not yet proven');
});

it('a snapshot is damaged if its ledger info is not the stored ending', async () => {
  const { node, waypoint } = await unsignedChain();
  const { version } = node.facts();
  const storage = new UnsignedStorage([waypoint]);
  const lied = await storage.snapshot(await liar(), 2);
  await storage.endings(node, 0, 4);
  await storage.transactions(node, 0, version);
  const found = await storage.verify();
  expect(found.findings).toMatchObject([
    { code: 'DAMAGED', object: expect.stringContaining(lied.backup) as string },
  ]);
});

it('a waypoint above the stored versions does no harm to a chain that is signed from genesis on', async () => {
  const node = await devnode({ seed: 3 });
  const { version } = node.facts();
  const storage = new UnsignedStorage([`9000000:${'ab'.repeat(32)}`]);
  expect(await storage.endings(node, 0, 3)).toMatchObject({ proven: 'signed' });
  expect(await storage.transactions(node, 0, version)).toMatchObject({ proven: 'signed' });
  expect(await storage.verify()).toMatchObject({ ok: true });
});

it('a waypoint at a version where no epoch ends proves nothing, and the finding names the versions where epochs end', async () => {
  const { node, waypoint } = await unsignedChain();
  const { version, epoch_ends: ends } = node.facts();
  const storage = new UnsignedStorage([waypoint]);
  await storage.endings(node, 0, 4);
  await storage.transactions(node, 0, version);
  const slip = `${ends[2]! - 1}:${'a'.repeat(64)}`;
  const told = await storage.verify([waypoint, slip]);
  expect(told.ok).toBe(false);
  expect(told.findings).toEqual([
    {
      object: `trusted waypoint ${slip}`,
      code: 'UNPROVEN',
      why: `no epoch ends at version ${ends[2]! - 1}, so it proves nothing: epoch 1 ends at version ${ends[1]} and epoch 2 at version ${ends[2]}; check --trust-waypoint`,
    },
  ]);
  // The storage may still reach this version.
  const above = `${version + 1_000}:${'a'.repeat(64)}`;
  expect(await storage.verify([waypoint, above])).toMatchObject({ ok: true });
});
