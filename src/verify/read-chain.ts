import {
  decodeEpochEndingManifest,
  formatWaypoint,
  KNOWN_NETWORKS,
  MAX_MANIFEST_BYTES,
  parseWaypoint,
  type Waypoint,
} from '../aptos/index.js';
import { TrustedWaypoints } from '../trust/trusted-waypoints.js';
import { type EpochEndingEntry, readCatalog } from '../repository/catalog.js';
import { without } from '../lib/spans.js';
import { addUnusable, noneUnusable, textsOf } from '../contract/unusable.js';
import type { EpochRun, TaskResult, VerifySettings } from '../contract/verification.js';
import { checkEpochEndings } from './check-epoch-endings.js';
import { Findings } from './findings.js';
import { ReadAhead } from './read-ahead.js';
import { StoredChain } from './stored-chain.js';
import type { CheckTools } from './stored-records.js';

/**
 * Reads and checks all stored epoch endings, from epoch 0 on. Returns the chain that proves everything
 * else in the storage, and the findings about the endings. @throws StorageError
 */
export async function readChain(
  tools: CheckTools,
  settings: VerifySettings,
): Promise<{ chain: StoredChain; result: TaskResult }> {
  const { epochEndings } = await readCatalog(tools.storage);
  const network = settings.network ?? (await networkByGenesis(tools, epochEndings[0]));
  const trusted = new TrustedWaypoints(settings.trustWaypoints, builtIn(network));
  const chain = new StoredChain(tools.storage, trusted);
  const findings = new Findings();
  let records = 0;
  let bytes = 0;
  let objects = 0;
  const counting: CheckTools = {
    ...tools,
    onProgress: (more) => {
      bytes += more.bytes;
      objects += more.objects;
      tools.onProgress(more);
    },
  };
  const unusable = noneUnusable();
  const ahead = new ReadAhead(tools.storage, epochEndings);
  const inOrder = { ...counting, storage: ahead };
  for (const [i, entry] of epochEndings.entries()) {
    const before = findings.count;
    ahead.reach(i);
    records += (await checkEpochEndings(inOrder, entry, chain, findings)).records;
    if (findings.count > before) addUnusable(unusable, { epochs: notProven(entry, chain) });
  }
  for (const text of settings.trustWaypoints) requireEpochEnd(text, chain, findings);
  const genesis = chain.ending(0n)?.waypoint;
  const runs = runsOf(chain).slice(-MOST_RUNS);
  const last = runs.at(-1)?.last;
  const endAt = last === undefined ? undefined : chain.ending(BigInt(last))!.version;
  const { highest } = trusted;
  const awaits = highest !== undefined && highest > (endAt ?? 0n) ? trusted.at(highest) : undefined;
  return {
    chain,
    result: {
      findings: findings.list,
      findingCount: findings.count,
      pieces: [],
      epochs: {
        runs,
        confirmed: chain.confirmed(),
        ...(genesis === undefined ? {} : { genesis }),
        ...(endAt === undefined ? {} : { endAt: `${endAt}` }),
        ...(awaits === undefined ? {} : { awaits }),
      },
      unusable,
      records: `${records}`,
      bytes,
      objects,
      skipped: 0,
    },
  };
}

/** Reports a trusted waypoint at a version where no epoch ends: it proves nothing, and the operator must know. */
function requireEpochEnd(text: string, chain: StoredChain, findings: Findings): void {
  const { version } = parseWaypoint(text);
  const epochs = chain.epochs();
  const next = epochs.find((epoch) => chain.ending(epoch)!.version >= version);
  if (next === undefined || chain.ending(next)!.version === version) return;
  const before = chain.ending(next - 1n);
  if (before === undefined) return; // an ending is missing here; it may be the one at this waypoint
  const ends = `epoch ${next - 1n} ends at version ${before.version} and epoch ${next} at version ${chain.ending(next)!.version}`;
  const why = `no epoch ends at version ${version}, so it proves nothing: ${ends}; check --trust-waypoint`;
  findings.add(`trusted waypoint ${text}`, 'UNPROVEN', why);
}

/** What cannot be used of a backup with findings: the epochs that are not proven, or else all of them. */
function notProven({ firstEpoch, lastEpoch }: EpochEndingEntry, chain: StoredChain) {
  const all = { first: firstEpoch, last: lastEpoch };
  const proven = chain.epochs().filter((epoch) => {
    const ending = chain.ending(epoch);
    return epoch >= firstEpoch && epoch <= lastEpoch && ending?.proven !== 'not yet proven';
  });
  const left = without(
    [all],
    proven.map((epoch) => ({ first: epoch, last: epoch })),
  );
  return textsOf(left.length > 0 ? left : [all]);
}

/** The waypoints that a public network publishes; our code has them built in. */
function builtIn(name: string | undefined): Waypoint[] {
  const network = KNOWN_NETWORKS.find((known) => known.name === name);
  if (!network) return [];
  return network.genesis ? [network.genesis, ...network.waypoints] : network.waypoints;
}

/** The name of the public network whose genesis waypoint the stored backup of epoch 0 has. */
async function networkByGenesis(
  { storage }: CheckTools,
  first: EpochEndingEntry | undefined,
): Promise<string | undefined> {
  if (first?.firstEpoch !== 0n) return undefined;
  const named = await storage
    .readAll(first.manifest, MAX_MANIFEST_BYTES)
    .then((bytes) => decodeEpochEndingManifest(bytes).waypoints[0])
    .catch(() => undefined); // the check of this backup reports what is wrong
  return KNOWN_NETWORKS.find((n) => n.genesis && formatWaypoint(n.genesis) === named)?.name;
}

/** When gaps cut the epoch endings into more runs than this, only the newest are listed. All gaps are counted. */
const MOST_RUNS = 500;

/** Runs of consecutive epochs that are proven in the same way. */
function runsOf(chain: StoredChain): EpochRun[] {
  const runs: EpochRun[] = [];
  for (const epoch of chain.epochs()) {
    const proven = epoch === 0n ? undefined : chain.ending(epoch)!.proven;
    const before = runs.at(-1);
    const follows = before && BigInt(before.last) + 1n === epoch;
    // Nobody signs genesis, so it joins the run that follows it.
    if (follows && (before.proven === proven || before.last === '0')) {
      before.last = `${epoch}`;
      if (before.proven !== proven && proven !== undefined) before.proven = proven;
    } else {
      runs.push({ first: `${epoch}`, last: `${epoch}`, proven: chain.ending(epoch)!.proven });
    }
  }
  return runs.map((run) => (run.proven === 'not yet proven' ? unsignedRun(chain, run) : run));
}

/** Adds the versions of the transactions that can prove an unsigned run, and a file to name in findings. */
function unsignedRun(chain: StoredChain, run: EpochRun): EpochRun {
  const [first, last] = [chain.ending(BigInt(run.first))!, chain.ending(BigInt(run.last))!];
  const object = chain.ending(run.first === '0' ? 1n : BigInt(run.first))?.file ?? first.file;
  return { ...run, unsigned: { first: `${first.version}`, last: `${last.version}`, object } };
}
