import { createHash } from 'node:crypto';
import type { Skipped } from '../../contract/answers/copy-answers.js';
import {
  COPY_ORDER,
  type CopyCursor,
  type CopyFrozen,
  type CopyPage,
  type CopyScope,
  type CopySettings,
  type CopyUnit,
} from '../../contract/copying.js';
import type { BackupType } from '../../contract/job.js';
import { type BackupEntry, type Catalog, readCatalog } from '../../repository/catalog.js';
import { adoptPruned, ownPrunedSpans } from '../../repository/pruned.js';
import { withCommitLock } from '../../repository/commit-lock.js';
import type { Holder } from '../../repository/lease.js';
import { isStored } from '../../repository/stored-file.js';
import { PLAN_FILE, isAbandoned } from '../../repository/unit-folder.js';
import type { BackupStorage } from '../../storage/storage.js';
import { folderOf } from '../../repository/proven-record.js';
import { VerifyError } from '../../verify/verify-error.js';
import type { CopyEnds } from './copy-ends.js';
import { CopyPageBuilder } from './copy-page.js';
import { freezeScope, wantedOf } from './copy-scope.js';
import { isStillNamed, lineOf, namesOf, readNamed, skippedFor } from './copy-unit.js';
import { prepareTarget, requirePrepared } from './prepare-target.js';
import { backupsOf, readTarget, requireTarget } from './read-target.js';
import { TargetHas } from './target-has.js';

const READS_AT_ONCE = 16;

export interface PlanTools {
  ends: CopyEnds;
  holder: Holder;
  signal: AbortSignal;
  report: (phase: string) => void;
}

/**
 * Plans the next page of a copy: tasks for backups that the target does not have, from `cursor` on. The first page
 * also makes the target ready. Reads metadata of both storages, and of backups that are to be copied the manifest. What
 * the target's metadata names counts as there. A line may be left of a backup whose data is gone: so a copy that keeps no
 * target in step also asks for the manifests there, if that takes no command of an adapter.
 * @throws VerifyError NOTHING_TO_VERIFY for a source without backups; BackupError CHAIN_MISMATCH, STORAGE_EMPTIED
 */
export async function planCopyPage(
  tools: PlanTools,
  settings: CopySettings,
  scope: CopyScope,
  at?: { cursor: CopyCursor; frozen: CopyFrozen },
): Promise<CopyPage> {
  const { ends } = tools;
  const { from, to } = ends;
  const catalog = await readCatalog(from);
  requireSome(from, catalog);
  const target = await readTarget(to);
  if (settings.existingTarget) requireTarget(to, target);
  const has = new TargetHas(target, target && (await ownPrunedSpans(to)));
  const frozen = at?.frozen ?? (await begin(tools, settings, scope, { catalog, target, has }));
  if (at) await requirePrepared(to, frozen.genesis);
  const page = new CopyPageBuilder(chainOf(catalog, settings), frozen);
  if (!at) for (const skipped of damagedMetadata(catalog)) page.skipped.push(skipped);
  const rank = at ? COPY_ORDER.indexOf(at.cursor.type) : 0;
  for (const type of COPY_ORDER.slice(rank)) {
    // What epoch endings prove waits until these are committed.
    if (page.hasWork() && page.lastType === 'epoch_ending') return page.end(cursorBefore(type));
    const all = wantedOf(catalog, type, frozen);
    const entries = at?.cursor.type === type ? all.slice(indexOf(all, at.cursor)) : all;
    // Asked again every few minutes, or by a command for each backup, that would take too much.
    const asks = settings.existingTarget !== true && !to.byNameOnly;
    const lookFor = async (entry: BackupEntry) => {
      if (asks) await forgetLost(to, has, type, entry);
      return has.find(type, entry) ?? lookAt(ends, type, entry);
    };
    for await (const look of inOrder(entries, lookFor)) {
      if (look === 'there') page.there += 1;
      else if (look && 'why' in look) page.skipped.push(look);
      if (typeof look !== 'object' || !('unit' in look)) continue;
      const begun = at?.cursor.manifest === look.unit.manifest ? at.cursor.from : 0;
      const left = page.add(look.unit, look.sizes, begun);
      if (left !== undefined) return page.end(cursorAt(look.unit, left));
    }
  }
  return page.end();
}

/** Forgets what the target's metadata names of a backup, if its data is gone. */
async function forgetLost(
  to: BackupStorage,
  has: TargetHas,
  type: BackupType,
  entry: BackupEntry,
): Promise<void> {
  if (has.find(type, entry) !== 'there') return;
  for (const holder of has.holdersOf(type, entry)) {
    if (!(await isStored(to, holder.manifest))) has.forget(type, holder);
  }
}

async function begin(
  { ends, holder, signal, report }: PlanTools,
  { network }: CopySettings,
  scope: CopyScope,
  { catalog, target, has }: { catalog: Catalog; target: Catalog | undefined; has: TargetHas },
): Promise<CopyFrozen> {
  const shares = COPY_ORDER.some((type) =>
    wantedOf(catalog, type, EVERYTHING).some((entry) => has.hasLine(entry)),
  );
  const genesis = await prepareTarget(ends, target, shares, network);
  if (Object.keys(scope).length === 0) {
    const { epochEndings = [], transactions = [] } = target ?? {};
    await adoptPruned(
      ends.from,
      ends.to,
      ({ epochs, versions }) =>
        epochEndings.some(({ firstEpoch }) => firstEpoch < epochs) ||
        transactions.some(({ firstVersion }) => firstVersion < versions),
      (write) =>
        withCommitLock(ends.to, holder, { signal, report }, async (lock) => {
          await lock.requireHeld();
          await write();
        }),
    );
  }
  return freezeScope(ends.from, catalog, scope, genesis);
}

const ALL = { first: '0', last: `${2n ** 64n - 1n}` };
const EVERYTHING: CopyFrozen = { lastEpoch: ALL.last, transactions: ALL, states: ALL };

function requireSome({ description }: BackupStorage, catalog: Catalog): void {
  if (backupsOf(catalog) > 0) return;
  const [first] = catalog.damaged;
  const but = first ? ` that can be read: ${first.object}: ${first.why}` : '';
  throw new VerifyError(`${description} holds no backups${but}; is this the right place?`);
}

/** Metadata that cannot be read names backups that cannot be copied. */
function damagedMetadata({ damaged }: Catalog): Skipped[] {
  return damaged.map(({ object, why }) => {
    return { manifest: object, object, code: 'METADATA', why: why.slice(0, 400) };
  });
}

/** Which epoch endings there are to prove with: while it is the same, a process need not read them again. */
function chainOf({ epochEndings }: Catalog, settings: CopySettings): string {
  const { from, network, trustWaypoints } = settings;
  const parts = [
    JSON.stringify([from, network ?? '', trustWaypoints]),
    ...epochEndings.map(lineOf),
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

/** Undefined: it was removed from the source meanwhile. */
type Look = { unit: CopyUnit; sizes: (number | undefined)[] } | Skipped | undefined;

/** The results of looks at all entries, in their order. */
async function* inOrder<T>(
  entries: readonly BackupEntry[],
  look: (entry: BackupEntry) => Promise<T>,
): AsyncGenerator<T> {
  for (let i = 0; i < entries.length; i += READS_AT_ONCE) {
    yield* await Promise.all(entries.slice(i, i + READS_AT_ONCE).map(look));
  }
}

/** Reads the manifest of a backup that is to be copied, and looks whether its folder is free in the target. */
async function lookAt({ from, to }: CopyEnds, type: BackupType, entry: BackupEntry): Promise<Look> {
  const { manifest, source } = entry;
  let named: Awaited<ReturnType<typeof readNamed>>;
  try {
    named = await readNamed(from, type, manifest);
  } catch (error) {
    const skipped = skippedFor(manifest, error);
    return (await isStillNamed(from, type, manifest)) ? skipped : undefined;
  }
  const folder = folderOf({ manifest });
  if ((await to.stat(`${folder}/${PLAN_FILE}`)) !== undefined) {
    const why = `a backup of this folder's range is in work in ${to.description}; it was left alone`;
    return { manifest, object: `${folder}/${PLAN_FILE}`, code: 'OVERLAP', why };
  }
  if (await isAbandoned(to, folder)) return { manifest, ...beingRemoved(to, folder) };
  const { chunks, sha256 } = named;
  const unit = { type, source, line: lineOf(entry), manifest, sha256, of: chunks.length };
  const sizes = chunks.map(({ extra }) => {
    const bytes = extra?.['bytes'];
    return typeof bytes === 'bigint' ? Number(bytes) : undefined;
  });
  return { unit: { ...unit, ...namesOf(entry) }, sizes };
}

/** A gc marks a folder before it removes anything in it. */
export function beingRemoved({ description }: BackupStorage, folder: string) {
  const why = `its folder in ${description} is being removed by a gc; let that end (repository gc), and copy again`;
  return { object: `${folder}/`, code: 'OVERLAP' as const, why };
}

function cursorAt({ type, first, manifest }: CopyUnit, from: number): CopyCursor {
  return { type, first, manifest, from };
}

/** Before the first backup of a kind. */
function cursorBefore(type: BackupType): CopyCursor {
  return { type, first: '0', manifest: '', from: 0 };
}

/** The index of the backup at a cursor. If it is gone, that of the one after it. */
function indexOf(entries: readonly BackupEntry[], { first, manifest, after }: CopyCursor): number {
  const same = entries.findIndex((entry) => entry.manifest === manifest);
  if (same !== -1) return after ? same + 1 : same;
  const found = entries.findIndex((entry) => {
    const [own, at] = [BigInt(namesOf(entry).first), BigInt(first)];
    // What held it may have been consolidated into one that begins earlier.
    if (entry.type === 'TransactionBackup' && own < at) return entry.lastVersion >= at;
    if (own !== at) return own > at;
    return after ? entry.manifest > manifest : entry.manifest >= manifest;
  });
  return found === -1 ? entries.length : found;
}
