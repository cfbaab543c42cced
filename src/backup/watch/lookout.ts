import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeView, WatchOrder } from '../../plan/coordinator.js';
import { losesRace } from '../../plan/prune-forecast.js';
import type { DbState } from '../../node/client.js';
import { NodeError } from '../../node/errors.js';
import { BackupError } from '../errors.js';
import { hasState } from '../prune-edge.js';
import { type Site, fetchGenesis } from '../site.js';
import { type AskOthers, lookAtEdges } from './edges.js';

const IDENTITY_MS = 60_000;
const SNAPSHOT_MS = 15_000;
/** Versions that a chain may add between two looks; far above what any does in a second. */
const MOST_GROWTH = 1_000_000n;
/** A chain that stands still may have ended its epoch with its last version. */
const HALTED_MS = 30_000;
const RATE_WINDOW_MS = 5 * 60_000;

export interface LookTools {
  signal: AbortSignal;
  /** Records stored and to be stored of the snapshot in the making. */
  snapshotProgress: (workflowId: string) => Promise<{ done: number; total: number } | undefined>;
  askOthers: AskOthers;
  /** Longest wait for its newest version, when there is another node to ask. */
  answerMs: number | undefined;
}

/** What one look at a node gave. */
export interface Look {
  view: NodeView;
  /** Why it cannot be used for now, although it answers: it is empty, or behind the storage. */
  lacks?: { why: string; empty: boolean };
  /** Why the snapshot in the making cannot be finished. */
  snapshotLost?: string;
}

/** Looks at one node again and again. */
export class Lookout {
  private readonly samples: { at: number; version: bigint }[] = [];
  private readonly looked = new Map<string, number>();
  private movedAt = Date.now();
  private pruned = 0;
  private progressAtStart: { at: number; done: number } | undefined;

  constructor(
    readonly site: Site,
    private readonly order: WatchOrder,
    private readonly tools: LookTools,
  ) {}

  /**
   * What the node has now, when `before` is what was seen last.
   * @throws NodeError; BackupError CHAIN_MISMATCH when the node is of another chain now
   */
  async look(before: NodeView): Promise<Look> {
    const { view: tip, lacks } = await this.lookAtTip(before);
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
        throw new BackupError('CHAIN_MISMATCH', why, true);
      }
    }
    const state = await this.steadyState(before);
    const at = Date.now();
    const version = state?.committedVersion ?? 0n;
    if (before.version !== `${version}`) this.movedAt = at;
    const ended = state ? await this.endedEpochs(before, state.epoch, at) : 0n;
    const lacks = state
      ? this.behindStorage(version)
      : { why: 'the node has an empty database (it is not bootstrapped)', empty: true };
    const view = {
      ...before,
      ended: `${ended}`,
      version: `${version}`,
      at,
      versionsPerSecond: this.rate(before, at, version),
    };
    return { view, ...(lacks ? { lacks } : {}) };
  }

  /**
   * Nothing proves this answer, and everything is decided by it: one that tells of more or less than
   * a moment's growth has to be given twice.
   */
  private async steadyState({ ended, version }: NodeView): Promise<DbState | undefined> {
    const { node, address } = this.site;
    const { signal, answerMs } = this.tools;
    const url = `${address}/db_state`;
    const state = await answerWithin(answerMs, url, node.dbState(signal));
    if (!state || isGrowth({ epoch: BigInt(ended), committedVersion: BigInt(version) }, state)) {
      return state;
    }
    const again = await answerWithin(answerMs, url, node.dbState(signal));
    if (again && isGrowth(state, again)) return again;
    const why = 'it was asked twice and gave two answers that do not fit together';
    throw new NodeError('NODE_CONTRADICTED', url, why, true, undefined);
  }

  /** The newest ledger info may itself end its epoch; only asking tells, and only once in a while. */
  private async endedEpochs(before: NodeView, epoch: bigint, at: number): Promise<bigint> {
    const known = BigInt(before.ended);
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

  private behindStorage(version: bigint): Look['lacks'] {
    const { stored } = this.order;
    if (stored === undefined || version >= BigInt(stored)) return undefined;
    const why = `the node has version ${version}, but the storage reaches ${stored}: it was wiped, or is behind; nothing is backed up before it has caught up`;
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
    this.pruned = (await this.anyHasState(version)) ? 0 : this.pruned + 1;
    if (this.pruned >= 2) {
      return `the node has pruned the state of epoch ${snapshot.epoch} (version ${version}) meanwhile`;
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

  /** One that cannot be asked may have it. */
  private async anyHasState(version: bigint): Promise<boolean> {
    const { signal } = this.tools;
    if (await hasState(this.site, version, signal)) return true;
    if (this.site.others.length === 0) return false;
    const asked = await this.tools.askOthers((other) => hasState(other, version, signal));
    return asked.answers.includes(true) || asked.unasked.length > 0;
  }

  private isTimeFor(what: string, everyMs: number): boolean {
    const now = Date.now();
    if (now - (this.looked.get(what) ?? 0) < everyMs) return false;
    this.looked.set(what, now);
    return true;
  }
}

/** An answer that takes too long counts as none. @throws NodeError NODE_TIMEOUT, or what `asked` throws */
export async function answerWithin<T>(
  ms: number | undefined,
  url: string,
  asked: Promise<T>,
): Promise<T> {
  if (ms === undefined) return asked;
  const waiting = new AbortController();
  const { signal } = waiting;
  const late = sleep(ms, undefined, { signal }).then(() => {
    const why = `no answer within ${ms / 1000} s, and there is another node`;
    throw new NodeError('NODE_TIMEOUT', url, why, true, undefined);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    waiting.abort();
    asked.catch(() => undefined);
    late.catch(() => undefined);
  }
}

/** Whether a node can have come from one state to the other between two looks at it. */
function isGrowth(before: DbState, after: DbState): boolean {
  const epochs = after.epoch - before.epoch;
  const versions = after.committedVersion - before.committedVersion;
  return epochs >= 0n && epochs <= 1n && versions >= 0n && versions <= MOST_GROWTH;
}
