import type { WatchOrder } from '../../contract/coordinator-state.js';
import type { NodeView } from '../../contract/coordinator-memory.js';
import { oldestState, oldestTransaction } from '../../site/prune-edge.js';
import type { Site } from '../../site/site.js';

const EDGES_MS = 10 * 60_000;
/** A shorter interval while some node gives no answer. */
const UNASKED_MS = 3 * 60_000;

/** Asks the other nodes of a job. The result names those that do not answer. */
export type AskOthers = <T>(
  ask: (site: Site) => Promise<T>,
) => Promise<{ answers: T[]; unasked: string[] }>;

interface Edges {
  /** The oldest transaction, or the oldest epoch whose state exists; undefined: none. */
  oldest: bigint | undefined;
  state: bigint | undefined;
}

/**
 * Finds the prune edges of transactions and states, every ten minutes. When the watched node no longer
 * has all that is still to be stored, the lowest edge of all nodes that answer counts. Returns the view
 * with the edges.
 */
export async function lookAtEdges(
  site: Site,
  order: WatchOrder,
  view: NodeView,
  askOthers: AskOthers,
  signal: AbortSignal,
): Promise<NodeView> {
  const every = view.unasked ? UNASKED_MS : EDGES_MS;
  if (Date.now() - (view.edgesAt ?? 0) < every) return view;
  const tip = BigInt(view.version);
  const newest = BigInt(view.ended) - 1n;
  const { snapshotDue: due } = order;
  const alone = site.others.length === 0;
  const own = await edgesOf(site, tip, newest, signal);
  const all = [own];
  let unasked: string[] = [];
  const lacks = own.oldest === undefined || own.oldest > BigInt(order.need);
  const lacksState = due !== undefined && own.state !== 0n;
  if (!alone && (lacks || lacksState)) {
    const asked = await askOthers(async (other) => {
      const state = await other.node.dbState(signal);
      const reached = state ? state.committedVersion : 0n;
      const ended = (state?.epoch ?? 0n) - 1n;
      const upTo = reached < tip ? reached : tip;
      return edgesOf(other, upTo, ended < newest ? ended : newest, signal);
    });
    all.push(...asked.answers);
    unasked = asked.unasked;
  }
  const oldest = lowest(all.map((edges) => edges.oldest));
  const state = lowest(all.map((edges) => edges.state));
  const endOf = async (epoch: bigint) => (await site.history.ending(epoch, signal)).version;
  const pruned = state !== undefined && state > 0n ? await endOf(state - 1n) : undefined;
  const kept = pruned === undefined ? undefined : tip - pruned;
  const left =
    kept === undefined || due === undefined || BigInt(due) > newest
      ? undefined
      : (await endOf(BigInt(due))) + kept - tip;
  const { snapshotLeft: _, unasked: before, ...rest } = view;
  const known = oldest === undefined ? rest : withoutEdges(rest);
  return {
    ...known,
    ...(oldest === undefined || oldest === 0n
      ? {}
      : { oldestVersion: `${oldest}`, ledgerWindow: `${tip - oldest}` }),
    ...(state === undefined ? {} : { oldestSnapshotEpoch: `${state}` }),
    ...(kept === undefined ? {} : { stateWindow: `${kept}` }),
    ...(left === undefined ? {} : { snapshotLeft: { epoch: due!, versions: `${left}` } }),
    ...(unasked.length === 0
      ? {}
      : { unasked: { nodes: unasked, since: before?.since ?? Date.now() } }),
    edgesAt: Date.now(),
  };
}

async function edgesOf(
  site: Site,
  tip: bigint,
  newest: bigint,
  signal: AbortSignal,
): Promise<Edges> {
  return {
    oldest: await oldestTransaction(site, 0n, tip, signal),
    state: newest >= 0n ? await oldestState(site, 0n, newest, signal) : undefined,
  };
}

/** Drops the known edges: another node may have more than the one that was asked before. */
function withoutEdges(view: NodeView): NodeView {
  const { oldestVersion: _o, ledgerWindow: _l, stateWindow: _s, ...rest } = view;
  return rest;
}

function lowest(numbers: (bigint | undefined)[]): bigint | undefined {
  const known = numbers.filter((n) => n !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => (a < b ? a : b));
}
