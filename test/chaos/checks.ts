import type { Client } from '@temporalio/client';
import { coordinatorId, readCoordinator } from '../../src/client/live-status.js';
import { readCatalog } from '../../src/repository/catalog.js';
import { openStorage } from '../../src/storage/open.js';
import { isOfOne } from '../support/site.js';
import { until } from '../support/until.js';
import type { ChaosEvent } from './plan.js';
import { compareWithTwin } from './twin.js';
import { verifyWorld } from './watch.js';
import type { World } from './world.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';

/** Units that failed rest for minutes before they are tried again. */
const CAUGHT_UP_MS = 15 * 60_000;
const ANSWER_MS = 10_000;
const MOST_EVENTS = 2_000;
/** Chunks in hand at the same time: four lanes in each of two streams, and one in the apart worker. */
const IN_HAND = 9;
/**
 * A chunk is in hand for moments, and failures make the waits longer. So a strike takes a chunk once or a
 * few times; only strikes in quick succession take it again and again. One chunk was fetched 8 times in
 * an hour with 660 kills, and 15 times with a kill every six seconds. More fetches mean that something
 * asks in a loop.
 */
const MOST_OF_ONE = 24;

/** A condition that must hold after a run, and what was found. */
export interface Check {
  what: string;
  found: string;
}

/** Waits until nothing is behind, failed or alarming, although nobody does anything. */
export async function caughtUp(world: World, client: Client): Promise<LiveStatus> {
  const id = coordinatorId(world.place.storage);
  let status: LiveStatus | undefined;
  const isThere = async () => {
    const facts = await world.node.facts();
    status = await client
      .withDeadline(Date.now() + ANSWER_MS, () => readCoordinator(client, id))
      .catch(() => undefined);
    if (!status || !facts) return false;
    const { epoch_ending: epochs, state_snapshot: state, transaction } = status.streams;
    const wanted = [`${facts.version}`, `${facts.epoch - 1}`, `${facts.epoch - 1}`];
    const newest = [transaction.newest, epochs.newest, state.newest];
    const resting = [transaction, epochs, state].every((s) => !s.current && s.failed.length === 0);
    // The alarm about a lie stays for a day.
    const raised = status.alarms.filter(({ code }) => code !== 'NODE_LIED');
    return newest.join() === wanted.join() && resting && raised.length === 0;
  };
  await until('everything has caught up', isThere, CAUGHT_UP_MS).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}; status: ${JSON.stringify(status)}`);
  });
  return status!;
}

/**
 * Checks everything that must hold after a run has caught up.
 * @throws Error at the first that does not
 */
export async function checkAll(
  world: World,
  client: Client,
  seed: number,
  events: readonly ChaosEvent[],
): Promise<Check[]> {
  const twin = await compareWithTwin(world, seed);
  return [
    {
      what: 'same bytes as without faults',
      found: `${twin.units} backups, ${twin.bytes} bytes`,
    },
    await checkWhole(world),
    await checkFetched(world, events),
    await checkHistories(client),
  ];
}

async function checkWhole(world: World): Promise<Check> {
  const coverage = await verifyWorld(world, true);
  const { ok, findings, orphans, restorable_by_stock: stock, missing_count: holes } = coverage;
  if (!ok || holes > 0 || !stock.yes || orphans.length > 0) {
    const why = { findings, orphans, stock, holes };
    throw new Error(`the storage did not pass the last check: ${JSON.stringify(why)}`);
  }
  // Leases are written all the time, so unfinished files come and go. Abandoned ones never go.
  const parts = () => world.place.unfinished();
  const isTidy = async () => (await parts()).length === 0;
  await until('nothing half-written is left', isTidy).catch(async (error: unknown) => {
    throw new Error(`${(error as Error).message}: ${(await parts()).join(', ')}`);
  });
  const { records, objects } = coverage.checked;
  return {
    what: 'verified from its own files, no hole, no orphan, stock restores',
    found: `${records} records in ${objects} objects`,
  };
}

/**
 * Checks how often chunks were fetched from the node, by counting the requests for their proofs: once for
 * each chunk, and again only for chunks that a strike took.
 */
async function checkFetched(world: World, events: readonly ChaosEvent[]): Promise<Check> {
  await world.node.look();
  let asked = 0;
  let most = 0;
  for (const [path, times] of world.node.requests()) {
    if (!/^\/(transaction_range_proof|state_range_proof)\//.test(path)) continue;
    // A watch asks for the proof of the newest version, to know its age.
    if (path.startsWith('/transaction_range_proof/') && isOfOne(path)) continue;
    asked += times;
    most = Math.max(most, times);
  }
  const { chunks, edges } = await chunksStored(world);
  asked -= edges;
  const again = events.reduce((sum, event) => sum + takenBy(event), 0);
  const faults = world.node.fired + world.link.fired.cut + world.link.fired.stall;
  const bound = chunks + again + faults;
  const found = `${asked} times for ${chunks} chunks (bound ${bound}), one at most ${most} times (bound ${MOST_OF_ONE})`;
  if (asked === 0 || asked > bound || most > MOST_OF_ONE)
    throw new Error(`chunks were fetched ${found}`);
  return { what: 'chunks fetched', found };
}

/** How many chunks in hand a strike can take. Faults of node and line count their own. */
function takenBy(event: ChaosEvent): number {
  switch (event.kind) {
    case 'node':
    case 'link':
      return 0;
    case 'damage':
      return 1;
    case 'storage':
    case 'upload':
      return IN_HAND;
    case 'kill':
    case 'stop':
    case 'outage':
      // Chunks do not depend on the workflow worker, except when no server can be told that they are
      // alive.
      if (event.target === 'workflow worker') return 0;
      if (event.kind !== 'kill') return IN_HAND;
      return ['temporal server', 'postgres'].includes(event.target) ? 0 : IN_HAND;
  }
}

interface Chunk {
  first_version?: number;
  last_version?: number;
}

const isOne = ({ first_version: first, last_version: last }: Chunk) => first === last;

/**
 * The number of stored chunks, and of those that begin after another chunk's last item, whose proof they
 * fetch as well.
 */
async function chunksStored(world: World): Promise<{ chunks: number; edges: number }> {
  const storage = openStorage(world.place.storage);
  const { transactions, snapshots } = await readCatalog(storage);
  const countOf = async ({ manifest }: { manifest: string }) => {
    const bytes = await storage.readAll(manifest, 1 << 28);
    const { chunks } = JSON.parse(Buffer.from(bytes).toString()) as { chunks: Chunk[] };
    return chunks.filter((one) => one.first_version === undefined || !isOne(one)).length;
  };
  let [chunks, edges] = [0, 0];
  for (const entry of transactions) chunks += await countOf(entry);
  for (const entry of snapshots) {
    const count = await countOf(entry);
    chunks += count;
    edges += Math.max(0, count - 1);
  }
  return { chunks, edges };
}

async function checkHistories(client: Client): Promise<Check> {
  let longest = { events: 0, workflow: 'none' };
  let count = 0;
  for await (const { workflowId, runId } of client.workflow.list()) {
    const { historyLength } = await client.workflow.getHandle(workflowId, runId).describe();
    count += 1;
    if (historyLength > longest.events) longest = { events: historyLength, workflow: workflowId };
  }
  const found = `${count} workflows, the longest ${longest.events} events (${longest.workflow})`;
  if (count === 0 || longest.events > MOST_EVENTS) throw new Error(`histories: ${found}`);
  return { what: 'histories', found };
}
