import type { Client } from '@temporalio/client';
import { type LiveStatus, coordinatorId, readCoordinator } from '../../src/client/coordinator.js';
import { readCatalog } from '../../src/catalog/catalog.js';
import { openStorage } from '../../src/storage/open.js';
import { leftovers } from '../support/backup.js';
import { until } from '../support/temporal.js';
import type { ChaosEvent } from './plan.js';
import { compareWithTwin } from './twin.js';
import { verifyWorld } from './watch.js';
import type { World } from './world.js';

/** Units that failed rest for minutes before they are tried again. */
const CAUGHT_UP_MS = 15 * 60_000;
const ANSWER_MS = 10_000;
const MOST_EVENTS = 2_000;
/** Chunks that are in hand at once: four lanes in each of two streams, and one apart. */
const IN_HAND = 9;
/**
 * One chunk is in hand for moments, and who fails waits for longer each time: a strike takes it once, or
 * a few times, and only strikes that follow closely take it again and again. It was asked for 8 times in an
 * hour with 660 kills, 15 times with a kill every six seconds. More often, somebody asks in a loop.
 */
const MOST_OF_ONE = 24;

/** One thing that has to be true after a run, and what was found. */
export interface Check {
  what: string;
  found: string;
}

/** Waits until nothing is behind, failed or alarming, without anybody's doing. */
export async function caughtUp(world: World, client: Client): Promise<LiveStatus> {
  const id = coordinatorId({ local_fs_dir: world.volume.storage });
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
    // That a node lied is told for a day.
    const raised = status.alarms.filter(({ code }) => code !== 'NODE_LIED');
    return newest.join() === wanted.join() && resting && raised.length === 0;
  };
  await until('everything has caught up', isThere, CAUGHT_UP_MS).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}; status: ${JSON.stringify(status)}`);
  });
  return status!;
}

/** All that must hold when a run is over and everything has caught up. @throws Error at the first that does not */
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
  const { ok, findings, orphans, restorable_by_stock: stock, hole_count: holes } = coverage;
  if (!ok || holes > 0 || !stock.yes || orphans.length > 0) {
    const why = { findings, orphans, stock, holes };
    throw new Error(`the storage is not as it must be: ${JSON.stringify(why)}`);
  }
  // Leases are always on their way; what was left over never goes.
  const parts = () => leftovers(world.volume.storage);
  await until('nothing half-written is left', () => parts().length === 0).catch(
    (error: unknown) => {
      throw new Error(`${(error as Error).message}: ${parts().join(', ')}`);
    },
  );
  const { records, objects } = coverage.checked;
  return {
    what: 'verified again from itself, no hole, no orphan, stock restores',
    found: `${records} records in ${objects} objects`,
  };
}

/**
 * How often chunks were asked of the node, told by their proofs, one for each: once each, and again only
 * what a strike took out of somebody's hands.
 */
async function checkFetched(world: World, events: readonly ChaosEvent[]): Promise<Check> {
  await world.node.look();
  let asked = 0;
  let most = 0;
  for (const [path, times] of world.node.requests()) {
    if (!/^\/(transaction_range_proof|state_range_proof)\//.test(path)) continue;
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

/** How many chunks a strike can take out of somebody's hands. Faults of node and line count themselves. */
function takenBy(event: ChaosEvent): number {
  switch (event.kind) {
    case 'node':
    case 'link':
      return 0;
    case 'damage':
      return 1;
    case 'storage':
      return IN_HAND;
    case 'kill':
    case 'stop':
    case 'outage':
      // Chunks do not hang on who decides about them, unless nobody can be told that they are alive.
      if (event.target === 'workflow worker') return 0;
      if (event.kind !== 'kill') return IN_HAND;
      return ['temporal server', 'postgres'].includes(event.target) ? 0 : IN_HAND;
  }
}

/** And how many of them begin behind another's last item, whose proof they ask for as well. */
async function chunksStored(world: World): Promise<{ chunks: number; edges: number }> {
  const storage = openStorage({ local_fs_dir: world.volume.storage });
  const { transactions, snapshots } = await readCatalog(storage);
  const countOf = async ({ manifest }: { manifest: string }) => {
    const bytes = await storage.readAll(manifest, 1 << 28);
    return (JSON.parse(Buffer.from(bytes).toString()) as { chunks: unknown[] }).chunks.length;
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
