import type { JobSettings, StorageConfig } from './job.js';
import type { TextSpan } from './coordinator.js';
import type { Proven } from './unit.js';

/** Something that is wrong with a stored object. */
export interface Finding {
  /** Handle of the object. */
  object: string;
  /** Stable code: DAMAGED, MISSING, UNPROVEN, METADATA, OVERLAP. */
  code: FindingCode;
  why: string;
}
export type FindingCode = 'DAMAGED' | 'MISSING' | 'UNPROVEN' | 'METADATA' | 'OVERLAP';

/** Whose storage is verified and what is trusted about its chain. */
export interface VerifySettings {
  storage: StorageConfig;
  network?: string;
  trustWaypoints: JobSettings['trustWaypoints'];
}

/** What a verification covers. */
export interface VerifyScope {
  startVersion: string;
  /** Versions above are left out; absent: all. */
  endVersion?: string;
  snapshots: 'newest' | 'every' | 'none';
  snapshotBefore?: string;
  /** Of `of` equal parts the one with number `part` (1 to `of`); or so many percent, by chance. */
  sample?: { part: number; of: number };
  percent?: number;
  /** Also what was proven before and is unchanged. */
  again: boolean;
}

/** Chunks `from` to `to - 1` of one stored backup. */
export interface UnitSlice {
  source: string;
  manifest: string;
  /** What the metadata line says. */
  first: string;
  last: string;
  from: number;
  to: number;
  of: number;
}

export type VerifyTask =
  | { kind: 'epoch_endings' }
  | { kind: 'transactions'; slices: UnitSlice[] }
  | { kind: 'state_snapshot'; slice: UnitSlice };

/** A page of tasks, and where the next begins; no `next`: this was the last. */
export interface VerifyPage {
  tasks: VerifyTask[];
  /** What is stored after the verification began is left to the next one. */
  frozen: Pick<VerifyScope, 'endVersion' | 'snapshotBefore'>;
  next?: VerifyCursor;
}

/** Where a page begins: a unit, by its kind, its first record and its manifest; and the chunk in it. */
export interface VerifyCursor {
  kind: VerifyTask['kind'];
  first: string;
  manifest: string;
  from: number;
}

/** A run of transactions that were checked and lead into each other. */
export interface Piece {
  first: string;
  last: string;
  inFrontier: string;
  outFrontier: string;
  proven: Proven;
  /** The chunk file at which it begins, and the one at which it ends. */
  head: string;
  tail: string;
}

export interface TaskResult {
  findings: Finding[];
  /** All of them; `findings` lists the first. */
  findingCount: number;
  pieces: Piece[];
  snapshot?: {
    epoch: string;
    version: string;
    manifest: string;
    proven: Proven;
    chunks: number;
    of: number;
    /** Proven in these chunks, and items of the whole snapshot. */
    items: string;
    ofItems: string;
  };
  epochs?: {
    runs: (TextSpan & { proven: Proven })[];
    confirmed: boolean;
    genesis?: string;
    /** Version at which the last of them ends. */
    endAt?: string;
  };
  records: string;
  bytes: number;
  objects: number;
  /** Objects that were proven before and are unchanged. */
  skipped: number;
}

/** What a verification found out about a storage. */
export interface Coverage {
  ok: boolean;
  storage: string;
  /** When it was begun, an ISO time: what was stored later is left to the next one. */
  as_of: string;
  /** Everything was in its scope: no range, sample or budget. */
  complete: boolean;
  genesis?: string;
  genesis_confirmed: boolean;
  epoch_endings: ProvenSpan[];
  /** Runs without a gap. Of very many the newest; `_count` is how many there are. */
  transactions: ProvenSpan[];
  transactions_count: number;
  state_snapshots: { epoch: string; version: string; manifest: string; proven: Proven }[];
  state_snapshots_count: number;
  /** The first ones. */
  holes: { epoch_endings: TextSpan[]; transactions: TextSpan[] };
  hole_count: number;
  restorable_by_stock: { yes: boolean; why: string[] };
  findings: Finding[];
  finding_count: number;
  /** Folders and files that nothing refers to. */
  orphans: string[];
  orphan_count: number;
  checked: { records: string; bytes: number; objects: number; proven_before: number };
}

export interface ProvenSpan extends TextSpan {
  proven: Proven;
}
