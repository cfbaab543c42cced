import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatWaypoint } from '../aptos/chain/waypoint.js';
import { Chain, type ChainOptions } from './chain/chain.js';
import { type Fault, type FaultInput, Faults } from './faults.js';
import type { Served } from './http/answers.js';
import { createControl } from './http/control.js';
import { createService } from './http/service.js';
import { GrowthJournal, type GrowthStep } from './journal.js';

export interface DevnodeOptions {
  /** Everything about the chain follows from it. @default 1 */
  seed?: number;
  /** Record format. @default 'V1' */
  format?: 'V0' | 'V1';
  /** Transactions after genesis, at start. @default 1000 */
  transactions?: number;
  /** State items at start, about. @default 2 per transaction */
  stateItems?: number;
  /** Epochs that have ended at start, genesis included. @default 4 */
  epochs?: number;
  /** @default 4 */
  validators?: number;
  /** A network's genesis transaction: served as the only version. */
  genesis?: Uint8Array;
  /** Versions kept. @default all */
  pruneWindow?: number;
  /** Epoch snapshots kept. @default all of a small state, 3 of one above 200,000 items */
  snapshotsKept?: number;
  /** Versions above the newest ledger info that are executed but not signed yet. @default 0 */
  unsigned?: number;
  /** Answers like a node before its genesis. @default false */
  empty?: boolean;
  /** @default 0: whichever port is free */
  port?: number;
  controlPort?: number;
  host?: string;
  /** A file that keeps how the chain grew after its start; what it holds is grown again at once. */
  journal?: string;
  /** What the fault `die` does. @default closes the service at once */
  onDie?: () => void;
}

export interface Facts {
  genesis_waypoint: string;
  epoch: number;
  version: number;
  /** Last version of each epoch that has ended. */
  epoch_ends: number[];
  /** State items at the end of the newest epoch. */
  state_items: number;
}

/** A running simulated node. */
export interface Devnode {
  readonly address: string;
  readonly controlAddress: string;
  facts(): Facts;
  /** Adds transactions, spread over `epochs` epochs that end with them. */
  grow(by: { transactions: number; epochs?: number }): Facts;
  fault(fault: FaultInput): Fault;
  faults(): readonly Fault[];
  clearFaults(): void;
  /** How often each path was asked for. */
  requests(): Record<string, number>;
  clearRequests(): void;
  die(): void;
  close(): Promise<void>;
}

const BLOCK_SIZE = 50;
const SMALL_STATE = 200_000;

/** Makes a chain and serves it over the real protocol, with a control port beside it. */
export async function startDevnode(options: DevnodeOptions = {}): Promise<Devnode> {
  const { seed = 1, transactions = 1000, epochs = 4, host = '127.0.0.1' } = options;
  const stateItems = options.stateItems ?? transactions * 2;
  const chainOptions: ChainOptions = {
    seed,
    format: options.format ?? 'V1',
    validators: options.validators ?? 4,
    blockSize: BLOCK_SIZE,
    creations: Math.max(0, Math.round(stateItems / Math.max(1, transactions * 0.96))),
    snapshotsKept: options.snapshotsKept ?? (stateItems > SMALL_STATE ? 3 : Infinity),
    ...(options.genesis ? { genesis: options.genesis } : {}),
  };
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
  const requests = new Map<string, number>();
  const die = () => {
    if (options.onDie) options.onDie();
    else void stop(service);
  };
  const service = createService({
    served,
    forged: () => (forged ??= serve(build(true), buildAhead(true))),
    faults,
    onRequest: (path) => requests.set(path, (requests.get(path) ?? 0) + 1),
    onDie: die,
  });
  const node: Omit<Devnode, 'controlAddress'> = {
    address: await listen(service, host, options.port ?? 0),
    facts: () => factsOf(served.chain),
    grow(by) {
      const step = { transactions: by.transactions, epochs: by.epochs ?? 0 };
      journal?.add(step);
      growChain(served.chain, step);
      growth.push(step);
      served.ahead = buildAhead(false);
      if (forged) {
        growChain(forged.chain, step);
        forged.ahead = buildAhead(true);
      }
      return factsOf(served.chain);
    },
    fault: (input) => faults.add(input),
    faults: () => faults.all(),
    clearFaults: () => faults.clear(),
    requests: () => Object.fromEntries(requests),
    clearRequests: () => requests.clear(),
    die,
    async close() {
      await Promise.all([stop(service), stop(control)]);
    },
  };
  const control = createControl(node);
  const controlAddress = await listen(control, host, options.controlPort ?? 0);
  return { ...node, controlAddress };
}

function growChain(chain: Chain, by: GrowthStep): void {
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

function factsOf(chain: Chain): Facts {
  const newest = [...chain.snapshots.values()].at(-1);
  return {
    genesis_waypoint: formatWaypoint(chain.waypoint),
    epoch: chain.epoch,
    version: chain.version,
    epoch_ends: chain.ends.map(({ version }) => version),
    state_items: newest?.count ?? 0,
  };
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
