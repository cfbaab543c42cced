import type { RestorePlan } from '../../contract/answers/restore-answers.js';
import { storageName } from '../../contract/storage-name.js';
import type { VerifySettings } from '../../contract/verification.js';
import type { Span } from '../../lib/spans.js';
import { type BackupEntry, type Catalog, readCatalog } from '../../repository/catalog.js';
import { restoreSourceOf } from '../../repository/restore-source.js';
import { type RestoreSource, chainsOf } from '../../contract/restorable.js';
import { readRestoreRates } from '../../repository/restore-rates.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import { adapterYaml } from './adapter-yaml.js';
import {
  type ChainFacts,
  describeChain,
  readChainFacts,
  unsignedUpTo,
  waypointsFor,
} from './chain-facts.js';
import { type GivenRates, estimateDisk, estimateTime } from './estimate.js';
import { type NeededFile, Needs } from './needs.js';
import { type Reads, readsOf, sizeOf } from './reads.js';
import { type Asked, type Choice, type Selection, select } from './select.js';
import { restoreCommand, shellText, storageFlags, verifyCommand } from './stock-commands.js';

export interface PlanOrder extends Asked {
  settings: VerifySettings;
  rates: GivenRates;
  /** The stock tool, as the commands name it. */
  tool: string;
  /** The folder of the new database, as the commands name it. */
  dbDir: string;
  /** Where the commands look for the command adapter, if the storage needs one. */
  adapterFile: string;
  /** Called with what is being read. */
  onProgress: (what: string) => void;
}

/** A chunk of about this size shows how well chunks are packed. */
const SAMPLE_BYTES = 4_000_000;
const MOST_SAMPLES = 5;

/**
 * Plans a restore by the stock tool: what it will take of a storage, how far it gets, what that costs, and how to run
 * it. Reads metadata, epoch endings, manifests and listings, and one chunk. Never writes.
 * @throws StorageError, CatalogError, BackupError
 */
export async function planRestore(storage: BackupStorage, order: PlanOrder): Promise<RestorePlan> {
  const { settings, onProgress } = order;
  const catalog = await readCatalog(storage);
  let endings = 0;
  const facts = await readChainFacts(storage, settings, ({ objects }) => {
    endings += objects;
    onProgress(`${endings} files of epoch endings read`);
  });
  const { choice, broken, needs, source } = await chooseReadable(storage, catalog, facts, order);
  const head = headOf(order, choice, broken);
  const { selection } = choice;
  if (!selection) return { ...head, waypoints: [], notes: [] };
  const reads = readsOf(selection, needs);
  const last = await readRestoreRates(storage);
  const per = await sampleRatio(storage, reads.content);
  const waypoints = waypointsFor(facts, settings.trustWaypoints, selection.target);
  // The tool's own verify reads all epoch endings, also those above the target.
  const unverified = chainsOf(source).epochs.why[0];
  return {
    ...head,
    restores_to: { version: `${selection.target}`, epoch: selection.epoch },
    ...reads.uses,
    fetch: { ...sizeOf(reads.fetched), by: sizesBy(storage, reads.fetched) },
    disk: estimateDisk(reads, per, last),
    time: estimateTime(reads, order.rates, last),
    chain: describeChain(facts, selection.target),
    waypoints,
    commands: await commandsFor(storage, selection, waypoints, {
      ...order,
      canVerify: unverified === undefined,
    }),
    notes: [
      ...indexNote(storage),
      ...notesOn(reads, selection, waypoints, unsignedUpTo(facts, selection.target)),
      ...(unverified === undefined
        ? []
        : [
            `the stock tool's own verify would fail: it reads all epoch endings, and ${unverified}`,
          ]),
    ],
  };
}

/** Chooses what the tool takes, and chooses again without those backups that turn out to be broken. */
async function chooseReadable(
  storage: BackupStorage,
  catalog: Catalog,
  facts: ChainFacts,
  { target, from, onProgress }: PlanOrder,
): Promise<{
  choice: Choice;
  broken: Map<BackupEntry, string>;
  needs: Needs;
  source: RestoreSource;
}> {
  const needs = new Needs(storage);
  const broken = new Map<BackupEntry, string>();
  let manifests = 0;
  for (;;) {
    const isDamaged = (entry: BackupEntry) => broken.has(entry) || facts.isDamaged(entry);
    const choice = select(catalog, { target, from }, isDamaged);
    const chosen = { choice, broken, needs, source: restoreSourceOf(catalog, isDamaged) };
    if (!choice.selection) return chosen;
    const { tree, kv, transactions, epochEndings } = choice.selection;
    const entries = [...epochEndings, ...transactions, tree, ...(kv ? [kv] : [])];
    const found = await needs.read(entries, () => {
      manifests += 1;
      onProgress(`${manifests} manifests read`);
    });
    if (found.size === 0) return chosen;
    for (const [entry, why] of found) broken.set(entry, why);
  }
}

function headOf(
  { settings, target, from }: PlanOrder,
  { ok, why, newest }: Choice,
  broken: ReadonlyMap<BackupEntry, string>,
) {
  const lost = ok ? [] : [...broken.values()];
  return {
    ok,
    storage: storageName(settings.storage),
    ...(target === undefined ? {} : { target_version: `${target}` }),
    ...(from === undefined ? {} : { from_version: `${from}` }),
    ...(newest === undefined ? {} : { newest_version: `${newest}` }),
    why: [...lost.slice(0, MOST_WHY), ...why.slice(0, MOST_WHY)],
  };
}

const MOST_WHY = 20;

/**
 * Unpacked bytes for each stored byte, of one chunk; undefined where sizes are not known or not needed. Of a damaged
 * chunk, nobody knows: the next one is tried. A plan does not look for damage.
 */
async function sampleRatio(
  storage: BackupStorage,
  content: readonly NeededFile[],
): Promise<number | undefined> {
  const unknown = content.filter(({ unpacked, stored }) => unpacked === undefined && stored);
  const off = ({ stored }: NeededFile) => Math.abs(Math.log(stored! / SAMPLE_BYTES));
  for (const sample of unknown.sort((a, b) => off(a) - off(b)).slice(0, MOST_SAMPLES)) {
    try {
      let bytes = 0;
      for await (const part of storage.read(sample.handle)) bytes += part.length;
      return bytes / sample.stored!;
    } catch (error) {
      if (!isStorageError(error, 'DAMAGED', 'NOT_FOUND')) throw error;
    }
  }
  return undefined;
}

function sizesBy({ byNameOnly, indexedAt }: BackupStorage, fetched: readonly NeededFile[]): string {
  if (indexedAt !== undefined) return 'nothing: the index of a storage has only its metadata';
  if (!byNameOnly) return 'listings of the storage';
  return fetched.some(({ stored }) => stored === undefined)
    ? 'nothing: the commands of an adapter cannot say how large a file is'
    : 'the adapter';
}

async function commandsFor(
  storage: BackupStorage,
  { target, kv, tree }: Selection,
  waypoints: RestorePlan['waypoints'],
  order: PlanOrder & { canVerify: boolean },
): Promise<NonNullable<RestorePlan['commands']>> {
  const config = order.settings.storage;
  // The tool reads a plain folder by itself.
  const needsAdapter =
    'url' in config || ('local_fs_dir' in config && (await storage.hasGzip()) === true);
  const indexed = storage.indexedAt !== undefined;
  const yaml = needsAdapter ? adapterYaml(config, indexed) : undefined;
  const file = order.adapterFile;
  const stock = {
    tool: order.tool,
    storage: storageFlags(config, yaml === undefined ? undefined : file),
    dbDir: order.dbDir,
    target,
    historyFrom: kv?.version,
    trust: waypoints.flatMap(({ waypoint, from }) => (from === 'storage' ? [] : [waypoint])),
  };
  return {
    restore: shellText(restoreCommand(stock)),
    ...(order.canVerify
      ? { verify: shellText(verifyCommand({ ...stock, treeVersion: tree.version })) }
      : {}),
    ...(yaml === undefined ? {} : { adapter: { file, yaml } }),
  };
}

/** Who may not list a storage, needs its index, and the tool does as well. */
function indexNote({ indexedAt }: BackupStorage): string[] {
  if (indexedAt === undefined) return [];
  const at = new Date(indexedAt).toISOString();
  return [
    `nobody may list this storage with these credentials: what is stored is what its index of ${at} says, to the printed adapter as well; if metadata was compacted since, the tool does not find it until a new index is published`,
  ];
}

function notesOn(
  { uses }: Reads,
  { tree, kv }: Selection,
  waypoints: RestorePlan['waypoints'],
  unsigned: Span | undefined,
): string[] {
  const unconfirmed = waypoints.every(({ from }) => from === 'storage');
  const begins = kv ?? tree;
  return [
    `the folder of the new database must be empty, or hold a restore of the same backups that was interrupted`,
    `the new database has the state from version ${begins.version} on, and transactions from ${uses.transactions.first} on`,
    ...(unconfirmed
      ? [
          'nothing outside the storage confirms this chain: compare a waypoint with another source, and give it with --trust-waypoint',
        ]
      : []),
    ...(unsigned
      ? [
          `epochs ${unsigned.first} to ${unsigned.last} are unsigned history: only a tool that takes what lies at or below a trusted waypoint without signatures, as Movement's does since 2026, restores it; any other fails there`,
        ]
      : []),
  ];
}
