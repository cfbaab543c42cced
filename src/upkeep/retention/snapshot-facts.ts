import {
  AptosDataError,
  MAX_MANIFEST_BYTES,
  STATE_ROOT_PROOF,
  decodeStateRootProof,
  decodeStateSnapshotManifest,
} from '../../aptos/index.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import type { StateSnapshotEntry } from '../../repository/catalog.js';
import { folderOfManifest } from '../../repository/retired.js';
import { isStored, readOwn } from '../../repository/stored-file.js';
import type { BackupStorage } from '../../storage/storage.js';
import { lookAtUnit } from '../../repository/unit-fault.js';
import type { SnapshotFacts } from './rules.js';

const IN_FLIGHT = 16;
const MAX_PROOF_BYTES = 16 * 1024 * 1024;
/** The last time that a date can hold. */
const LATEST_MS = 8_640_000_000_000_000;

/** What is known of a snapshot without reading its chunks. */
export interface Snapshot extends SnapshotFacts {
  entry: StateSnapshotEntry;
  /** A file is missing or has another size than its manifest says, or the last verification found something wrong. */
  damaged: boolean;
  /** A verification has read it whole and found it in order. */
  verified: boolean;
}

/**
 * Looks at each snapshot: its manifest, the sizes of its files, the records of verifications beside it and, when
 * `timed`, the ledger info in its `state.proof`. That is two small files for each snapshot, and the chain's own time:
 * neither the clock of a host nor a copy of the storage changes it.
 */
export async function snapshotFacts(
  storage: BackupStorage,
  entries: readonly StateSnapshotEntry[],
  { timed, report }: { timed: boolean; report: (phase: string) => void },
): Promise<Snapshot[]> {
  const found: Snapshot[] = [];
  await forEachAtOnce(IN_FLIGHT, entries, async (entry, index) => {
    const { epoch, version, manifest } = entry;
    const folder = folderOfManifest(manifest);
    report(`look at ${folder}`);
    const { damaged, readAt } = await lookAt(storage, manifest);
    const at = timed ? await timeOf(storage, folder) : undefined;
    found[index] = {
      ...{ entry, epoch, version, manifest, folder },
      damaged,
      verified: readAt !== undefined,
      ...(at === undefined ? {} : { at }),
    };
  });
  return found;
}

/** An adapter would fetch each file to look at it, so there the manifest alone is asked for. */
async function lookAt(storage: BackupStorage, manifest: string) {
  if (storage.byNameOnly) return { damaged: !(await isStored(storage, manifest)) };
  const { fault, readAt } = await lookAtUnit(storage, 'state_snapshot', manifest);
  return { damaged: fault !== undefined, readAt };
}

/** Unix milliseconds; undefined when the proof is missing or cannot be read, or says what is no time. */
async function timeOf(storage: BackupStorage, folder: string): Promise<number | undefined> {
  const bytes = await readOwn(storage, `${folder}/${STATE_ROOT_PROOF}`, MAX_PROOF_BYTES);
  if (!bytes) return undefined;
  try {
    const { ledgerInfo } = decodeStateRootProof(bytes).ledgerInfo;
    const at = Number(ledgerInfo.timestampUsecs / 1000n);
    return at <= LATEST_MS ? at : undefined;
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

/**
 * The newest snapshot that is proven: a verification has read it, or we proved every chunk before we committed it, as
 * its manifest says. Undefined when there is none.
 */
export async function newestProven(
  storage: BackupStorage,
  snapshots: readonly Snapshot[],
): Promise<Snapshot | undefined> {
  const newestFirst = [...snapshots].sort((a, b) => (a.version > b.version ? -1 : 1));
  for (const one of newestFirst) {
    if (one.damaged) continue;
    if (one.verified || (await wasProven(storage, one.manifest))) return one;
  }
  return undefined;
}

async function wasProven(storage: BackupStorage, manifest: string): Promise<boolean> {
  const bytes = await readOwn(storage, manifest, MAX_MANIFEST_BYTES);
  if (!bytes) return false;
  try {
    const said = decodeStateSnapshotManifest(bytes).extra?.['proven'];
    return typeof said === 'string' && /^(signed|chained to )/.test(said);
  } catch (error) {
    if (error instanceof AptosDataError) return false;
    throw error;
  }
}
