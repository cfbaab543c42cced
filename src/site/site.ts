import {
  decodeLedgerInfoWithSignatures,
  formatWaypoint,
  KNOWN_NETWORKS,
  type KnownNetwork,
  naming,
  readRecords,
  type Waypoint,
  waypointOf,
} from '../aptos/index.js';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { NodeClient } from '../node/client.js';
import type { NodeGate } from '../node/gate.js';
import { makeMissing } from '../lib/host/make-folders.js';
import type { JobSettings } from '../contract/job.js';
import { openStorage } from '../storage/open.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from '../errors/backup-error.js';
import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import { type EndingsCache, type EpochEnding, EpochHistory } from '../trust/epoch-history.js';
import { type LedgerInfoProver, historyProver } from '../trust/ledger-info-proof.js';
import { TrustedWaypoints } from '../trust/trusted-waypoints.js';

export type GateTo = (node: string) => NodeGate | undefined;

/** One node, the storage and the trusted waypoints of a job. All activities of the job use it. */
export interface Site {
  /** URL of the node. */
  address: string;
  /** URLs of the other nodes of the job. */
  others: readonly string[];
  /** The gates of this process to nodes whose use may be limited. */
  gateTo: GateTo;
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
 * Opens the site of a job with the node at `address`. Asks the node for its genesis, recognises the network by it,
 * and loads the epoch endings that were verified before from `dataDir`.
 * @throws NodeError; BackupError CHAIN_MISMATCH when the node is not of the given network; errors of EpochHistory
 */
export async function openSite(
  settings: JobSettings,
  address: string,
  dataDir: string,
  signal?: AbortSignal,
  gateTo: GateTo = () => undefined,
): Promise<Site> {
  // A job that has stored something has had answers from its nodes. So a wrong answer now may come from a proxy.
  const node = new NodeClient({
    address,
    known: settings.existingStorage === true,
    gate: gateTo(address),
  });
  try {
    const genesis = await fetchGenesis(node, signal);
    const network = recogniseNetwork(settings.network, genesis);
    const trusted = new TrustedWaypoints(settings.trustWaypoints, trustedOf(network));
    const cache = endingsFile(dataDir, genesis, trusted);
    const history = new EpochHistory(node, genesis, trusted, cache);
    await history.ending(0n, signal);
    // Perhaps no waypoint confirms the genesis. Then its validators must at least have signed the next epoch ending.
    const newest = await node.dbState(signal);
    if (newest && newest.epoch > 1n) await history.ending(1n, signal);
    return {
      address,
      others: settings.nodes.filter((other) => other !== address),
      gateTo,
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

/** Waypoint of the genesis ledger info that a node serves. @throws NodeError; BackupError NODE_BEHIND */
export async function fetchGenesis(node: NodeClient, signal?: AbortSignal): Promise<string> {
  for await (const record of readRecords(node.epochEndings(0n, 1n, signal))) {
    const signed = naming('the genesis ledger info', () => decodeLedgerInfoWithSignatures(record));
    return formatWaypoint(waypointOf(signed.ledgerInfo));
  }
  throw new BackupError('NODE_BEHIND', 'the node has no genesis ledger info yet');
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
    );
  }
  return byName;
}

function trustedOf(network: KnownNetwork | undefined): Waypoint[] {
  if (!network) return [];
  return network.genesis ? [network.genesis, ...network.waypoints] : network.waypoints;
}

/**
 * The file of verified epoch endings in the data folder, one for each genesis and set of trusted waypoints
 * (docs/formats.md, Our own files).
 */
function endingsFile(dataDir: string, genesis: string, trusted: TrustedWaypoints): EndingsCache {
  const key = createHash('sha256')
    .update([genesis, ...trusted.list()].join('\n'))
    .digest('hex');
  const file = path.join(dataDir, 'epochs', `${key.slice(0, 32)}.json`);
  return {
    async load() {
      try {
        const bytes = await readFile(file);
        if (!isIntact(bytes)) return []; // with a damaged waypoint, every honest node would look like a liar
        const stored = JSON.parse(bytes.toString('utf8')) as { endings: [string, string][] };
        return stored.endings.map(([waypoint, proven]) => ({
          version: BigInt(waypoint.slice(0, waypoint.indexOf(':'))),
          waypoint,
          proven: proven as EpochEnding['proven'],
        }));
      } catch {
        return []; // absent or damaged: the endings are verified again from the node
      }
    },
    async save(endings) {
      const temporary = `${file}.${process.pid}`;
      const content = { endings: endings.map((e) => [e.waypoint, e.proven]) };
      try {
        await makeMissing(path.dirname(file));
        await writeFile(temporary, encodeDigested(content));
        await rename(temporary, file);
      } catch {
        // Only time is lost: the next process verifies the endings again from the node.
        await rm(temporary, { force: true }).catch(() => undefined);
      }
    },
  };
}
