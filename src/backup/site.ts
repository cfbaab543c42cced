import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { KNOWN_NETWORKS, type KnownNetwork } from '../aptos/chain/networks.js';
import { decodeLedgerInfoWithSignatures } from '../aptos/chain/ledger-info.js';
import { type Waypoint, formatWaypoint, waypointOf } from '../aptos/chain/waypoint.js';
import { NodeClient } from '../node/client.js';
import type { JobSettings } from '../plan/job.js';
import { openStorage } from '../storage/open.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from './errors.js';
import { encodeDigested, isIntact } from '../own-digest.js';
import { readRecords } from './record-stream.js';
import { type EndingsCache, type EpochEnding, EpochHistory } from './trust/epoch-history.js';
import { type LedgerInfoProver, historyProver } from './trust/ledger-info-proof.js';
import { TrustedWaypoints } from './trust/trusted-waypoints.js';

/** A node, a storage and what is trusted about their chain: what all work on one job shares. */
export interface Site {
  /** URL of its node. */
  address: string;
  /** The other nodes that were given for the same chain. */
  others: readonly string[];
  node: NodeClient;
  storage: BackupStorage;
  /** Waypoint of the genesis ledger info that the node serves. */
  genesis: string;
  network: string | undefined;
  trusted: TrustedWaypoints;
  history: EpochHistory;
  ledgerInfos: LedgerInfoProver;
}

/**
 * Opens the site of a job at one of its nodes: asks it for its genesis, recognises the network by it, and sets up
 * the epoch history with what was verified before under `dataDir`.
 * @throws NodeError; BackupError CHAIN_MISMATCH when the node is not of the given network
 */
export async function openSite(
  settings: JobSettings,
  address: string,
  dataDir: string,
  signal?: AbortSignal,
): Promise<Site> {
  // Whoever has stored something before has had an answer: it may be away behind a proxy now.
  const node = new NodeClient({ address, known: settings.existingStorage === true });
  try {
    const genesis = await fetchGenesis(node, signal);
    const network = recogniseNetwork(settings.network, genesis);
    const trusted = new TrustedWaypoints(settings.trustWaypoints, trustedOf(network));
    const cache = endingsFile(dataDir, genesis, trusted);
    const history = new EpochHistory(node, genesis, trusted, cache);
    await history.ending(0n, signal);
    // A genesis that nobody vouches for must at least have validators that signed what follows.
    const newest = await node.dbState(signal);
    if (newest && newest.epoch > 1n) await history.ending(1n, signal);
    return {
      address,
      others: settings.nodes.filter((other) => other !== address),
      node,
      storage: openStorage(settings.storage),
      genesis,
      network: network?.name ?? settings.network,
      trusted,
      history,
      ledgerInfos: historyProver(history, trusted),
    };
  } catch (error) {
    node.close();
    throw error;
  }
}

/** Waypoint of the genesis ledger info that a node serves. */
export async function fetchGenesis(node: NodeClient, signal?: AbortSignal): Promise<string> {
  for await (const record of readRecords(node.epochEndings(0n, 1n, signal))) {
    return formatWaypoint(waypointOf(decodeLedgerInfoWithSignatures(record).ledgerInfo));
  }
  throw new BackupError('NODE_BEHIND', 'the node has no genesis ledger info yet', true);
}

function recogniseNetwork(name: string | undefined, genesis: string) {
  const byGenesis = KNOWN_NETWORKS.find((n) => n.genesis && formatWaypoint(n.genesis) === genesis);
  const byName = KNOWN_NETWORKS.find((n) => n.name === name);
  if (name === undefined) return byGenesis;
  const wanted = byName?.genesis ? formatWaypoint(byName.genesis) : undefined;
  const wrong = (byGenesis && byGenesis.name !== name) || (wanted && wanted !== genesis);
  if (wrong) {
    throw new BackupError(
      'CHAIN_MISMATCH',
      `the node serves ${byGenesis?.name ?? 'a chain'} with genesis ${genesis}, not network ${name}${wanted ? ` with genesis ${wanted}` : ''}`,
      true,
    );
  }
  return byName;
}

function trustedOf(network: KnownNetwork | undefined): Waypoint[] {
  if (!network) return [];
  return network.genesis ? [network.genesis, ...network.waypoints] : network.waypoints;
}

/** Verified endings of one chain under one set of trusted waypoints, in the data folder. */
function endingsFile(dataDir: string, genesis: string, trusted: TrustedWaypoints): EndingsCache {
  const key = createHash('sha256')
    .update([genesis, ...trusted.list()].join('\n'))
    .digest('hex');
  const file = path.join(dataDir, 'epochs', `${key.slice(0, 32)}.json`);
  return {
    async load() {
      try {
        const bytes = await readFile(file);
        if (!isIntact(bytes)) return []; // a wrong waypoint would make liars of all nodes
        const stored = JSON.parse(bytes.toString('utf8')) as { endings: [string, string][] };
        return stored.endings.map(([waypoint, proven]) => ({
          version: BigInt(waypoint.slice(0, waypoint.indexOf(':'))),
          waypoint,
          proven: proven as EpochEnding['proven'],
        }));
      } catch {
        return []; // absent or damaged: it is verified again from the node
      }
    },
    async save(endings) {
      const temporary = `${file}.${process.pid}`;
      const content = { endings: endings.map((e) => [e.waypoint, e.proven]) };
      try {
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(temporary, encodeDigested(content));
        await rename(temporary, file);
      } catch {
        // Only time is lost: the next process verifies them again from the node.
        await rm(temporary, { force: true }).catch(() => undefined);
      }
    },
  };
}
