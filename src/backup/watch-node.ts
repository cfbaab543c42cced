import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeView, WatchOrder, WatchResult } from '../plan/coordinator.js';
import { losesRace } from '../plan/prune-forecast.js';
import type { DbState } from '../node/client.js';
import { NodeError } from '../node/errors.js';
import { requireSameChain } from './chain-anchor.js';
import { BackupError } from './errors.js';
import { type Lease, RENEW_MS, describeHolder } from './lease.js';
import { hasState, oldestState, oldestTransaction } from './prune-edge.js';
import { type Site, fetchGenesis } from './site.js';

const POLL_MS = 1_000;
const SLOWEST_POLL_MS = 15_000;
/** A node that is away for less is not worth telling. */
const TROUBLE_MS = 60_000;
const IDENTITY_MS = 60_000;
const SNAPSHOT_MS = 15_000;
/** Versions that a chain may add between two looks; far above what any does in a second. */
const MOST_GROWTH = 1_000_000n;
const EDGES_MS = 10 * 60_000;
/** A chain that stands still may have ended its epoch with its last version. */
const HALTED_MS = 30_000;
const RATE_WINDOW_MS = 5 * 60_000;
/** Returns at the latest, so that whoever waits sees that somebody still looks. */
const LONGEST_MS = 60 * 60_000;

const UNSEEN: NodeView = { ended: '0', version: '0', at: 0, versionsPerSecond: 0 };

export interface WatchTools {
  signal: AbortSignal;
  report: (view: NodeView) => void;
  /** The claim on the storage that is kept while we watch. */
  lease?: Lease;
  /** Records stored and to be stored of the snapshot in the making. */
  snapshotProgress: (workflowId: string) => Promise<{ done: number; total: number } | undefined>;
}

/**
 * Polls a node once a second until there is something to do: a version or the end of an epoch that
 * was waited for, a time, or trouble that began or ended. Nothing is written.
 * @throws BackupError CHAIN_MISMATCH when the node is of another chain now
 */
export async function watchNode(
  site: Site,
  order: WatchOrder,
  tools: WatchTools,
): Promise<WatchResult> {
  await requireSameChain(site, tools.signal);
  const { lease, signal } = tools;
  const holder = await lease?.claim(signal);
  const view = order.view ?? UNSEEN;
  if (holder) return { view, claimLost: describeHolder(holder) };
  const over = new AbortController();
  const watching = new NodeWatch(site, order, {
    ...tools,
    signal: AbortSignal.any([signal, over.signal]),
  }).run();
  try {
    if (!lease) return await watching;
    const lost = keepClaim(lease, AbortSignal.any([signal, over.signal]));
    return await Promise.race([watching, lost.then((claimLost) => ({ view, claimLost }))]);
  } finally {
    over.abort();
    watching.catch(() => undefined);
  }
}

/** Renews a claim until somebody else has it. A storage that hangs or is away ends it, too. */
async function keepClaim(lease: Lease, signal: AbortSignal): Promise<string> {
  for (;;) {
    await sleep(RENEW_MS, undefined, { signal });
    const holder = await lease.renew(signal);
    if (holder) return describeHolder(holder);
  }
}

class NodeWatch {
  private view: NodeView;
  private readonly started = Date.now();
  private readonly samples: { at: number; version: bigint }[] = [];
  private readonly looked = new Map<string, number>();
  private failingSince: number | undefined;
  private behindSince: number | undefined;
  private wait = POLL_MS;
  private movedAt = Date.now();
  private pruned = 0;
  private progressAtStart: { at: number; done: number } | undefined;

  constructor(
    private readonly site: Site,
    private readonly order: WatchOrder,
    private readonly tools: WatchTools,
  ) {
    this.view = order.view ?? UNSEEN;
  }

  async run(): Promise<WatchResult> {
    for (;;) {
      const result = await this.look();
      this.tools.report(this.view);
      if (result) return result;
      await sleep(this.wait, undefined, { signal: this.tools.signal });
    }
  }

  private async look(): Promise<WatchResult | undefined> {
    try {
      await this.lookAtTip();
      await this.lookAtEdges();
      const snapshotLost = await this.lookAtSnapshot();
      if (snapshotLost !== undefined) return { view: this.view, snapshotLost };
    } catch (error) {
      this.tools.signal.throwIfAborted();
      if (!(error instanceof NodeError)) throw error;
      return this.trouble(error.message);
    }
    this.failingSince = undefined;
    this.wait = POLL_MS;
    return this.isNews() ? { view: this.view } : undefined;
  }

  private async lookAtTip(): Promise<void> {
    const { site, order } = this;
    if (this.isTimeFor('identity', IDENTITY_MS)) {
      const genesis = await fetchGenesis(site.node, this.tools.signal);
      if (genesis !== site.genesis) {
        const why = `the node at ${order.settings.node} now serves the chain with genesis ${genesis}, before it was ${site.genesis}; nothing is written. Point it back, or use another storage`;
        throw new BackupError('CHAIN_MISMATCH', why, true);
      }
    }
    const state = await this.steadyState();
    const at = Date.now();
    const version = state?.committedVersion ?? 0n;
    if (this.view.version !== `${version}`) this.movedAt = at;
    const problem = state
      ? this.behindStorage(version)
      : 'the node has an empty database (it is not bootstrapped)';
    const ended = state ? await this.endedEpochs(state.epoch, at) : 0n;
    const { problem: _, ...before } = this.view;
    this.view = {
      ...before,
      ended: `${ended}`,
      version: `${version}`,
      at,
      versionsPerSecond: this.rate(at, version),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /**
   * Nothing proves this answer, and everything is decided by it: one that tells of more or less than
   * a moment's growth has to be given twice.
   */
  private async steadyState() {
    const { node } = this.site;
    const { signal } = this.tools;
    const state = await node.dbState(signal);
    const { ended, version } = this.view;
    if (!state || isGrowth({ epoch: BigInt(ended), committedVersion: BigInt(version) }, state)) {
      return state;
    }
    const again = await node.dbState(signal);
    if (again && isGrowth(state, again)) return again;
    const url = `${this.order.settings.node}/db_state`;
    const why = 'it was asked twice and gave two answers that do not fit together';
    throw new NodeError('NODE_BAD_ANSWER', url, why, true, undefined);
  }

  /** The newest ledger info may itself end its epoch; only asking tells, and only once in a while. */
  private async endedEpochs(epoch: bigint, at: number): Promise<bigint> {
    const known = BigInt(this.view.ended);
    if (known === epoch + 1n) return known;
    if (at - this.movedAt < HALTED_MS || !this.isTimeFor('ending', HALTED_MS)) return epoch;
    try {
      const endings = this.site.node.epochEndings(epoch, epoch + 1n, this.tools.signal);
      for await (const bytes of endings) void bytes;
      return epoch + 1n;
    } catch (error) {
      if (error instanceof NodeError && error.code === 'NODE_SHORT') return epoch;
      throw error;
    }
  }

  private behindStorage(version: bigint): string | undefined {
    const { stored, view } = this.order;
    if (stored === undefined || version >= BigInt(stored)) {
      this.behindSince = undefined;
      return undefined;
    }
    this.behindSince ??= Date.now();
    const known = view?.problem !== undefined;
    if (!known && Date.now() - this.behindSince < TROUBLE_MS) return undefined;
    return `the node has version ${version}, but the storage reaches ${stored}: it was wiped, or is behind; nothing is backed up before it has caught up`;
  }

  private rate(at: number, version: bigint): number {
    const last = this.samples.at(-1);
    if (!last || at - last.at > 10_000) this.samples.push({ at, version });
    while (this.samples.length > 2 && at - this.samples[0]!.at > RATE_WINDOW_MS) {
      this.samples.shift();
    }
    const first = this.samples[0]!;
    const seconds = (at - first.at) / 1000;
    if (seconds < 5) return this.view.versionsPerSecond;
    return Math.max(0, Number(version - first.version) / seconds);
  }

  /** What the node has pruned, of transactions and of states. */
  private async lookAtEdges(): Promise<void> {
    const { site, order, view } = this;
    const { signal } = this.tools;
    if (Date.now() - (view.edgesAt ?? 0) < EDGES_MS) return;
    const tip = BigInt(view.version);
    const oldest = await oldestTransaction(site, BigInt(view.oldestVersion ?? 0), tip, signal);
    const newest = BigInt(view.ended) - 1n;
    const known = BigInt(view.oldestSnapshotEpoch ?? 0);
    const state = newest >= known ? await oldestState(site, known, newest, signal) : undefined;
    const endOf = async (epoch: bigint) => (await site.history.ending(epoch, signal)).version;
    const pruned = state !== undefined && state > 0n ? await endOf(state - 1n) : undefined;
    const { snapshotDue: due } = order;
    const kept = pruned === undefined ? undefined : tip - pruned;
    const left =
      kept === undefined || due === undefined || BigInt(due) > newest
        ? undefined
        : (await endOf(BigInt(due))) + kept - tip;
    const { snapshotLeft: _, ...before } = view;
    this.view = {
      ...before,
      ...(oldest === undefined || oldest === 0n
        ? {}
        : { oldestVersion: `${oldest}`, ledgerWindow: `${tip - oldest}` }),
      ...(state === undefined ? {} : { oldestSnapshotEpoch: `${state}` }),
      ...(kept === undefined ? {} : { stateWindow: `${kept}` }),
      ...(left === undefined ? {} : { snapshotLeft: { epoch: due!, versions: `${left}` } }),
      edgesAt: Date.now(),
    };
  }

  private async lookAtSnapshot(): Promise<string | undefined> {
    const { snapshot } = this.order;
    if (!snapshot || !this.isTimeFor('snapshot', SNAPSHOT_MS)) return undefined;
    const { version } = await this.site.history.ending(BigInt(snapshot.epoch), this.tools.signal);
    this.pruned = (await hasState(this.site, version, this.tools.signal)) ? 0 : this.pruned + 1;
    if (this.pruned >= 2) {
      return `the node has pruned the state of epoch ${snapshot.epoch} (version ${version}) meanwhile`;
    }
    const progress = await this.tools.snapshotProgress(snapshot.workflowId);
    if (!progress) return undefined;
    this.progressAtStart ??= { at: Date.now(), done: progress.done };
    const { stateWindow } = this.view;
    return losesRace({
      version,
      tip: BigInt(this.view.version),
      versionsPerSecond: this.view.versionsPerSecond,
      stateWindow: stateWindow === undefined ? undefined : BigInt(stateWindow),
      stored: progress.done - this.progressAtStart.done,
      left: progress.total - progress.done,
      seconds: (Date.now() - this.progressAtStart.at) / 1000,
    });
  }

  private trouble(reason: string): WatchResult | undefined {
    this.failingSince ??= Date.now();
    this.wait = Math.min(this.wait * 2, SLOWEST_POLL_MS);
    const seconds = Math.round((Date.now() - this.failingSince) / 1000);
    if (Date.now() - this.failingSince < TROUBLE_MS && this.order.view?.problem === undefined) {
      return undefined;
    }
    this.view = {
      ...this.view,
      problem: `the node does not answer (for ${seconds} s now): ${reason}`,
    };
    return this.isNews() ? { view: this.view } : undefined;
  }

  private isNews(): boolean {
    const { order, view } = this;
    if (!order.view) return true;
    const now = Date.now();
    return (
      (order.view.problem === undefined) !== (view.problem === undefined) ||
      lostUpTo(order, order.view) !== lostUpTo(order, view) ||
      (order.version !== undefined && BigInt(view.version) >= BigInt(order.version)) ||
      (order.ended !== undefined && BigInt(view.ended) >= BigInt(order.ended)) ||
      (order.until !== undefined && now >= order.until) ||
      now - this.started > LONGEST_MS
    );
  }

  private isTimeFor(what: string, everyMs: number): boolean {
    const now = Date.now();
    if (now - (this.looked.get(what) ?? 0) < everyMs) return false;
    this.looked.set(what, now);
    return true;
  }
}

/** The first version that the node has, if it no longer has all that is still to be stored. */
function lostUpTo(order: WatchOrder, { oldestVersion }: NodeView): string | undefined {
  return BigInt(oldestVersion ?? 0) > BigInt(order.need) ? oldestVersion : undefined;
}

/** Whether a node can have come from one state to the other between two looks at it. */
function isGrowth(before: DbState, after: DbState): boolean {
  const epochs = after.epoch - before.epoch;
  const versions = after.committedVersion - before.committedVersion;
  return epochs >= 0n && epochs <= 1n && versions >= 0n && versions <= MOST_GROWTH;
}
