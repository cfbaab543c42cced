import { joinPieces } from './pieces.js';
import type { Proven } from './unit.js';
import type { Finding, Piece, ProvenSpan, TaskResult } from './verify.js';

/** Findings that a running verification carries along; the count goes on. */
const MOST_CARRIED = 100;

/** What the tasks of a verification have found so far; small however large the storage is. */
export interface VerifyTotals {
  findings: Finding[];
  findingCount: number;
  pieces: Piece[];
  snapshots: SnapshotTotals[];
  epochs: ProvenSpan[];
  genesis?: string;
  genesisConfirmed: boolean;
  records: string;
  bytes: number;
  objects: number;
  skipped: number;
}

interface SnapshotTotals {
  epoch: string;
  version: string;
  manifest: string;
  proven: Proven;
  /** Chunks that are proven, of so many. */
  chunks: number;
  of: number;
}

export function noVerifyTotals(): VerifyTotals {
  return {
    findings: [],
    findingCount: 0,
    pieces: [],
    snapshots: [],
    epochs: [],
    genesisConfirmed: false,
    records: '0',
    bytes: 0,
    objects: 0,
    skipped: 0,
  };
}

/** Adds what one task found. The order of tasks does not matter. */
export function addTaskResult(totals: VerifyTotals, result: TaskResult): void {
  const joined = joinPieces([...totals.pieces, ...result.pieces]);
  totals.pieces = joined.pieces;
  const findings = [...result.findings, ...joined.findings];
  totals.findings.push(...findings.slice(0, Math.max(0, MOST_CARRIED - totals.findings.length)));
  totals.findingCount += result.findingCount + joined.findings.length;
  if (result.snapshot) addSnapshot(totals.snapshots, result.snapshot);
  if (result.epochs) {
    totals.epochs = result.epochs.runs;
    totals.genesisConfirmed = result.epochs.confirmed;
    if (result.epochs.genesis !== undefined) totals.genesis = result.epochs.genesis;
  }
  totals.records = `${BigInt(totals.records) + BigInt(result.records)}`;
  totals.bytes += result.bytes;
  totals.objects += result.objects;
  totals.skipped += result.skipped;
}

function addSnapshot(snapshots: SnapshotTotals[], more: SnapshotTotals): void {
  const known = snapshots.find(({ manifest }) => manifest === more.manifest);
  if (known) known.chunks += more.chunks;
  else snapshots.push({ ...more });
}
