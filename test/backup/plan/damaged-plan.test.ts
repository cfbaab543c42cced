/**
 * A folder's plan says how its unit is cut into ranges. A damaged plan must not make a backup shorter.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Unit } from '../../../src/contract/unit.js';
import {
  type Target,
  backUp,
  committedNames,
  contentOf,
  devnode,
  fetchBytes,
  storageFolder,
} from '../../support/backup.js';

const TARGETS: Target[] = [
  { type: 'epoch_ending', start_epoch: 0, end_epoch: 4 },
  { type: 'state_snapshot', epoch: 3 },
  { type: 'transaction', start_version: 0, num_transactions: 300 },
];

type Cut = Pick<Unit, 'rangeSize' | 'rangeCount'>;
const DAMAGES: [string, (cut: Cut) => Partial<Cut>][] = [
  ['one range too few', ({ rangeCount }) => ({ rangeCount: rangeCount - 1 })],
  ['one range too many', ({ rangeCount }) => ({ rangeCount: rangeCount + 1 })],
  ['no ranges', () => ({ rangeCount: 0 })],
  ['shorter ranges', ({ rangeSize }) => ({ rangeSize: rangeSize >> 1 })],
];

describe.each(TARGETS)('$type', (target) => {
  // Small enough that even a few epoch endings are several ranges.
  const maxChunkSize = target.type === 'epoch_ending' ? 1000 : 20_000;

  it.each(DAMAGES)('begins in another folder if its plan has %s', async (_, damage) => {
    const node = await devnode();
    const setup = { node: node.address, folder: storageFolder(), target, maxChunkSize };
    const { folder } = setup;
    let began = '';
    const dies = (unit: Unit) => {
      expect(unit.rangeCount).toBeGreaterThan(1);
      began = unit.folder;
      throw new Error('died before the commit');
    };
    await expect(backUp({ ...setup, beforeCommit: dies })).rejects.toThrow('died');
    const file = join(folder, began, 'plan.json');
    const plan = JSON.parse(readFileSync(file, 'utf8')) as Cut;
    writeFileSync(file, `${JSON.stringify({ ...plan, ...damage(plan) })}\n`);

    const result = await backUp(setup);
    expect(result.backup).not.toBe(began);
    const version = 'version' in result ? result.version : undefined;
    const path = {
      epoch_ending: 'epoch_ending_ledger_infos/0/4',
      state_snapshot: `state_snapshot_chunk/${version}/0/${result.records}`,
      transaction: 'transactions/0/300',
    }[target.type];
    expect(contentOf(folder, result).payload).toEqual(await fetchBytes(`${node.address}/${path}`));
  });

  it('is not committed if its ranges do not cover it', async () => {
    const node = await devnode();
    const folder = storageFolder();
    const setup = { node: node.address, folder, target, maxChunkSize };
    const beforeCommit = (unit: Unit) => {
      unit.rangeCount -= 1;
    };
    await expect(backUp({ ...setup, beforeCommit })).rejects.toMatchObject({
      code: 'STORED_DAMAGED',
      message: expect.stringMatching(/hold records 0 to \d+, its plan says records 0 to/) as string,
      retryable: false,
    });
    expect(committedNames(folder)).toEqual([]);
    const [unit] = readdirSync(folder).filter((name) => /^(epoch_ending|state|trans)/.test(name));
    expect(readdirSync(join(folder, unit!)).filter((n) => n.endsWith('.manifest'))).toEqual([]);
  });
});

it('a unit that is shorter than the requested range is not committed', async () => {
  const node = await devnode();
  const folder = storageFolder();
  const beforeCommit = (unit: Unit) => {
    unit.rangeCount -= 1;
    unit.records = `${unit.rangeSize * unit.rangeCount}`;
  };
  await expect(
    backUp({ node: node.address, folder, target: TARGETS[2]!, beforeCommit }),
  ).rejects.toMatchObject({ code: 'STORED_DAMAGED' });
  expect(committedNames(folder)).toEqual([]);
});
