import { AptosDataError, MAX_MANIFEST_BYTES } from '../../aptos/index.js';
import { type BackupType, type Target, spanOfTarget } from '../../contract/job.js';
import { BACKUP_TYPES, rulesOf } from '../../contract/kinds/index.js';
import { type Span, meet, without } from '../../lib/spans.js';
import { type Catalog, entriesOf, spanOfEntry } from '../../repository/catalog.js';
import { type RetiredRecord, folderOfManifest, readRetired } from '../../repository/retired.js';
import { type GivenUp, isGivenUp } from '../../repository/pruned.js';
import { readOwn } from '../../repository/stored-file.js';
import { type UnitFault, lookAtUnit } from '../../repository/unit-fault.js';
import {
  ABANDONED_FILE,
  PLAN_FILE,
  RETIRED_FILE,
  ownFile,
  unitOfFolder,
} from '../../repository/unit-folder.js';
import type { BackupStorage } from '../../storage/storage.js';
import { MANIFEST_KINDS } from '../../repository/manifest-kinds.js';

/** What a unit needs that nobody else has: its workflow may be blocked for two weeks, on any server. */
const UNFINISHED_MS = 30 * 24 * 60 * 60_000;
/** A unit that can never be committed. Its last attempt has noticed that by then. */
const USELESS_MS = 24 * 60 * 60_000;
/** Names that the stock tool and we give to folders of backups. */
const BACKUP = /^(epoch_ending_\d+-|transaction_\d+-|state_epoch_\d+_ver_\d+)\.[0-9a-f]{4}$/;

/** What is to become of a folder that no metadata line names. `bytes`: of all its files. */
export type Verdict = { bytes: number } & Judged;

type Judged = { remove: string; held?: Held } | { waitUntil: number } | { stay: string };

/** A range that goes because other backups hold it. */
export interface Held {
  type: BackupType;
  span: Span;
}

export interface JudgeTools {
  storage: BackupStorage;
  catalog: Catalog;
  /** What is wrong with the backups that replace others. */
  faults: Faults;
  /** What keep rules gave up. */
  givenUp: GivenUp;
  /** By the storage's clock. */
  now: number;
  /** Replaces the grace that each record has. */
  graceMs: number | undefined;
  /** Folders that somebody pinned. */
  pinned: ReadonlySet<string>;
  /** Whether a workflow of this server works on a unit. */
  isRunning: (unit: Target) => Promise<boolean>;
}

/**
 * Decides about a folder that no metadata line names. Only what nobody can need goes: what was retired and whose grace
 * is over; what can never be committed; and attempts that were left alone for so long that nobody works on them, on
 * whatever host. Ages are by the storage's clock.
 */
export async function judge(folder: string, tools: JudgeTools): Promise<Verdict> {
  const { storage, pinned } = tools;
  const files = await storage.listFolder(folder);
  const names = files.map(({ handle }) => handle.slice(folder.length + 1));
  const bytes = files.reduce((sum, file) => sum + Number(file.bytes), 0);
  const stay = (why: string) => ({ bytes, stay: why });
  if (pinned.has(folder)) return stay('it is pinned');
  if (names.includes(ABANDONED_FILE)) {
    return { bytes, remove: 'its removal was begun before' };
  }
  if (names.includes(RETIRED_FILE)) {
    const record = await readRetired(storage, folder);
    if (!record) return stay(`its ${RETIRED_FILE} is damaged; repair it, or remove the folder`);
    return { bytes, ...(await judgeRetired(record, tools)) };
  }
  if (!BACKUP.test(folder)) return stay('its name is not that of a backup');
  return { bytes, ...(await judgeOrphan(folder, names, tools)) };
}

async function judgeRetired(record: RetiredRecord, tools: JudgeTools): Promise<Judged> {
  const { now, graceMs } = tools;
  const needed = await whyNeeded(record, tools);
  if (needed !== undefined) return { stay: needed };
  const { retiredAt, why } = record;
  const due = Math.max(dueOf(record, graceMs), await dueOfLarger(record, tools));
  if (now < due) return { waitUntil: due };
  return { remove: `retired at ${new Date(retiredAt).toISOString()} (${why})` };
}

function dueOf({ retiredAt, notBefore }: RetiredRecord, graceMs: number | undefined): number {
  return graceMs === undefined ? notBefore : retiredAt + graceMs;
}

/**
 * When the full batch may go for which a backup was retired, if keep rules have given that up since. Until then somebody
 * may take the prune back, and the full batch may be damaged: then the small ones are the good copy.
 */
async function dueOfLarger(
  { kind, first, last, replacedBy }: RetiredRecord,
  { storage, catalog, givenUp, graceMs }: JudgeTools,
): Promise<number> {
  if (replacedBy === undefined || !isGivenUp(givenUp, kind, { first, last })) return 0;
  if (entriesOf(catalog, kind).some(({ manifest }) => manifest === replacedBy)) return 0;
  const folder = folderOfManifest(replacedBy);
  const larger = BACKUP.test(folder) ? await readRetired(storage, folder) : undefined;
  return larger ? dueOf(larger, graceMs) : 0;
}

/**
 * Why a retired backup is still needed: a consolidated one, until a backup that holds the same is there and whole. That
 * may be another one than it was retired for, which was consolidated in its turn; and none is needed of what keep rules
 * gave up. Undefined: nobody needs it.
 */
export async function whyNeeded(
  { why, kind, first, last, replacedBy }: RetiredRecord,
  { catalog, faults, givenUp }: Pick<JudgeTools, 'catalog' | 'faults' | 'givenUp'>,
): Promise<string | undefined> {
  if (why === 'retention') return undefined;
  const span = { first, last };
  const larger = entriesOf(catalog, kind).find(({ manifest }) => manifest === replacedBy);
  if (larger && without([span], [spanOfEntry(larger)]).length === 0) {
    const fault = await faults.of(kind, larger.manifest);
    return fault && isHurt(fault);
  }
  if (isGivenUp(givenUp, kind, span)) return undefined;
  if ((await whyNotHeld({ type: kind, span }, { catalog, faults })) === undefined) return undefined;
  return `it was retired for ${replacedBy}, which is not there or holds less`;
}

/** A folder that looks like a backup, and that no line and no record names. */
async function judgeOrphan(
  folder: string,
  names: readonly string[],
  tools: JudgeTools,
): Promise<Judged> {
  const { storage, now } = tools;
  const changed = await storage.lastChange(folder);
  const quietMs = changed === undefined ? Infinity : now - changed;
  const isOurs = names.includes(PLAN_FILE);
  const isCommitted = names.some((name) => ownFile(name) === 'committed');
  if (isOurs && !isCommitted) return judgeUnit(folder, quietMs, tools);
  const type = BACKUP_TYPES.find((one) => names.includes(MANIFEST_KINDS[one].name));
  let held: Held | undefined;
  if (type !== undefined) {
    const span = await spanOfManifest(storage, `${folder}/${MANIFEST_KINDS[type].name}`, type);
    if (!span) return { stay: 'its manifest cannot be read, so nobody knows what it holds' };
    const needed = await whyNotHeld({ type, span }, tools);
    if (needed !== undefined) return { stay: needed };
    held = { type, span };
  } else if (isOurs) {
    return { stay: 'it was committed, but its manifest and its metadata line are gone' };
  }
  if (quietMs < UNFINISHED_MS) return { stay: young(quietMs, UNFINISHED_MS) };
  if (!held) return { remove: 'an attempt that nobody goes on with' };
  return { remove: 'no metadata names it, and another backup has its range', held };
}

async function judgeUnit(
  folder: string,
  quietMs: number,
  { storage, catalog, isRunning, faults }: JudgeTools,
): Promise<Judged> {
  const unit = await unitOfFolder(storage, folder);
  if (!unit) return { stay: 'its plan.json cannot be read, so nobody knows whose it is' };
  if (await isRunning(unit)) return { stay: 'a backup works on it' };
  const wanted = spanOfTarget(unit);
  const others = entriesOf(catalog, unit.type).filter((entry) => meet(spanOfEntry(entry), wanted));
  const held = others.length > 0;
  for (const { manifest } of others) {
    // What is stored of the unit may be the only good copy.
    const fault = await faults.of(unit.type, manifest);
    if (fault) return { stay: isHurt(fault) };
  }
  const limit = held ? USELESS_MS : UNFINISHED_MS;
  if (quietMs < limit) return { stay: young(quietMs, limit) };
  const { counts } = rulesOf(unit.type);
  return {
    remove: held
      ? `unfinished, and another backup has some of its ${counts}s`
      : 'unfinished, and nobody goes on with it',
  };
}

function young(quietMs: number, limitMs: number): string {
  const days = (ms: number) => Math.floor(ms / 86_400_000);
  return `somebody may still work on it: it changed ${days(quietMs)} days ago, and ${days(limitMs)} are needed`;
}

async function spanOfManifest(
  storage: BackupStorage,
  manifest: string,
  type: BackupType,
): Promise<Span | undefined> {
  const bytes = await readOwn(storage, manifest, MAX_MANIFEST_BYTES);
  try {
    return bytes && MANIFEST_KINDS[type].read(bytes).span;
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

/** Why nobody else holds all of a range in committed backups that are whole. Undefined: others hold it. */
export async function whyNotHeld(
  { type, span }: Held,
  { catalog, faults }: Pick<JudgeTools, 'catalog' | 'faults'>,
): Promise<string | undefined> {
  const spans: Span[] = [];
  let hurt: UnitFault | undefined;
  for (const entry of entriesOf(catalog, type)) {
    if (!meet(spanOfEntry(entry), span)) continue;
    const fault = await faults.of(type, entry.manifest);
    if (fault) hurt ??= fault;
    else spans.push(spanOfEntry(entry));
  }
  if (without([span], spans).length === 0) return undefined;
  if (hurt) return isHurt(hurt);
  return 'it is a whole backup, and no other one has its range: its line may be lost';
}

function isHurt({ file, why }: UnitFault): string {
  return `its replacement is damaged: ${file} (${why}); put it back from this folder, or verify again when it is repaired`;
}

/** Looks at each backup that replaces others once, however many it replaces. */
export class Faults {
  private readonly known = new Map<string, Promise<UnitFault | undefined>>();

  constructor(private readonly storage: BackupStorage) {}

  of(type: BackupType, manifest: string): Promise<UnitFault | undefined> {
    const known = this.known.get(manifest);
    if (known) return known;
    const look = lookAtUnit(this.storage, type, manifest, { receipts: true });
    const looked = look.then(({ fault }) => fault);
    this.known.set(manifest, looked);
    return looked;
  }
}

/** The folders that metadata lines name. */
export function namedFolders(catalog: Catalog): Set<string> {
  return new Set(
    BACKUP_TYPES.flatMap((type) =>
      entriesOf(catalog, type).map(({ manifest }) => folderOfManifest(manifest).split('/')[0]!),
    ),
  );
}
