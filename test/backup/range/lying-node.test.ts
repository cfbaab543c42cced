/** With a node that lies nothing is committed, and the error says what was wrong. */
import { describe, expect, it } from 'vitest';
import type { FaultInput } from '../../../src/devnode/faults.js';
import {
  type Target,
  backUp,
  committedNames,
  devnode,
  storageFolder,
} from '../../support/backup.js';

const TARGETS: Target[] = [
  { type: 'epoch_ending', start_epoch: 0, end_epoch: 4 },
  { type: 'state_snapshot', epoch: 3 },
  { type: 'transaction', start_version: 0, num_transactions: 300 },
];
const STREAM = {
  epoch_ending: 'epoch_ending_ledger_infos',
  state_snapshot: 'state_snapshot_chunk',
  transaction: 'transactions',
} as const;
const FAULTS: FaultInput['kind'][] = ['flip', 'swap', 'short', 'long', 'cut', 'error500', 'lie'];

describe.each(TARGETS)('$type', (target) => {
  it.each(FAULTS)('is refused if the node has the fault %s in its records', async (kind) => {
    const node = await devnode();
    const folder = storageFolder();
    node.fault({ kind, endpoint: STREAM[target.type] });
    const error = await backUp({ node: node.address, folder, target }).then(
      () => undefined,
      (reason: unknown) => reason as Error & { code: string },
    );
    expect(error?.code).toMatch(/^(NODE_|CHAIN_|HISTORY_|BCS_|RECORD_|EPOCH_|LEDGER_)/);
    expect(error?.message).not.toBe('');
    expect(committedNames(folder)).toEqual([]);
  });

  it('is refused if it is of another chain than the signed one, with or without its ledger info', async () => {
    for (const kind of ['lie', 'lie_genuine_ledger_info'] as const) {
      const node = await devnode();
      const folder = storageFolder();
      node.fault({ kind });
      await expect(backUp({ node: node.address, folder, target })).rejects.toThrow();
      expect(committedNames(folder)).toEqual([]);
    }
  });
});

const PROOFS = [
  ['transaction_range_proof', TARGETS[2]!],
  ['state_range_proof', TARGETS[1]!],
  ['state_root_proof', TARGETS[1]!],
  ['state_item_count', TARGETS[1]!],
] as const;

describe.each(PROOFS)('%s', (endpoint, target) => {
  // Another count is a lie by itself. The count of a forged chain may happen to be right.
  const kinds = ['flip', 'short', 'long', ...(endpoint === 'state_item_count' ? [] : ['lie'])];
  it.each(kinds as FaultInput['kind'][])('%s', async (kind) => {
    const node = await devnode();
    const folder = storageFolder();
    node.fault({ kind, endpoint });
    await expect(backUp({ node: node.address, folder, target })).rejects.toThrow();
    expect(committedNames(folder)).toEqual([]);
  });
});

it('a node of another network than the storage holds is refused before anything is written', async () => {
  const folder = storageFolder();
  const target = TARGETS[2]!;
  const ours = await devnode({ seed: 1 });
  await backUp({ node: ours.address, folder, target });
  const other = await devnode({ seed: 2 });
  const elsewhere = { ...target, start_version: 1 };
  const refused = backUp({ node: other.address, folder, target: elsewhere });
  await expect(refused).rejects.toMatchObject({ code: 'CHAIN_MISMATCH' });
  await expect(refused).rejects.toThrow(other.facts().genesis_waypoint);
  await expect(refused).rejects.toThrow(ours.facts().genesis_waypoint);
  expect(committedNames(folder)).toEqual(['transaction_0-299.meta']);
});

it('a trusted waypoint that the node does not have is refused', async () => {
  const node = await devnode();
  const folder = storageFolder();
  const trust = [`0:${'ab'.repeat(32)}`];
  const refused = backUp({ node: node.address, folder, target: TARGETS[2]!, trust });
  await expect(refused).rejects.toThrow(/Waypoints don't match. Found: 0:.*trusted: 0:abab/);
  expect(committedNames(folder)).toEqual([]);
});

it('a backup of the same range from another chain does not count as ours', async () => {
  const folder = storageFolder();
  const target = TARGETS[2]!;
  const ours = await devnode({ seed: 1 });
  await backUp({ node: ours.address, folder, target });
  const other = await devnode({ seed: 2 });
  await expect(backUp({ node: other.address, folder, target })).rejects.toMatchObject({
    code: 'CHAIN_MISMATCH',
  });
});
