import { joinPieces } from './pieces.js';
import type { Proven } from './unit.js';
import type { Finding, Piece, ProvenSpan, TaskResult } from './verify.js';

/** Findings, and runs and snapshots, that a verification carries along; their counts go on. */
const MOST_CARRIED = 100;
const MOST_LISTED = 500;

/** What the tasks of a verification have found so far; small however large the storage is. */
export interface VerifyTotals {
  findings: Finding[];
  findingCount: number;
  /** The newest; of those before, only how many there are. */
  pieces: Piece[];
  unlistedPieces: number;
  snapshots: SnapshotTotals[];
  unlistedSnapshots: number;
  epochs: ProvenSpan[];
  /** Version at which the last of them ends. */
  epochsEndAt?: string;
  genesis?: string;
  genesisConfirmed: boolean;
  records: string;
  bytes: number;
  objects: number;
  skipped: number;
  /** Of `bytes` and `objects`, what was epoch endings: they are read each time. */
  endings: { bytes: number; objects: number };
}

export interface SnapshotTotals {
  epoch: string;
  version: string;
  manifest: string;
  proven: Proven;
  /** Chunks that are proven, of so many. */
  chunks: number;
  of: number;
  /** The same in items. */
  items: string;
  ofItems: string;
}

export function noVerifyTotals(): VerifyTotals {
  return {
    findings: [],
    findingCount: 0,
    pieces: [],
    unlistedPieces: 0,
    snapshots: [],
    unlistedSnapshots: 0,
    epochs: [],
    genesisConfirmed: false,
    records: '0',
    bytes: 0,
    objects: 0,
    skipped: 0,
    endings: { bytes: 0, objects: 0 },
  };
}

/** Adds what one task found. The order of tasks does not matter. */
export function addTaskResult(totals: VerifyTotals, result: TaskResult): void {
  const joined = joinPieces([...totals.pieces, ...result.pieces]);
  totals.pieces = joined.pieces;
  addFindings(totals, result.findings, result.findingCount);
  addFindings(totals, joined.findings);
  if (result.snapshot) addSnapshot(totals.snapshots, result.snapshot);
  if (result.epochs) {
    totals.epochs = result.epochs.runs;
    totals.endings = { bytes: result.bytes, objects: result.objects };
    totals.genesisConfirmed = result.epochs.confirmed;
    const { genesis, endAt } = result.epochs;
    if (genesis !== undefined) totals.genesis = genesis;
    if (endAt !== undefined) totals.epochsEndAt = endAt;
  }
  totals.records = `${BigInt(totals.records) + BigInt(result.records)}`;
  totals.bytes += result.bytes;
  totals.objects += result.objects;
  totals.skipped += result.skipped;
}

/**
 * Whether a budget is spent. Something is read in any case, besides the epoch endings, so that one run
 * after the other gets through a storage.
 */
export function isSpent(
  { bytes, objects, endings }: VerifyTotals,
  seconds: number,
  budget: { bytes?: number; seconds?: number },
): boolean {
  if (objects <= endings.objects) return false;
  return (
    bytes - endings.bytes >= (budget.bytes ?? Infinity) || seconds >= (budget.seconds ?? Infinity)
  );
}

/**
 * To be called when all tasks of a page are done: what lies far enough behind has no neighbour to
 * come any more and is only counted, so that a payload is bounded whatever the storage looks like.
 */
export function settlePage(totals: VerifyTotals): void {
  const pieces = totals.pieces.splice(0, totals.pieces.length - MOST_LISTED);
  totals.unlistedPieces += pieces.length;
  addFindings(totals, openPieces(pieces));
  const snapshots = totals.snapshots.splice(0, totals.snapshots.length - MOST_LISTED);
  totals.unlistedSnapshots += snapshots.length;
  addFindings(totals, cutSnapshots(snapshots));
}

/** History that was read in order and still nothing proves. */
export function openPieces(pieces: readonly Piece[]): Finding[] {
  const why =
    'it is unsigned history, and no trusted waypoint or signed history above it proves it';
  return pieces
    .filter(({ proven }) => proven === 'not yet proven')
    .map(({ head }) => ({ object: head, code: 'UNPROVEN', why }));
}

export function cutSnapshots(snapshots: readonly SnapshotTotals[]): Finding[] {
  return snapshots
    .filter(({ chunks, of }) => chunks !== of)
    .map(({ manifest, chunks, of }) => ({
      object: manifest,
      code: 'UNPROVEN',
      why: `only ${chunks} of its ${of} chunks are proven`,
    }));
}

function addFindings(totals: VerifyTotals, more: readonly Finding[], count = more.length): void {
  totals.findings.push(...more.slice(0, Math.max(0, MOST_CARRIED - totals.findings.length)));
  totals.findingCount += count;
}

function addSnapshot(snapshots: SnapshotTotals[], more: SnapshotTotals): void {
  const known = snapshots.find(({ manifest }) => manifest === more.manifest);
  if (!known) {
    snapshots.push({ ...more });
    return;
  }
  known.chunks += more.chunks;
  known.items = `${BigInt(known.items) + BigInt(more.items)}`;
}
