import {
  decodeEpochEndingManifest,
  decodeLedgerInfoWithSignatures,
  MAX_MANIFEST_BYTES,
  parseWaypoint,
  readRecords,
} from '../../aptos/index.js';
import type { CopyFrozen, CopyScope } from '../../contract/copying.js';
import type { BackupType } from '../../contract/job.js';
import { InputError } from '../../contract/schema.js';
import { type Span, meet, spanOf } from '../../lib/spans.js';
import { MAX_U64 } from '../../lib/u64.js';
import {
  type BackupEntry,
  type Catalog,
  type EpochEndingEntry,
  entriesOf,
} from '../../repository/catalog.js';
import type { BackupStorage } from '../../storage/storage.js';
import { skippedFor } from './copy-unit.js';

/** Works out once what a copy is to cover. Reads epoch endings if the scope names epochs or a time. */
export async function freezeScope(
  from: BackupStorage,
  catalog: Catalog,
  scope: CopyScope,
  genesis: string | undefined,
): Promise<CopyFrozen> {
  const { epochEndings, transactions, snapshots } = catalog;
  let wanted: Span | undefined = { first: 0n, last: MAX_U64 };
  for (const limit of await limitsOf(from, epochEndings, scope)) wanted = both(wanted, limit);
  const newest = transactions.reduce((max, t) => (t.lastVersion > max ? t.lastVersion : max), 0n);
  let versions = transactions.length === 0 ? undefined : both(wanted, { first: 0n, last: newest });
  const kept = snapshots.filter(({ version }) => wanted && inside(version, wanted));
  let states = spanAround(kept.map(({ version }) => version));
  if (scope.newestSnapshot && states) {
    states = { first: states.last, last: states.last };
    versions = both(versions, { first: states.first, last: MAX_U64 });
  }
  const lastEpoch = spanAround(epochEndings.map((entry) => entry.lastEpoch))?.last;
  return {
    ...(genesis === undefined ? {} : { genesis }),
    ...(lastEpoch === undefined ? {} : { lastEpoch: `${lastEpoch}` }),
    ...(versions ? { transactions: textOf(versions) } : {}),
    ...(states ? { states: textOf(states) } : {}),
  };
}

/**
 * The backups of a kind that a copy covers, in order. It always covers all epoch endings: they are small, and a chunk
 * may be proven by a ledger info of a much later epoch.
 */
export function wantedOf(
  catalog: Catalog,
  type: BackupType,
  { lastEpoch, transactions, states }: CopyFrozen,
): readonly BackupEntry[] {
  return entriesOf(catalog, type).filter((entry) => {
    switch (entry.type) {
      case 'EpochEndingBackup':
        return lastEpoch !== undefined && entry.lastEpoch <= BigInt(lastEpoch);
      case 'TransactionBackup':
        return (
          transactions !== undefined &&
          meet({ first: entry.firstVersion, last: entry.lastVersion }, spanOf(transactions))
        );
      case 'StateSnapshotBackup':
        return states !== undefined && inside(entry.version, spanOf(states));
    }
  });
}

async function limitsOf(
  from: BackupStorage,
  endings: readonly EpochEndingEntry[],
  { versions, epochs, since }: CopyScope,
): Promise<(Span | undefined)[]> {
  const limits: (Span | undefined)[] = [];
  if (versions) limits.push(spanOf(versions));
  if (epochs) limits.push(await versionsOfEpochs(from, endings, spanOf(epochs)));
  if (since && 'version' in since) limits.push({ first: BigInt(since.version), last: MAX_U64 });
  if (since && 'time' in since) {
    limits.push({ first: await versionAt(from, endings, since.time), last: MAX_U64 });
  }
  return limits;
}

async function versionsOfEpochs(
  from: BackupStorage,
  endings: readonly EpochEndingEntry[],
  { first, last }: Span,
): Promise<Span | undefined> {
  const newest = spanAround(endings.map((entry) => entry.lastEpoch))?.last ?? -1n;
  if (first > newest + 1n) return undefined; // epochs that have not begun
  const before = first === 0n ? -1n : (await endOf(from, endings, first - 1n)).first;
  const end = last > newest ? MAX_U64 : (await endOf(from, endings, last)).last;
  return { first: before + 1n, last: end };
}

/**
 * The version at which an epoch ends; the versions between which it must be, when the manifest that says it is damaged.
 * @throws InputError when its ending is not stored
 */
async function endOf(
  from: BackupStorage,
  endings: readonly EpochEndingEntry[],
  epoch: bigint,
): Promise<Span> {
  const entry = endings.find(
    ({ firstEpoch, lastEpoch }) => firstEpoch <= epoch && epoch <= lastEpoch,
  );
  if (!entry) {
    const why = `${from.description} has no ending of epoch ${epoch}, so the versions of the given epochs are not known; give versions`;
    throw new InputError(why);
  }
  const { firstVersion, lastVersion, manifest } = entry;
  const at = (version: bigint) => ({ first: version, last: version });
  if (entry.firstEpoch === epoch) return at(firstVersion);
  if (entry.lastEpoch === epoch) return at(lastVersion);
  const said = await unlessDamaged(manifest, async () => {
    const bytes = await from.readAll(manifest, MAX_MANIFEST_BYTES);
    const { firstEpoch, waypoints } = decodeEpochEndingManifest(bytes);
    const waypoint = waypoints[Number(epoch - firstEpoch)];
    return waypoint === undefined ? undefined : parseWaypoint(waypoint).version;
  });
  return said === undefined ? { first: firstVersion, last: lastVersion } : at(said);
}

/**
 * What is read of epoch endings; undefined when they are damaged. The copy of them names the damage. The scope then
 * covers more than was asked for, and all else is copied. @throws StorageError when the storage is away
 */
async function unlessDamaged<T>(manifest: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    skippedFor(manifest, error); // throws what is no damage
    return undefined;
  }
}

/** The first version of the epoch in which a time lies, or an earlier one. */
async function versionAt(
  from: BackupStorage,
  endings: readonly EpochEndingEntry[],
  time: string,
): Promise<bigint> {
  const usecs = BigInt(Date.parse(time)) * 1000n;
  for (const { manifest } of [...endings].reverse()) {
    const end = await unlessDamaged(manifest, () => lastEndUpTo(from, manifest, usecs));
    if (end !== undefined) return end + 1n;
  }
  return 0n;
}

/** The version at which the last epoch of a backup ended that was over at a time; undefined when none was. */
async function lastEndUpTo(
  from: BackupStorage,
  manifest: string,
  usecs: bigint,
): Promise<bigint | undefined> {
  const bytes = await from.readAll(manifest, MAX_MANIFEST_BYTES);
  for (const { ledgerInfos } of decodeEpochEndingManifest(bytes).chunks.reverse()) {
    let end: bigint | undefined;
    for await (const record of readRecords(from.read(ledgerInfos))) {
      const { ledgerInfo } = decodeLedgerInfoWithSignatures(record);
      if (ledgerInfo.timestampUsecs <= usecs) end = ledgerInfo.version;
    }
    if (end !== undefined) return end;
  }
  return undefined;
}

function both(a: Span | undefined, b: Span | undefined): Span | undefined {
  if (!a || !b || !meet(a, b)) return undefined;
  return { first: a.first > b.first ? a.first : b.first, last: a.last < b.last ? a.last : b.last };
}

function inside(value: bigint, { first, last }: Span): boolean {
  return first <= value && value <= last;
}

function spanAround(values: readonly bigint[]): Span | undefined {
  const [start] = values;
  if (start === undefined) return undefined;
  return values.reduce(
    ({ first, last }, value) => ({
      first: value < first ? value : first,
      last: value > last ? value : last,
    }),
    { first: start, last: start },
  );
}

function textOf({ first, last }: Span) {
  return { first: `${first}`, last: `${last}` };
}
