/** Which lines go together, and what stays as it is. Nothing is read or written here. */
import { describe, expect, it } from 'vitest';
import { parseMetadataLine } from '../../../src/aptos/index.js';
import { type Group, groupLines } from '../../../src/upkeep/compaction/groups.js';
import type { MetadataSet, ReadFile } from '../../../src/upkeep/compaction/metadata-set.js';
import { rawLineOf } from '../../../src/upkeep/compaction/raw-lines.js';
import { findReplaced, judge } from '../../../src/upkeep/compaction/replaced.js';

const batch = (first: number, last: number, folder = `transaction_${first}-.00aa`) =>
  `{"TransactionBackup":{"first_version":${first},"last_version":${last},"manifest":"${folder}/transaction.manifest"}}`;
const snapshot = (epoch: number, folder = `state_epoch_${epoch}`) =>
  `{"StateSnapshotBackup":{"epoch":${epoch},"version":${epoch * 100},"manifest":"${folder}/state.manifest"}}`;

/** Metadata files with these lines, by name. */
function metadata(files: Record<string, string[]>): MetadataSet {
  return new Map(
    Object.entries(files).map(([name, lines]): [string, ReadFile] => {
      const handle = `metadata/${name}.meta`;
      const parsed = lines.map((raw) => ({ raw, line: parseMetadataLine(raw) }));
      return [
        handle,
        {
          handle,
          sha256: '',
          lines: parsed.flatMap(({ raw, line }) => rawLineOf(line, raw, handle) ?? []),
          stamps: parsed.flatMap(({ line }) =>
            line.type === 'CompactionTimestamps'
              ? [{ at: line.fileCompactedAt, stamps: line.compactionTimestamps, source: handle }]
              : [],
          ),
          hasIdentity: false,
        },
      ];
    }),
  );
}
const batches = (count: number, size = 10) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => {
      const [first, last] = [i * size, i * size + size - 1];
      return [`transaction_${first}-${last}`, [batch(first, last)]];
    }),
  );
const shown = (groups: readonly Group[]) =>
  groups.map(({ handle, lines, isThere }) => {
    const name = handle.replace(/^metadata\/(.*)\.meta$/, '$1');
    return `${name}: ${lines.map(({ first }) => first).join(' ')}${isThere ? ' there' : ''}`;
  });

describe('groups of transactions', () => {
  it('are cut from the first one on, and a hole ends one', () => {
    const files = {
      ...batches(5),
      transaction_70: [batch(70, 79)],
      transaction_80: [batch(80, 89)],
    };
    const { groups, leftAlone } = groupLines(metadata(files), 'transaction', 2);
    expect(shown(groups)).toEqual([
      'transaction_compacted_0-19: 0 10',
      'transaction_compacted_20-39: 20 30',
      'transaction_compacted_40-49: 40',
      'transaction_compacted_70-89: 70 80',
    ]);
    expect(leftAlone).toEqual([]);
  });

  it('stay as they are once they are full, also when a hole before them is filled or one line is there twice', () => {
    const full = {
      'transaction_compacted_20-39': [batch(20, 29), batch(30, 39)],
      'transaction_compacted_40-59': [batch(40, 49), batch(50, 59)],
    };
    const filled = metadata({ ...full, first: [batch(0, 9)], next: [batch(60, 69)] });
    const expected = [
      'transaction_compacted_20-39: 20 30 there',
      'transaction_compacted_40-59: 40 50 there',
      'transaction_compacted_0-9: 0',
      'transaction_compacted_60-69: 60',
    ];
    expect(shown(groupLines(filled, 'transaction', 2).groups)).toEqual(expected);

    const twice = new Map([...filled, ...metadata({ twin: [batch(30, 39, 'twin')] })]);
    const { groups, leftAlone } = groupLines(twice, 'transaction', 2);
    expect(shown(groups)).toEqual(expected);
    expect(leftAlone).toEqual([
      {
        object: expect.stringMatching(/twin|compacted_20/) as string,
        why: expect.stringMatching(/transactions 30 to 39, and .* has 30 to 39/) as string,
      },
    ]);
  });

  it('grow with the factor, and a larger group than asked for stays', () => {
    const pairs = { a: [batch(0, 9), batch(10, 19)], b: [batch(20, 29), batch(30, 39)] };
    const files = metadata({
      'transaction_compacted_0-19': pairs.a,
      'transaction_compacted_20-39': pairs.b,
    });
    expect(shown(groupLines(files, 'transaction', 4).groups)).toEqual([
      'transaction_compacted_0-39: 0 10 20 30',
    ]);
    expect(shown(groupLines(files, 'transaction', 1).groups)).toEqual([
      'transaction_compacted_0-19: 0 10 there',
      'transaction_compacted_20-39: 20 30 there',
    ]);
  });

  it('leave out what overlaps, and name both sides of it; all else goes on', () => {
    const files = metadata({
      ...batches(4),
      large: [batch(10, 29, 'large')],
      far: [batch(40, 49)],
    });
    const { groups, leftAlone } = groupLines(files, 'transaction', 2);
    expect(shown(groups)).toEqual([
      'transaction_compacted_0-9: 0',
      'transaction_compacted_30-49: 30 40',
    ]);
    expect(leftAlone.map(({ why }) => why)).toEqual([
      expect.stringMatching(/10 to 29, and metadata\/transaction_10-19.meta has 10 to 19/),
      expect.stringMatching(/20 to 29, and metadata\/large.meta has 10 to 29/),
    ]);
    // What is in nobody's group is never moved.
    const { replaced } = findReplaced(files, groups);
    expect(replaced.map(({ file }) => file.handle)).toEqual([
      'metadata/transaction_0-9.meta',
      'metadata/transaction_30-39.meta',
      'metadata/far.meta',
    ]);
  });
});

describe('a group whose name has other content', () => {
  it('gets another name by a group of its own for its last line', () => {
    const files = metadata({
      a: [snapshot(3)],
      b: [snapshot(4)],
      c: [snapshot(5)],
      state_snapshot_compacted_epoch_3_5: [snapshot(3), snapshot(5)],
    });
    expect(shown(groupLines(files, 'state_snapshot', 100).groups)).toEqual([
      'state_snapshot_compacted_epoch_3_4: 3 4',
      'state_snapshot_compacted_epoch_5_5: 5',
    ]);
  });

  it('or had it once, gets another name as well, unless a file has exactly its lines already', () => {
    const used = new Set(['metadata/state_snapshot_compacted_epoch_3_5.meta']);
    const three = metadata({ a: [snapshot(3)], b: [snapshot(4)], c: [snapshot(5)] });
    expect(shown(groupLines(three, 'state_snapshot', 100, used).groups)).toEqual([
      'state_snapshot_compacted_epoch_3_4: 3 4',
      'state_snapshot_compacted_epoch_5_5: 5',
    ]);
    const name = 'state_snapshot_compacted_epoch_3_5.0123456789abcdef';
    const two = metadata({ [name]: [snapshot(3), snapshot(5)], a: [snapshot(3)] });
    expect(shown(groupLines(two, 'state_snapshot', 100, used).groups)).toEqual([
      `${name}: 3 5 there`,
    ]);
  });

  it('leaves a single line where it is, and says so', () => {
    const files = metadata({ a: [snapshot(4, 'one')], b: [snapshot(4, 'two')] });
    const { groups, leftAlone } = groupLines(files, 'state_snapshot', 1);
    expect(shown(groups)).toEqual(['state_snapshot_compacted_epoch_4_4: 4']);
    expect(leftAlone).toEqual([
      { object: 'metadata/b.meta', why: expect.stringContaining('has other content') as string },
    ]);
    expect(findReplaced(files, groups).replaced.map(({ file }) => file.handle)).toEqual([
      'metadata/a.meta',
    ]);
  });
});

describe('what a line says beyond the fields of the stock tool', () => {
  const more = batch(0, 9).replace('}}', ',"note":"ours"}}');

  it('is kept: the fullest of equal lines goes into the group', () => {
    const files = metadata({ a: [more], b: [batch(0, 9)], c: [batch(10, 19)] });
    const { groups } = groupLines(files, 'transaction', 2);
    expect(groups[0]!.lines.map(({ raw }) => raw)).toEqual([more, batch(10, 19)]);
    expect(findReplaced(files, groups)).toMatchObject({ leftAlone: [], replaced: { length: 3 } });
  });

  it('keeps a file where it is, if a group of the stock tool has dropped it', () => {
    const group = { 'transaction_compacted_0-19': [batch(0, 9), batch(10, 19)] };
    const files = metadata({ a: [more], c: [batch(10, 19)], ...group });
    const { groups } = groupLines(files, 'transaction', 2);
    expect(shown(groups)).toEqual(['transaction_compacted_0-19: 0 10 there']);
    expect(findReplaced(files, groups)).toMatchObject({
      leftAlone: [{ object: 'metadata/a.meta' }],
      replaced: [{ file: { handle: 'metadata/c.meta' } }],
    });
  });
});

describe('stamps', () => {
  const stamps = (at: number, by: Record<string, number>) =>
    JSON.stringify({
      CompactionTimestamps: {
        file_compacted_at: at,
        compaction_timestamps: Object.fromEntries(
          Object.entries(by).map(([name, since]) => [`metadata/${name}.meta`, since]),
        ),
      },
    });
  const judged = (files: MetadataSet, now: number, removeAfter = 10) => {
    const { groups } = groupLines(files, 'transaction', 2);
    const { replaced } = findReplaced(files, groups);
    const times = { now: BigInt(now), removeAfter: BigInt(removeAfter) };
    const found = judge(files, replaced, times);
    return {
      ...found,
      expired: found.expired.map(({ file }) => file.handle.slice(9, -5)),
      stamps: found.stamps && {
        name: found.stamps.name,
        line: JSON.parse(Buffer.from(found.stamps.content).toString()) as unknown,
      },
    };
  };

  it('begin now, and count from the run that set them', () => {
    const files = batches(2);
    const first = judged(metadata(files), 100);
    expect(first).toMatchObject({ expired: [], stamped: 2 });
    expect(first.stamps?.name).toBe('compaction_timestamps_100.meta');
    const written = { ...files, stamps: [JSON.stringify(first.stamps?.line)] };
    expect(judged(metadata(written), 110)).toMatchObject({ expired: [], stamped: 0 });
    expect(judged(metadata(written), 110).stamps).toBeUndefined();
    // They are forgotten before the files are moved: a compactor of the stock tool would never get over them.
    expect(judged(metadata(written), 111)).toMatchObject({
      expired: ['transaction_0-9', 'transaction_10-19'],
      stamps: {
        name: 'compaction_timestamps_111.meta',
        line: { CompactionTimestamps: { compaction_timestamps: {} } },
      },
    });
  });

  it('are found again by the run after one that died while it moved files', () => {
    const files = metadata({
      'transaction_10-19': [batch(10, 19)],
      'transaction_compacted_0-19': [batch(0, 9), batch(10, 19)],
      old: [stamps(100, { 'transaction_0-9': 100, 'transaction_10-19': 100 })],
      new: [stamps(111, {})],
    });
    expect(judged(files, 112)).toMatchObject({ expired: ['transaction_10-19'], stamped: 0 });
    // The old file of stamps counts as replaced since the new one, and no newer one is needed for that.
    expect(judged(files, 122)).toMatchObject({ expired: ['transaction_10-19', 'old'] });
    expect(judged(files, 122).stamps).toBeUndefined();
  });

  it('of a clock that is ahead count as now, and the next ones still come after them', () => {
    const files = metadata({ ...batches(2), ahead: [stamps(900, { 'transaction_0-9': 900 })] });
    expect(judged(files, 100)).toMatchObject({
      expired: [],
      stamps: {
        name: 'compaction_timestamps_901.meta',
        line: {
          CompactionTimestamps: {
            file_compacted_at: 901,
            compaction_timestamps: { 'metadata/transaction_0-9.meta': 100 },
          },
        },
      },
    });
  });
});
