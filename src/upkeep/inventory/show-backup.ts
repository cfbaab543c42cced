import { encodeMetadataLine } from '../../aptos/index.js';
import type { ShownBackup } from '../../contract/answers/inventory-answers.js';
import { InputError } from '../../contract/schema.js';
import type { BackupType } from '../../contract/job.js';
import { BACKUP_TYPES } from '../../contract/kinds/index.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { type BackupEntry, type Catalog, entriesOf, holdersOf } from '../../repository/catalog.js';
import { type Named, type NamedChunk, bytesSaid } from '../../repository/manifest-kinds.js';
import { isProvenRecord } from '../../repository/proven-record.js';
import { storedBytes } from '../../repository/stored-file.js';
import { ownFile } from '../../repository/unit-folder.js';
import { readVerifiedTimes } from '../../repository/verified-times.js';
import type { BackupStorage } from '../../storage/storage.js';
import { type BackupFacts, factsOf } from './backup-facts.js';
import { metadataTimes, rowOf, withFacts } from './list-backups.js';
import { sourceOf } from './source.js';

const LOOKS_IN_FLIGHT = 16;
const MOST_NAMED = 20;

type ShownFile = Pick<ShownBackup['parts'][number], 'file' | 'bytes' | 'state'>;
type Sizes = ReadonlyMap<string, bigint | undefined>;

/**
 * All about one backup, named by its folder, its manifest or its metadata file. Looks whether the files that the
 * manifest names are there with the sizes that it says; reads none of them. @throws InputError when no metadata line
 * names such a backup; StorageError
 */
export async function showBackup(
  storage: BackupStorage,
  catalog: Catalog,
  name: string,
): Promise<ShownBackup> {
  const { type, entry } = find(storage, catalog, name);
  const facts = await factsOf(storage, type, entry.manifest);
  const row = withFacts(rowOf(type, entry, await metadataTimes(storage)), facts);
  const { manifest, waypoint, manifestBytes } = facts;
  const files = manifest?.files ?? [];
  const sizes = await sizesOf(storage, files, facts);
  const packed = await comparesNothing(storage, manifest, sizes);
  const shown = (file: string, said?: bigint): ShownFile => lookAt(file, said, sizes, packed);
  const parts = (manifest?.chunks ?? []).map((chunk) => partOf(chunk, shown));
  const states = [
    ...parts,
    ...parts.flatMap(({ proof }) => proof ?? []),
    ...rest(files, parts),
  ].map((one) => (typeof one === 'string' ? shown(one) : one));
  const wrong = states.filter(({ state }) => state === 'missing' || state === 'wrong size');
  const verified = await readVerifiedTimes(storage);
  const { source: _, ...line } = entry;
  return {
    ...sourceOf(storage),
    ...row,
    line: Buffer.from(encodeMetadataLine(line)).toString().trimEnd(),
    ...(waypoint === undefined ? {} : { waypoint }),
    ...(manifest?.rootHash === undefined ? {} : { root_hash: manifest.rootHash }),
    ...(manifestBytes === undefined ? {} : { manifest_bytes: manifestBytes }),
    files: {
      named: files.length,
      there: states.filter(({ state }) => state === 'there').length,
      wrong: wrong.slice(0, MOST_NAMED).map(({ file, state }) => `${file}: ${state}`),
      looked_at: sizes !== undefined,
    },
    parts,
    strays: straysOf(entry.manifest, files, facts).slice(0, MOST_NAMED),
    ...(verified.whole === undefined
      ? {}
      : { storage_verified_at: new Date(verified.whole).toISOString() }),
  };
}

function find(
  storage: BackupStorage,
  catalog: Catalog,
  name: string,
): { type: BackupType; entry: BackupEntry } {
  const wanted = name.replace(/\/+$/, '');
  for (const type of BACKUP_TYPES) {
    const entry = entriesOf(catalog, type).find(
      (one) =>
        one.manifest === wanted ||
        one.manifest.startsWith(`${wanted}/`) ||
        holdersOf(catalog, one).includes(wanted),
    );
    if (entry) return { type, entry };
  }
  throw new InputError(
    `no metadata line of ${storage.description} names a backup "${wanted}"; give the folder or the manifest of one, as "repository list" shows them ("repository stats" shows folders that no line names)`,
  );
}

/** The stored sizes of files; undefined for one that is not there. Undefined where nobody can look. */
async function sizesOf(
  storage: BackupStorage,
  files: readonly string[],
  { listed }: BackupFacts,
): Promise<Sizes | undefined> {
  if (!listed && storage.indexedAt === undefined) return undefined; // an adapter would fetch each file to look at it
  const sizes = new Map<string, bigint | undefined>();
  await forEachAtOnce(LOOKS_IN_FLIGHT, files, async (file) => {
    sizes.set(file, listed?.get(file)?.bytes ?? (await storedBytes(storage, file)));
  });
  return sizes;
}

/** Whether files may be gzip'd, asked only when a size is another than the manifest says. */
async function comparesNothing(
  storage: BackupStorage,
  manifest: Named | undefined,
  sizes: Sizes | undefined,
): Promise<boolean> {
  const differs = manifest?.chunks.some(({ file, extra }) => {
    const [stored, said] = [sizes?.get(file), bytesSaid({ extra })];
    return stored !== undefined && said !== undefined && stored !== said;
  });
  return differs === true && (await storage.hasGzip()) !== false;
}

function lookAt(
  file: string,
  said: bigint | undefined,
  sizes: Sizes | undefined,
  packed: boolean,
): ShownFile {
  if (!sizes) return { file, state: 'not looked at' };
  const stored = sizes.get(file);
  if (stored === undefined) return { file, state: 'missing' };
  const differs = said !== undefined && said !== stored && !packed;
  return { file, bytes: Number(stored), state: differs ? 'wrong size' : 'there' };
}

function partOf(
  { first, last, file, proof, extra }: NamedChunk,
  shown: (file: string, said?: bigint) => ShownFile,
): ShownBackup['parts'][number] {
  const said = bytesSaid({ extra });
  return {
    first: `${first}`,
    last: `${last}`,
    ...shown(file, said),
    ...(said === undefined ? {} : { content_bytes: Number(said) }),
    ...(proof === undefined ? {} : { proof: shown(proof) }),
  };
}

/** Files that no chunk has: the proof of a state root. */
function rest(files: readonly string[], parts: ShownBackup['parts']): string[] {
  const ofParts = new Set(
    parts.flatMap(({ file, proof }) => (proof ? [file, proof.file] : [file])),
  );
  return files.filter((file) => !ofParts.has(file));
}

function straysOf(manifest: string, files: readonly string[], facts: BackupFacts): string[] {
  if (!facts.listed || !facts.manifest) return []; // without a manifest nobody knows what belongs to it
  const known = new Set([manifest, ...files]);
  return [...facts.listed.keys()]
    .filter((handle) => !known.has(handle))
    .filter((handle) => {
      const name = handle.slice(handle.indexOf('/') + 1);
      return ownFile(name) === undefined && !isProvenRecord(name);
    })
    .sort();
}
