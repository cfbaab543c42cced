/** Runs of transactions that follow each other are joined. */
import { describe, expect, it } from 'vitest';
import { joinPieces } from '../../src/contract/pieces.js';
import { progressOf, readProgress } from '../../src/contract/verify-progress.js';
import { addTaskResult, noVerifyTotals, settlePage } from '../../src/contract/verify-totals.js';
import type { Piece, TaskResult } from '../../src/contract/verification.js';
import type { Proven } from '../../src/contract/unit.js';

const OPEN: Proven = 'not yet proven';

/** Transactions from `first` to `last` of chain `a` or another. Only the letter tells chains apart. */
function piece(first: number, last: number, proven: Proven = 'signed', chain = 'a'): Piece {
  return {
    first: `${first}`,
    last: `${last}`,
    inFrontier: `${chain}${first}`,
    outFrontier: `${chain}${last + 1}`,
    proven,
    head: `chunk ${first}`,
    tail: `chunk ${first}`,
  };
}

const brief = (pieces: Piece[]) => pieces.map((p) => `${p.first}-${p.last} ${p.proven}`);

it('runs that follow each other become one run', () => {
  const { pieces, findings } = joinPieces([piece(10, 19), piece(0, 9), piece(20, 29)]);
  expect(brief(pieces)).toEqual(['0-29 signed']);
  expect(findings).toEqual([]);
});

it('runs with a gap between them stay apart', () => {
  expect(brief(joinPieces([piece(0, 9), piece(11, 19)]).pieces)).toEqual([
    '0-9 signed',
    '11-19 signed',
  ]);
});

describe('unsigned runs', () => {
  it('are proven by a signed run after them', () => {
    const { pieces } = joinPieces([piece(0, 9, OPEN), piece(10, 19, OPEN), piece(20, 29)]);
    expect(brief(pieces)).toEqual(['0-29 signed']);
  });

  it('are not proven by a signed run before them', () => {
    const { pieces } = joinPieces([piece(0, 9), piece(10, 19, OPEN)]);
    expect(brief(pieces)).toEqual(['0-9 signed', `10-19 ${OPEN}`]);
  });

  it('before a gap are not proven', () => {
    const { pieces } = joinPieces([piece(0, 8, OPEN), piece(10, 19)]);
    expect(brief(pieces)).toEqual([`0-8 ${OPEN}`, '10-19 signed']);
  });
});

it('runs of another history become findings, and prove nothing', () => {
  const { pieces, findings } = joinPieces([piece(0, 9, OPEN), piece(10, 19, 'signed', 'b')]);
  expect(brief(pieces)).toEqual([`0-9 ${OPEN}`, '10-19 signed']);
  expect(findings).toEqual([expect.objectContaining({ object: 'chunk 10', code: 'DAMAGED' })]);
});

it('runs give the same result in whatever order and groups they are joined', () => {
  const all = [
    ...[piece(0, 4, OPEN), piece(5, 9), piece(10, 14, OPEN), piece(15, 19, OPEN)],
    ...[piece(20, 24), piece(30, 34, OPEN), piece(35, 39, OPEN)],
  ];
  const expected = brief(joinPieces(all).pieces);
  for (let round = 0; round < 200; round += 1) {
    const shuffled = all
      .map((p) => ({ p, key: Math.sin(round * 31 + Number(p.first) * 7) }))
      .sort((a, b) => a.key - b.key)
      .map(({ p }) => p);
    let pieces: Piece[] = [];
    while (shuffled.length > 0) {
      pieces = joinPieces([...pieces, ...shuffled.splice(0, 1 + (round % 3))]).pieces;
    }
    expect(brief(pieces)).toEqual(expected);
  }
});

describe('the totals of a verification', () => {
  const found = (pieces: Piece[], snapshot?: TaskResult['snapshot']): TaskResult => ({
    findings: [],
    findingCount: 0,
    pieces,
    ...(snapshot ? { snapshot } : {}),
    records: '1',
    bytes: 1,
    objects: 1,
    skipped: 0,
  });

  it('are bounded, however many gaps there are, and no count is lost', () => {
    const totals = noVerifyTotals();
    for (let page = 0; page < 50; page += 1) {
      for (let i = 0; i < 60; i += 1) {
        const n = page * 60 + i;
        const snapshot = { epoch: `${n}`, version: `${n}`, manifest: `m${n}`, of: 2 };
        const chunks = n === 7 ? 1 : 2;
        const items = { items: `${chunks}`, ofItems: '2' };
        const part = { ...snapshot, ...items, proven: 'signed' as const, chunks };
        addTaskResult(totals, found([piece(n * 10, n * 10 + 5, n === 9 ? OPEN : 'signed')], part));
      }
      settlePage(totals);
      expect(JSON.stringify(totals).length).toBeLessThan(500_000);
    }
    expect(totals.pieces.length + totals.unlistedPieces).toBe(3_000);
    expect(totals.snapshots.length + totals.unlistedSnapshots).toBe(3_000);
    expect(totals.findings.map(({ object }) => object)).toEqual(['chunk 90', 'm7']);
  });

  it('add up the items of a snapshot and show the progress', () => {
    const totals = noVerifyTotals();
    expect(progressOf(totals)).toEqual({});
    const items = `${2n ** 60n}`;
    const snapshot = { epoch: '7', version: '9', manifest: 'm', proven: 'signed', of: 2 } as const;
    const part = { ...snapshot, chunks: 1, items, ofItems: `${2n ** 61n}` };
    addTaskResult(totals, found([piece(0, 5)], part));
    addTaskResult(totals, found([], part));
    const progress = { version: '5', snapshot_version: '9' };
    expect(progressOf(totals)).toEqual({
      ...progress,
      items: part.ofItems,
      of_items: part.ofItems,
    });
    expect(readProgress({ ...progress, items: 'many', epoch: 7, other: '1' })).toEqual(progress);
    expect(readProgress('7')).toEqual({});
  });

  it('join runs across pages', () => {
    const totals = noVerifyTotals();
    for (let n = 0; n < 2_000; n += 1) {
      addTaskResult(totals, found([piece(n * 10, n * 10 + 9)]));
      settlePage(totals);
    }
    expect(brief(totals.pieces)).toEqual(['0-19999 signed']);
    expect(totals.unlistedPieces).toBe(0);
  });
});
