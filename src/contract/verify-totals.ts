import { joinPieces } from './pieces.js';
import type { Proven } from './unit.js';
import { type UnusableTotals, addUnusable, noneUnusable } from './unusable.js';
import { type ReadAgain, addReasons, noReasons } from './verify-again.js';
import type { EpochRun, Piece, TaskResult } from './verification.js';
import type { Finding } from './answers/verify-answers.js';

/** Most findings, runs and snapshots that a verification carries along. Their counts go on. */
const MOST_CARRIED = 100;
const MOST_LISTED = 500;

/**
 * What the tasks of a verification have found so far. Its size is bounded, however large the storage is.
 */
export interface VerifyTotals {
  findings: Finding[];
  findingCount: number;
  /** The newest runs; of older ones, only their count. */
  pieces: Piece[];
  unlistedPieces: number;
  snapshots: SnapshotTotals[];
  unlistedSnapshots: number;
  epochs: EpochRun[];
  /** The version at which the last of them ends. */
  epochsEndAt?: string;
  /** The trusted waypoint that the epoch endings have not reached yet. */
  awaits?: string;
  genesis?: string;
  genesisConfirmed: boolean;
  records: string;
  bytes: number;
  objects: number;
  skipped: number;
  unusable: UnusableTotals;
  readAgain: ReadAgain;
  /** The newest epoch in a ledger info over transactions. */
  ledgerEpoch?: string;
  /** The part of `bytes` and `objects` that epoch endings take. They are read each time. */
  endings: { bytes: number; objects: number };
}

export interface SnapshotTotals {
  epoch: string;
  version: string;
  manifest: string;
  proven: Proven;
  /** Number of proven chunks, and of all chunks. */
  chunks: number;
  of: number;
  /** Number of proven items, and of all items. */
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
    unusable: noneUnusable(),
    readAgain: noReasons(),
    endings: { bytes: 0, objects: 0 },
  };
}

/** Adds the result of one task. The order of tasks does not matter. */
export function addTaskResult(totals: VerifyTotals, result: TaskResult): void {
  const joined = joinPieces([...totals.pieces, ...result.pieces]);
  totals.pieces = joined.pieces;
  addFindings(totals, result.findings, result.findingCount);
  // Runs that do not fit are joined again with each task. Report each of them once.
  const told = new Set(totals.findings.map(({ object, why }) => `${object} ${why}`));
  const news = joined.findings.filter(({ object, why }) => !told.has(`${object} ${why}`));
  addFindings(totals, news);
  addReasons(totals.readAgain, result.readAgain);
  addUnusable(totals.unusable, { ...result.unusable });
  addUnusable(totals.unusable, { transactions: joined.unfit });
  if (BigInt(result.ledgerEpoch ?? -1) > BigInt(totals.ledgerEpoch ?? -1)) {
    totals.ledgerEpoch = result.ledgerEpoch!;
  }
  if (result.snapshot) addSnapshot(totals.snapshots, result.snapshot);
  if (result.epochs) {
    totals.epochs = result.epochs.runs;
    totals.endings = { bytes: result.bytes, objects: result.objects };
    totals.genesisConfirmed = result.epochs.confirmed;
    const { genesis, endAt, awaits } = result.epochs;
    if (genesis !== undefined) totals.genesis = genesis;
    if (endAt !== undefined) totals.epochsEndAt = endAt;
    if (awaits !== undefined) totals.awaits = awaits;
  }
  totals.records = `${BigInt(totals.records) + BigInt(result.records)}`;
  totals.bytes += result.bytes;
  totals.objects += result.objects;
  totals.skipped += result.skipped;
}

/**
 * Which budget is spent; undefined: none. Each run reads something besides the epoch endings, so that
 * repeated runs get through a storage.
 */
export function spentOf(
  { bytes, objects, endings }: VerifyTotals,
  seconds: number,
  budget: { bytes: number | undefined; seconds: number | undefined },
): 'bytes' | 'seconds' | undefined {
  if (objects <= endings.objects) return undefined;
  if (bytes - endings.bytes >= (budget.bytes ?? Infinity)) return 'bytes';
  return seconds >= (budget.seconds ?? Infinity) ? 'seconds' : undefined;
}

/**
 * Call it when all tasks of a page are done. Older runs cannot get new neighbours any more, so they are
 * only counted. That bounds the payload, whatever the storage looks like.
 */
export function settlePage(totals: VerifyTotals): void {
  const pieces = totals.pieces.splice(0, totals.pieces.length - MOST_LISTED);
  totals.unlistedPieces += pieces.length;
  addFindings(totals, openPieces(pieces));
  addUnusable(totals.unusable, { transactions: pieces.filter(isOpen) });
  const snapshots = totals.snapshots.splice(0, totals.snapshots.length - MOST_LISTED);
  totals.unlistedSnapshots += snapshots.length;
  addFindings(totals, cutSnapshots(snapshots));
  addUnusable(totals.unusable, { snapshots: snapshots.filter(isCut) });
}

export const isOpen = ({ proven }: Piece) => proven === 'not yet proven';
export const isCut = ({ chunks, of }: SnapshotTotals) => chunks !== of;

/** Findings for history that was read in order and that still nothing proves. */
export function openPieces(pieces: readonly Piece[]): Finding[] {
  const why =
    'it is unsigned history, and no trusted waypoint or signed history above it proves it';
  return pieces.filter(isOpen).map(({ head }) => ({ object: head, code: 'UNPROVEN', why }));
}

export function cutSnapshots(snapshots: readonly SnapshotTotals[]): Finding[] {
  return snapshots.filter(isCut).map(({ manifest, chunks, of }) => ({
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
