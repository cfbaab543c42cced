import { setTimeout as sleep } from 'node:timers/promises';
import type { WatchOrder } from '../../contract/coordinator-state.js';
import type { NodeView } from '../../contract/coordinator-memory.js';
import { losesRace } from './prune-forecast.js';
import type { DbState } from '../../node/client.js';
import { notingWaits } from '../../node/gate-waits.js';
import { NodeError } from '../../node/node-error.js';
import { BackupError } from '../../errors/backup-error.js';
import { lackOfState } from '../../site/prune-edge.js';
import { type Site, fetchGenesis } from '../../site/site.js';
import { type AskOthers, lookAtEdges } from './edges.js';

const IDENTITY_MS = 60_000;
const SNAPSHOT_MS = 15_000;
/** Most versions that a chain may add between two looks. No chain adds nearly as many in a second. */
const MOST_GROWTH = 1_000_000n;
/** After this time without a new version, the last version may have ended its epoch. */
const HALTED_MS = 30_000;
const RATE_WINDOW_MS = 5 * 60_000;

export interface LookTools {
  signal: AbortSignal;
  /** Stored records and all records of the running snapshot. */
  snapshotProgress: (workflowId: string) => Promise<{ done: number; total: number } | undefined>;
  askOthers: AskOthers;
  /** Longest wait for the newest version when another node can be asked. */
  answerMs: number | undefined;
}

/** The result of one look at a node. */
export interface Look {
  view: NodeView;
  /** Why the node cannot be used now, although it answers: it is empty, or behind the storage. */
  lacks?: { why: string; empty: boolean };
  /** Why the running snapshot cannot be finished. */
  snapshotLost?: string;
}

/** Looks at one node repeatedly. */
export class Lookout {
  private readonly samples: { at: number; version: bigint }[] = [];
  private readonly looked = new Map<string, number>();
  private pruned = 0;
  private progressAtStart: { at: number; done: number } | undefined;

  constructor(
    readonly site: Site,
    private readonly order: WatchOrder,
    private readonly tools: LookTools,
  ) {}

  /**
   * What the node has now. `before`: the last view.
   * @throws NodeError; BackupError CHAIN_MISMATCH when the node now serves another chain
   */
  async look(before: NodeView): Promise<Look> {
    const { view: tip, lacks } = await this.lookAtTip(before).catch((error: unknown) => {
      // What answers next at this address may be another node.
      this.looked.delete('identity');
      throw error;
    });
    const { site, order, tools } = this;
    if (lacks) return { view: tip, lacks };
    const view = await lookAtEdges(site, order, tip, tools.askOthers, tools.signal);
    const snapshotLost = await this.lookAtSnapshot(view);
    return { view, ...(snapshotLost === undefined ? {} : { snapshotLost }) };
  }

  private async lookAtTip(before: NodeView): Promise<Look> {
    const { site } = this;
    if (this.isTimeFor('identity', IDENTITY_MS)) {
      const genesis = await fetchGenesis(site.node, this.tools.signal);
      if (genesis !== site.genesis) {
        const why = `the node at ${site.address} now serves the chain with genesis ${genesis}, before it was ${site.genesis}; nothing is written. Point it back, or use another storage`;
        throw new BackupError('CHAIN_MISMATCH', why);
      }
    }
    const state = await this.steadyState(before);
    const at = Date.now();
    const version = state?.committedVersion ?? 0n;
    const movedAt = this.movedAt(before, version, at);
    const ended = state ? await this.endedEpochs(before, state.epoch, at - movedAt) : 0n;
    const lacks = state
      ? this.behindStorage(version)
      : { why: 'the node has an empty database (it is not bootstrapped)', empty: true };
    const view = {
      ...before,
      ended: `${ended}`,
      version: `${version}`,
      at,
      movedAt,
      versionsPerSecond: this.rate(before, at, version),
    };
    return { view, ...(lacks ? { lacks } : {}) };
  }

  /**
   * Reads the state of the node. Nothing proves this answer, but every decision depends on it. So the
   * node must repeat an answer that differs from the last one by more than a moment's growth.
   */
  private async steadyState({ ended, version }: NodeView): Promise<DbState | undefined> {
    const { node, address } = this.site;
    const { signal, answerMs } = this.tools;
    const url = `${address}/db_state`;
    const ask = () => node.dbState(signal);
    const state = await answerWithin(answerMs, url, ask);
    if (!state || isGrowth({ epoch: BigInt(ended), committedVersion: BigInt(version) }, state)) {
      return state;
    }
    const again = await answerWithin(answerMs, url, ask);
    if (again && isGrowth(state, again)) return again;
    const why = 'the node was asked twice and its two answers contradict each other';
    throw new NodeError('NODE_CONTRADICTED', url, why, undefined);
  }

  /** When the version last grew. A switch to a node that has less does not count as growth. */
  private movedAt(
    { node, version: known, movedAt }: NodeView,
    version: bigint,
    at: number,
  ): number {
    if (movedAt === undefined) return at;
    const another = node !== undefined && node !== this.site.address;
    const moved = another ? version > BigInt(known) : version !== BigInt(known);
    return moved ? at : Math.min(movedAt, at);
  }

  /**
   * The newest ledger info may itself end its epoch. Only a request to the node can tell, so this is
   * asked rarely.
   */
  private async endedEpochs(before: NodeView, epoch: bigint, stillMs: number): Promise<bigint> {
    const known = BigInt(before.ended);
    if (known === epoch + 1n) return known;
    if (stillMs < HALTED_MS || !this.isTimeFor('ending', HALTED_MS)) return epoch;
    try {
      const endings = this.site.node.epochEndings(epoch, epoch + 1n, this.tools.signal);
      for await (const bytes of endings) void bytes;
      return epoch + 1n;
    } catch (error) {
      if (error instanceof NodeError && error.code === 'NODE_SHORT') return epoch;
      throw error;
    }
  }

  private behindStorage(version: bigint): Look['lacks'] {
    const { stored } = this.order;
    if (stored === undefined || version >= BigInt(stored)) return undefined;
    // Without its version, which grows: the line of the node tells it.
    const why = `the node has less than the storage, which reaches version ${stored}: it was wiped, or is behind; nothing is backed up before it has caught up`;
    return { why, empty: false };
  }

  private rate(before: NodeView, at: number, version: bigint): number {
    const last = this.samples.at(-1);
    if (!last || at - last.at > 10_000) this.samples.push({ at, version });
    while (this.samples.length > 2 && at - this.samples[0]!.at > RATE_WINDOW_MS) {
      this.samples.shift();
    }
    const first = this.samples[0]!;
    const seconds = (at - first.at) / 1000;
    if (seconds < 5) return before.versionsPerSecond;
    return Math.max(0, Number(version - first.version) / seconds);
  }

  private async lookAtSnapshot(view: NodeView): Promise<string | undefined> {
    const { snapshot } = this.order;
    if (!snapshot || !this.isTimeFor('snapshot', SNAPSHOT_MS)) return undefined;
    const { signal } = this.tools;
    const { version } = await this.site.history.ending(BigInt(snapshot.epoch), signal);
    const pruned = await this.prunedByAll(version);
    this.pruned = pruned === undefined ? 0 : this.pruned + 1;
    if (this.pruned >= 2) {
      return `the state of epoch ${snapshot.epoch} was pruned meanwhile: ${pruned}`;
    }
    const progress = await this.tools.snapshotProgress(snapshot.workflowId);
    if (!progress) return undefined;
    this.progressAtStart ??= { at: Date.now(), done: progress.done };
    const { stateWindow } = view;
    return losesRace({
      version,
      tip: BigInt(view.version),
      versionsPerSecond: view.versionsPerSecond,
      stateWindow: stateWindow === undefined ? undefined : BigInt(stateWindow),
      stored: progress.done - this.progressAtStart.done,
      left: progress.total - progress.done,
      seconds: (Date.now() - this.progressAtStart.at) / 1000,
    });
  }

  /**
   * The node's message when no node has the state of a version any more. Undefined when a node may still
   * have it: it gave no answer, or fails on every state.
   */
  private async prunedByAll(version: bigint): Promise<string | undefined> {
    const { signal } = this.tools;
    const pruned = async ({ node }: Site) => {
      const lack = await lackOfState(node, version, signal);
      return lack instanceof BackupError ? lack.message : undefined;
    };
    const own = await pruned(this.site);
    if (own === undefined || this.site.others.length === 0) return own;
    const { answers, unasked } = await this.tools.askOthers(pruned);
    return answers.includes(undefined) || unasked.length > 0 ? undefined : own;
  }

  private isTimeFor(what: string, everyMs: number): boolean {
    const now = Date.now();
    if (now - (this.looked.get(what) ?? 0) < everyMs) return false;
    this.looked.set(what, now);
    return true;
  }
}

/**
 * Asks, and waits for the answer, but not longer than `ms`. The time in which the question waits for our own limits does
 * not count, because the node is not asked in it. @throws NodeError NODE_TIMEOUT, or what `ask` throws
 */
export async function answerWithin<T>(
  ms: number | undefined,
  url: string,
  ask: () => Promise<T>,
): Promise<T> {
  if (ms === undefined) return ask();
  const waiting = new AbortController();
  const { answer, waitedMs } = notingWaits(ask);
  const late = tooLate(ms, url, waitedMs, waiting.signal);
  try {
    return await Promise.race([answer, late]);
  } finally {
    waiting.abort();
    answer.catch(() => undefined);
    late.catch(() => undefined);
  }
}

async function tooLate(
  ms: number,
  url: string,
  waitedMs: () => number,
  signal: AbortSignal,
): Promise<never> {
  const begun = performance.now();
  const left = () => ms - (performance.now() - begun) + waitedMs();
  for (let wait = left(); wait > 0; wait = left()) await sleep(wait, undefined, { signal });
  const why = `no answer within ${ms / 1000} s, and there is another node`;
  throw new NodeError('NODE_TIMEOUT', url, why, undefined);
}

/** Whether a node can have grown from one state to the other between two looks. */
function isGrowth(before: DbState, after: DbState): boolean {
  const epochs = after.epoch - before.epoch;
  const versions = after.committedVersion - before.committedVersion;
  return epochs >= 0n && epochs <= 1n && versions >= 0n && versions <= MOST_GROWTH;
}
