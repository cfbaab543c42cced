import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeLedgerInfoWithSignatures, formatWaypoint, waypointOf } from '../aptos/index.js';
import { Chain, type ChainOptions } from './chain/chain.js';
import type { FutureRecords } from './chain/future.js';
import type { UnsignedKind } from './chain/unsigned.js';
import { type Fault, type FaultInput, Faults } from './faults.js';
import type { Served } from './http/answers.js';
import { createControl } from './http/control.js';
import { createService } from './http/service.js';
import { Load, type LoadSoFar } from './load.js';
import { GrowthJournal, type GrowthStep } from './journal.js';

export interface DevnodeOptions {
  /** Seed of all random data: with the same options, the same seed makes the same chain. @default 1 */
  seed?: number;
  /**
   * When the chain began by its own clock, unix seconds; each block takes one second. `now`: begin just so much
   * earlier that the tip is new. @default 1700000000
   */
  startTime?: number | 'now';
  /** Record format. @default 'V1' */
  format?: 'V0' | 'V1';
  /** Transactions after genesis at the start. @default 1000 */
  transactions?: number;
  /** Approximate number of state items at the start. @default 2 per transaction */
  stateItems?: number;
  /** Epochs that have ended at the start, with that of genesis. @default 4 */
  epochs?: number;
  /** @default 4 */
  validators?: number;
  /** Ledger infos up to the end of this epoch are unsigned, as on a migrated chain. @default all are signed */
  unsignedUntilEpoch?: number;
  /** What unsigned ledger infos have instead of a signature. @default 'none' */
  unsignedKind?: UnsignedKind;
  /** A network's genesis transaction; the node then serves only that version. */
  genesis?: Uint8Array;
  /** Records in newer formats than we know, from a version on. @default none */
  future?: FutureRecords;
  /** How many versions the node keeps. @default all */
  pruneWindow?: number;
  /** How many snapshots the node keeps. @default all; 3 if the state has more than 200,000 items */
  snapshotsKept?: number;
  /** How many versions above the newest ledger info are executed but not signed yet. @default 0 */
  unsigned?: number;
  /** Makes the node answer like one that has no genesis yet. @default false */
  empty?: boolean;
  /** Port of the backup service. @default 0, which means any free port */
  port?: number;
  /** Port of the remote control. @default 0, which means any free port */
  controlPort?: number;
  host?: string;
  /** A file that records each growth of the chain. At the start, the node repeats the growth in it. */
  journal?: string;
  /** Called for the fault `die`. @default closes the service at once */
  onDie?: () => void;
}

export interface Facts {
  genesis_waypoint: string;
  epoch: number;
  version: number;
  /** The last version of each ended epoch. */
  epoch_ends: number[];
  /** The waypoint at the end of the last unsigned epoch, once that epoch has ended. Operators must trust it. */
  trust_waypoint?: string;
  /** Number of state items at the end of the newest ended epoch. */
  state_items: number;
}

/** A running simulated node. */
export interface Devnode {
  readonly address: string;
  readonly controlAddress: string;
  facts(): Facts;
  /**
   * Adds transactions and ends `epochs` epochs within them, at even distances. With `at`, unix milliseconds, their
   * blocks are of that time, as those of a chain that follows a clock. @default epochs: 0, at: one second for each block
   */
  grow(by: { transactions: number; epochs?: number; at?: number }): Facts;
  fault(fault: FaultInput): Fault;
  faults(): readonly Fault[];
  clearFaults(): void;
  /** How often each path was requested. */
  requests(): Record<string, number>;
  clearRequests(): void;
  load(): LoadSoFar;
  die(): void;
  close(): Promise<void>;
}

const BLOCK_SIZE = 50;
const SMALL_STATE = 200_000;

/** Makes a chain and serves it over the protocol of the real backup service. A second port is the remote control. */
export async function startDevnode(options: DevnodeOptions = {}): Promise<Devnode> {
  const { seed = 1, transactions = 1000, epochs = 4, host = '127.0.0.1' } = options;
  const chainOptions = chainOptionsOf(options, seed, transactions, epochs);
  const journal = options.journal === undefined ? undefined : new GrowthJournal(options.journal);
  const growth: GrowthStep[] = [];
  const build = (forged: boolean) => {
    const chain = new Chain({ ...chainOptions, forged });
    for (const step of growth) growChain(chain, step);
    return chain;
  };
  if (!options.genesis && !options.empty) growth.push({ transactions, epochs: epochs - 1 });
  growth.push(...(journal?.read() ?? []));
  const buildAhead = (forged: boolean) => {
    if (!options.unsigned) return undefined;
    const chain = build(forged);
    chain.grow(options.unsigned, false);
    return chain;
  };
  const serve = (chain: Chain, ahead = buildAhead(false)): Served => {
    return { chain, ahead, pruneWindow: options.pruneWindow, empty: options.empty ?? false };
  };
  const served = serve(build(false));
  let forged: Served | undefined;
  const faults = new Faults(seed);
  const load = new Load();
  const die = () => (options.onDie ? options.onDie() : void stop(service));
  const service = createService({
    served,
    forged: () => (forged ??= serve(build(true), buildAhead(true))),
    faults,
    ...{ onDie: die, load },
  });
  const node: Omit<Devnode, 'controlAddress'> = {
    address: await listen(service, host, options.port ?? 0),
    facts: () => factsOf(served.chain, options.unsignedUntilEpoch),
    grow(by) {
      const step = { ...by, epochs: by.epochs ?? 0 };
      journal?.add(step);
      growChain(served.chain, step);
      growth.push(step);
      served.ahead = buildAhead(false);
      if (forged) {
        growChain(forged.chain, step);
        forged.ahead = buildAhead(true);
      }
      return factsOf(served.chain, options.unsignedUntilEpoch);
    },
    fault: (input) => faults.add(input),
    faults: () => faults.all(),
    clearFaults: () => faults.clear(),
    requests: () => Object.fromEntries(load.paths),
    clearRequests: () => load.paths.clear(),
    load: () => load.soFar,
    die,
    close: async () => void (await Promise.all([stop(service), stop(control)])),
  };
  const control = createControl(node);
  const controlAddress = await listen(control, host, options.controlPort ?? 0);
  return { ...node, controlAddress };
}

function chainOptionsOf(
  options: DevnodeOptions,
  seed: number,
  transactions: number,
  epochs: number,
): ChainOptions {
  const stateItems = options.stateItems ?? transactions * 2;
  const startTime =
    options.startTime === 'now'
      ? Math.floor(Date.now() / 1000) - Math.ceil(transactions / BLOCK_SIZE) - epochs
      : options.startTime;
  return {
    seed,
    ...(startTime === undefined ? {} : { startTime }),
    format: options.format ?? 'V1',
    validators: options.validators ?? 4,
    blockSize: BLOCK_SIZE,
    creations: Math.max(0, Math.round(stateItems / Math.max(1, transactions * 0.96))),
    snapshotsKept: options.snapshotsKept ?? (stateItems > SMALL_STATE ? 3 : Infinity),
    ...(options.genesis ? { genesis: options.genesis } : {}),
    ...(options.future ? { future: options.future } : {}),
    unsigned: options.unsignedUntilEpoch
      ? { untilEpoch: options.unsignedUntilEpoch, kind: options.unsignedKind ?? 'none' }
      : undefined,
  };
}

function growChain(chain: Chain, by: GrowthStep): void {
  chain.clock = by.at;
  if (by.epochs <= 0) return chain.grow(by.transactions, false);
  for (let i = 1; i <= by.epochs; i += 1) {
    const share = (n: number) => Math.floor((by.transactions * n) / (by.epochs + 0.5));
    chain.grow(Math.max(2, share(i) - share(i - 1)), true);
  }
  chain.grow(
    by.transactions - Math.floor((by.transactions * by.epochs) / (by.epochs + 0.5)),
    false,
  );
}

function factsOf(chain: Chain, unsignedUntil: number | undefined): Facts {
  const last = unsignedUntil ? chain.ends[unsignedUntil] : undefined;
  return {
    genesis_waypoint: formatWaypoint(chain.waypoint),
    epoch: chain.epoch,
    version: chain.version,
    epoch_ends: chain.ends.map(({ version }) => version),
    ...(last ? { trust_waypoint: waypointAt(last.ledgerInfo) } : {}),
    state_items: chain.snapshots.newest?.count ?? 0,
  };
}

function waypointAt(ledgerInfo: Uint8Array): string {
  return formatWaypoint(waypointOf(decodeLedgerInfoWithSignatures(ledgerInfo).ledgerInfo));
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return `http://${host}:${address.port}`;
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
