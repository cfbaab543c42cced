import { KNOWN_NETWORKS } from '../aptos/chain/networks.js';
import { type Waypoint, formatWaypoint } from '../aptos/chain/waypoint.js';
import { MAX_MANIFEST_BYTES, decodeEpochEndingManifest } from '../aptos/files/manifest.js';
import { TrustedWaypoints } from '../backup/trust/trusted-waypoints.js';
import { type EpochEndingEntry, readCatalog } from '../catalog/catalog.js';
import type { Proven } from '../plan/unit.js';
import type { TaskResult, VerifySettings } from '../plan/verify.js';
import { checkEpochEndings } from './check-epoch-endings.js';
import { Findings } from './findings.js';
import { StoredChain } from './stored-chain.js';
import type { CheckTools } from './stored-records.js';

/**
 * Reads and checks all stored epoch endings, from epoch 0 on. Gives the chain that proves everything
 * else in the storage, and what was found on the way.
 */
export async function readChain(
  tools: CheckTools,
  settings: VerifySettings,
): Promise<{ chain: StoredChain; result: TaskResult }> {
  const { epochEndings } = await readCatalog(tools.storage, tools.signal);
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
  for (const entry of epochEndings) {
    tools.signal.throwIfAborted();
    records += (await checkEpochEndings(counting, entry, chain, findings)).records;
  }
  const genesis = chain.ending(0n)?.waypoint;
  const runs = runsOf(chain).slice(-MOST_RUNS);
  const last = runs.at(-1)?.last;
  const endAt = last === undefined ? undefined : chain.ending(BigInt(last))!.version;
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
      },
      records: `${records}`,
      bytes,
      objects,
      skipped: 0,
    },
  };
}

/** What a network publishes about itself vouches for its backups. */
function builtIn(name: string | undefined): Waypoint[] {
  const network = KNOWN_NETWORKS.find((known) => known.name === name);
  if (!network) return [];
  return network.genesis ? [network.genesis, ...network.waypoints] : network.waypoints;
}

/** The network whose published genesis is the one that the first backup names. */
async function networkByGenesis(
  { storage, signal }: CheckTools,
  first: EpochEndingEntry | undefined,
): Promise<string | undefined> {
  if (first?.firstEpoch !== 0n) return undefined;
  const named = await storage
    .readAll(first.manifest, MAX_MANIFEST_BYTES, signal)
    .then((bytes) => decodeEpochEndingManifest(bytes).waypoints[0])
    .catch(() => undefined); // the check of this backup says what is wrong
  return KNOWN_NETWORKS.find((n) => n.genesis && formatWaypoint(n.genesis) === named)?.name;
}

/** Of epoch endings with more gaps than that the newest runs are named; all gaps are counted. */
const MOST_RUNS = 500;

/** Runs of epochs that follow each other and are proven alike. */
function runsOf(chain: StoredChain) {
  const runs: { first: string; last: string; proven: Proven }[] = [];
  for (const epoch of chain.epochs()) {
    const proven = epoch === 0n ? undefined : chain.ending(epoch)!.proven;
    const before = runs.at(-1);
    const follows = before && BigInt(before.last) + 1n === epoch;
    // Genesis has no signer: it counts as what follows it.
    if (follows && (before.proven === proven || before.last === '0')) {
      before.last = `${epoch}`;
      if (before.proven !== proven && proven !== undefined) before.proven = proven;
    } else {
      runs.push({ first: `${epoch}`, last: `${epoch}`, proven: chain.ending(epoch)!.proven });
    }
  }
  return runs;
}
