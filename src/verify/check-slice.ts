import { createHash } from 'node:crypto';
import { leastProven } from '../trust/proven.js';
import { without } from '../lib/spans.js';
import { type Unusable, spansOf, textsOf } from '../contract/unusable.js';
import type { AgainReason } from '../contract/verify-again.js';
import type { UnitSlice, VerifyTask } from '../contract/verification.js';
import { checkSnapshot } from './check-snapshot.js';
import { checkTransactions } from './check-transactions.js';
import type { Findings } from './findings.js';
import {
  type ProvenSlice,
  folderOf,
  noteLook,
  readLook,
  recordOf,
} from '../repository/proven-record.js';
import { filesState, provenBefore } from './proven-before.js';
import { type SliceManifest, filesOf, readSliceManifest, versionsOf } from './slice-manifest.js';
import type { StoredChain } from './stored-chain.js';
import type { CheckTools } from './stored-records.js';

interface SliceOrder {
  kind: Exclude<VerifyTask['kind'], 'epoch_endings'>;
  slice: UnitSlice;
  chain: StoredChain;
  again: boolean;
  findings: Findings;
}

export interface CheckedSlice {
  named?: SliceManifest;
  /** What was proven; absent when nothing was. */
  result?: ProvenSlice;
  /** The newest epoch that the slice's ledger infos name, even if nothing proves them. */
  ledgerEpoch?: string;
  /** How many files the proof rests on. */
  files: number;
  /** True when the files were not read, because an earlier verification proved them. */
  skipped: boolean;
  /** Why this verification read the files again, or why the next one will. */
  reasons: AgainReason[];
  /** How many items the whole snapshot has; 0 for transactions. */
  items: bigint;
}

/**
 * Checks one slice and records what it proved beside the backup. Does not read the slice when an earlier
 * verification proved it and its files are unchanged.
 */
export async function checkSlice(tools: CheckTools, order: SliceOrder): Promise<CheckedSlice> {
  const { kind, slice, chain, again, findings } = order;
  const { storage } = tools;
  // Where files are known by name alone, a stamp costs as much as reading: nothing is remembered, all is read.
  const remembers = !storage.byNameOnly;
  const unread = remembers && (await filesState(storage, [slice.manifest]));
  const named = await findings.about(slice.manifest, slice.source, () =>
    readSliceManifest(tools, kind, slice),
  );
  if (!named) {
    if (remembers) await noteLook(storage, slice);
    return { files: 1, skipped: false, reasons: [], items: 0n };
  }
  const handles = filesOf(named, slice);
  const checked = { named, files: 1 + handles.length, skipped: false, items: itemsOf(named) };
  if (!unread) {
    tools.onProgress({ bytes: named.bytes, objects: 1 });
    return { ...checked, ...(await check(tools, named, slice, chain, findings)), reasons: [] };
  }
  const trust = `${trustOf(chain)} ${slice.first} ${slice.last}${comparedWith(chain, slice)}`;
  const files = await filesState(storage, handles);
  const look = again ? undefined : await readLook(storage, folderOf(slice), recordOf(slice));
  const { result: known, reason } = provenBefore(look, files, trust);
  if (known) return { ...checked, skipped: true, result: known, reasons: [] };
  const reasons = reason === undefined ? [] : [reason];
  const before = findings.count;
  tools.onProgress({ bytes: named.bytes, objects: 1 });
  const { result, ledgerEpoch } = await check(tools, named, slice, chain, findings);
  const sound = findings.count === before && result && isSettled(kind, result, chain);
  // The proof counts only if nobody wrote to the files while we read them.
  const untouched =
    unread.butInodes === (await filesState(storage, [slice.manifest])).butInodes &&
    files.butInodes === (await filesState(storage, handles)).butInodes;
  // A disk may lose bytes while size and times stay the same. So a bad reading replaces an older proof.
  const proof = sound && untouched ? { files, trust, result } : undefined;
  if (!(await noteLook(storage, slice, proof))) reasons.push('unwritable');
  return {
    ...checked,
    ...(result ? { result } : {}),
    ...(ledgerEpoch === undefined ? {} : { ledgerEpoch }),
    reasons,
  };
}

/** What cannot be used of a slice with findings: the versions that are not proven, or else all of it. */
export function unusableOf(
  kind: SliceOrder['kind'],
  slice: UnitSlice,
  { named, result }: CheckedSlice,
): Partial<Unusable> {
  if (kind === 'state_snapshot') {
    return { snapshots: [{ epoch: slice.first, version: slice.last }] };
  }
  const all = versionsOf(named, slice);
  const left = without(all, spansOf(result?.pieces ?? []));
  return { transactions: textsOf(left.length > 0 ? left : all) };
}

async function check(
  tools: CheckTools,
  named: SliceManifest,
  slice: UnitSlice,
  chain: StoredChain,
  findings: Findings,
): Promise<Pick<CheckedSlice, 'result' | 'ledgerEpoch'>> {
  if (named.kind === 'transactions') {
    const result = await checkTransactions(tools, slice, named.manifest, chain, findings);
    return { result: { ...result, proven: leastProven(result.pieces.map((p) => p.proven)) } };
  }
  const before = findings.count;
  const checked = await checkSnapshot(tools, slice, named.manifest, chain, findings);
  const { proven, records, ended } = checked;
  // The epoch after the one that ended has begun.
  const next = ended === undefined ? {} : { ledgerEpoch: `${ended + 1n}` };
  if (!proven || findings.count > before) return next;
  return { result: { pieces: [], records, proven }, ...next };
}

function itemsOf(named: SliceManifest): bigint {
  if (named.kind === 'transactions') return 0n;
  return (named.manifest.chunks.at(-1)?.lastIdx ?? -1n) + 1n;
}

/**
 * Whether a later verification would give the same result, so that it may skip the slice. Unsigned history stays
 * unsigned when no ending up to the newest is missing: no ending can still arrive that names its signers.
 */
function isSettled(kind: SliceOrder['kind'], { proven }: ProvenSlice, chain: StoredChain): boolean {
  return proven !== 'not yet proven' || (kind === 'transactions' && chain.isUnbroken());
}

/** The unsigned epoch endings of the slice, as text: the check compares their roots with its transactions. */
function comparedWith(chain: StoredChain, { first, last }: UnitSlice): string {
  const ends = chain.unprovenWithin(BigInt(first), BigInt(last));
  return ends.map(({ waypoint }) => ` ${waypoint}`).join('');
}

/** A digest over what a proof rests on besides the files: the trusted waypoints and the stored genesis. */
export function trustOf(chain: StoredChain): string {
  const facts = [chain.ending(0n)?.waypoint ?? '', ...chain.trusted.list()];
  return createHash('sha256').update(facts.join('\n')).digest('hex').slice(0, 16);
}
