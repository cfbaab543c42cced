import { setTimeout as sleep } from 'node:timers/promises';
import { NodeError } from '../../node/errors.js';
import type { NodeView, WatchOrder, WatchResult } from '../../plan/coordinator.js';
import { type Lie, newestLies, withLies } from '../../plan/lies.js';
import { requireBegun, requireSameChain } from '../chain-anchor.js';
import { BackupError } from '../errors.js';
import { type NodeFault, nodeFault } from '../node-fault.js';
import { type Lease, RENEW_MS, describeHolder } from '../lease.js';
import type { NodeRests } from '../node-rests.js';
import type { Site } from '../site.js';
import { Lag, provenVersion } from './lag.js';
import { type Look, type LookTools, Lookout, answerWithin } from './lookout.js';

const POLL_MS = 1_000;
const SLOWEST_POLL_MS = 15_000;
/** A node that is away for less is not worth telling. */
const TROUBLE_MS = 60_000;
/** When there is another one, it is not waited for so long. */
const PATIENCE_MS = 10_000;
/** Returns at the latest, so that whoever waits sees that somebody still looks. */
const LONGEST_MS = 60 * 60_000;
/** A clock that is set by less is not worth telling. */
const SET_BACK_MS = 60_000;
/** Characters of what is wrong with all nodes; it travels in payloads. */
const MOST_PROBLEM = 1_500;
const UNSEEN: NodeView = { ended: '0', version: '0', at: 0, versionsPerSecond: 0 };

export interface WatchTools extends Pick<LookTools, 'signal' | 'snapshotProgress'> {
  /** The time by the clock that the order was given by. */
  serverNow: () => number;
  report: (view: NodeView) => void;
  /** Opens the site of a job at one of its nodes. */
  open: (node: string) => Promise<Site>;
  /** The node may be another one now: it is to be opened anew. */
  forget: (node: string) => void;
  rests: NodeRests;
  /** The claim on the storage that is kept while we watch. */
  lease?: Lease;
}

/**
 * Polls the first node of a job that is well, once a second, until there is something to do: a version or
 * the end of an epoch that was waited for, a time, or trouble that began or ended. Nothing is written. Only
 * what all nodes fail at is trouble.
 * @throws BackupError CHAIN_MISMATCH when the nodes are of another chain; what opening the only node throws
 */
export async function watchNodes(order: WatchOrder, tools: WatchTools): Promise<WatchResult> {
  const { lease, signal } = tools;
  const view = order.view ?? UNSEEN;
  if ((order.at ?? 0) - tools.serverNow() > SET_BACK_MS) return { view, clockSetBack: true };
  const holder = await lease?.resume(signal);
  if (holder) return { view, claimLost: describeHolder(holder) };
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const watching = new Watch(order, { ...tools, signal: until }).run();
  try {
    if (!lease) return await watching;
    const lost = keepClaim(lease, until);
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

class Watch {
  private view: NodeView;
  private readonly started = performance.now();
  private readonly nodes: readonly string[];
  private readonly alone: boolean;
  /** The node that is watched, and when it last was as it should be. */
  private current: { node: string; lookout: Lookout; goodAt?: number } | undefined;
  /** The node that is being asked. */
  private asked = '';
  private wellAt = Date.now();
  private readonly faults = new Map<string, NodeFault>();
  private lies: Lie[] = [];
  private readonly lag = new Lag();
  private turns = 0;
  private wait = POLL_MS;

  constructor(
    private readonly order: WatchOrder,
    private readonly tools: WatchTools,
  ) {
    this.nodes = order.settings.nodes;
    this.alone = this.nodes.length === 1;
    this.view = order.view ?? UNSEEN;
  }

  async run(): Promise<WatchResult> {
    const { report, rests, signal } = this.tools;
    for (;;) {
      const result = await this.turn();
      const resting = rests.resting(this.nodes, Date.now()).map(({ node, until, why }) => {
        return { node, until, why };
      });
      report(this.alone || resting.length === 0 ? this.view : { ...this.view, resting });
      if (result) return { ...result, ...withLies(this.lies) };
      await sleep(this.wait, undefined, { signal });
    }
  }

  private async turn(): Promise<WatchResult | undefined> {
    const begun = Date.now();
    let look: Look;
    try {
      const current = await this.attach();
      look = await current.lookout.look(this.view);
    } catch (error) {
      this.tools.signal.throwIfAborted();
      return this.failed(error, begun);
    }
    if (look.lacks && !this.alone) return this.lacking(look.lacks, begun);
    const { problem: _, node: _node, ...seen } = look.view;
    this.view = this.alone ? seen : { ...seen, node: this.asked };
    if (look.snapshotLost !== undefined)
      return { view: this.view, snapshotLost: look.snapshotLost };
    if (look.lacks) return this.lacking(look.lacks, begun);
    if (!this.alone) {
      await this.lookForLag();
      const behind = this.lag.behind(this.asked, BigInt(this.view.version), Date.now());
      if (behind !== undefined && this.hasAnother()) {
        return this.failed(new BackupError('NODE_BEHIND', behind, true), begun, true);
      }
    }
    this.wellAt = Date.now();
    this.wait = POLL_MS;
    this.faults.delete(this.asked);
    const { current } = this;
    if (current && current.goodAt === undefined) this.tools.rests.succeeded(current.node, begun);
    if (current) current.goodAt = this.wellAt;
    // A liar rests for long, so this is not often.
    return this.isNews() || this.lies.length > 0 ? { view: this.view } : undefined;
  }

  /** The lookout on the first node that is well; that on the one before while none is. */
  private async attach(): Promise<{ lookout: Lookout }> {
    const { nodes, current, tools } = this;
    const now = Date.now();
    const first = nodes.find((node) => tools.rests.isWell(node, now));
    if (current && (first === undefined || first === current.node)) {
      this.asked = current.node;
      return current;
    }
    // When none is well each is tried in turn: any may come back first.
    const node = first ?? nodes[this.turns++ % nodes.length]!;
    this.asked = node;
    const site = await answerWithin(this.patience(), node, tools.open(node));
    const { lease, signal, snapshotProgress } = tools;
    // A storage that was claimed is there; an empty folder in its place is an outage.
    await (lease ? requireBegun(site, signal) : requireSameChain(site, signal));
    const lookout = new Lookout(site, this.order, {
      signal,
      snapshotProgress,
      askOthers: (ask) => this.askOthers(site, ask),
      answerMs: this.patience(),
    });
    this.current = { node, lookout };
    return this.current;
  }

  /** A node that answers, but has not what it must have. */
  private lacking({ why, empty }: NonNullable<Look['lacks']>, begun: number) {
    if (!this.alone) {
      return this.failed(new BackupError('NODE_BEHIND', `${this.asked}: ${why}`, true), begun);
    }
    this.wait = POLL_MS;
    const known = this.order.view?.problem !== undefined;
    if (empty || known || Date.now() - this.wellAt >= TROUBLE_MS) {
      this.view = { ...this.view, problem: why };
    }
    return this.isNews() ? { view: this.view } : undefined;
  }

  /** `forLong`: it has been so for a while. */
  private failed(error: unknown, begun: number, forLong = false): WatchResult | undefined {
    const fault = nodeFault(error);
    if (!fault) throw error;
    if (fault.code === 'CHAIN_MISMATCH') this.tools.forget(this.asked);
    if (this.alone && (!this.current || !(error instanceof NodeError))) throw error;
    this.faults.set(this.asked, fault);
    const now = Date.now();
    const { current, nodes } = this;
    const another = this.hasAnother();
    const goodAt = current?.node === this.asked ? current.goodAt : undefined;
    const waited = forLong || goodAt === undefined || now - goodAt >= PATIENCE_MS;
    this.wait = another
      ? POLL_MS
      : Math.min(Math.max(this.wait, POLL_MS) * 2, SLOWEST_POLL_MS / nodes.length);
    if (!this.alone && (waited || fault.code === 'CHAIN_MISMATCH')) {
      if (another || goodAt === undefined || fault.lie) this.leave(fault, begun, now);
      if (another) this.wait = 0;
    }
    return this.trouble(fault, now);
  }

  /** Whether another node is well. */
  private hasAnother(): boolean {
    const now = Date.now();
    return this.nodes.some((node) => node !== this.asked && this.tools.rests.isWell(node, now));
  }

  /** Now and then asks all nodes that are well how far they are. */
  private async lookForLag(): Promise<void> {
    const { current, tools, asked } = this;
    if (!current || !this.lag.isDue(Date.now())) return;
    const { site } = current.lookout;
    const reached = (at: Site) => provenVersion(at, tools.signal);
    const others = await this.askOthers(
      site,
      async (other) => {
        return { node: other.address, version: await reached(other) };
      },
      true,
    );
    // The one that is watched is looked at anyway: what is wrong with it shows there.
    const own = await reached(site).catch(() => 0n);
    tools.signal.throwIfAborted();
    this.lag.mark([...others.answers, { node: asked, version: own }], Date.now());
  }

  private leave(fault: NodeFault, begun: number, now: number): void {
    const { asked: node } = this;
    this.tools.rests.failed(node, fault, begun, now);
    if (fault.lie) this.note(node, fault, now);
    if (this.current?.node === node) this.current = undefined;
  }

  private note(node: string, { why }: NodeFault, at: number): void {
    this.lies = newestLies(this.lies, [{ node, why, at }]);
  }

  /** What is wrong once no node has been well for a minute, or at once when it was wrong before. */
  private trouble({ why }: NodeFault, now: number): WatchResult | undefined {
    const faults = this.nodes.flatMap((node) => this.faults.get(node) ?? []);
    const all = faults
      .map((fault) => fault.why)
      .join('; ')
      .slice(0, MOST_PROBLEM);
    if (faults.filter(({ code }) => code === 'CHAIN_MISMATCH').length === this.nodes.length) {
      throw new BackupError('CHAIN_MISMATCH', all, true);
    }
    const away = now - this.wellAt;
    if (away < TROUBLE_MS && this.order.view?.problem === undefined) return undefined;
    const seconds = Math.round(away / 1000);
    const problem = this.alone
      ? `the node does not answer (for ${seconds} s now): ${why}`
      : `no node can be used (for ${seconds} s now): ${all}`;
    this.view = { ...this.view, problem };
    return this.isNews() ? { view: this.view } : undefined;
  }

  /** Asks all nodes but that of `site` and those that lied; or only those that do not rest. */
  private async askOthers<T>(
    site: Site,
    ask: (site: Site) => Promise<T>,
    onlyWell = false,
  ): Promise<{ answers: T[]; unasked: string[] }> {
    const { rests, signal } = this.tools;
    const answers: T[] = [];
    const unasked: string[] = [];
    const begun = Date.now();
    const resting = rests.resting(site.others, begun).filter(({ lie }) => lie || onlyWell);
    for (const node of site.others) {
      if (resting.some((rest) => rest.node === node)) continue;
      try {
        const other = await answerWithin(PATIENCE_MS, node, this.tools.open(node));
        await requireSameChain(other, signal);
        answers.push(await ask(other));
      } catch (error) {
        signal.throwIfAborted();
        const fault = nodeFault(error);
        if (!fault) throw error;
        if (fault.code === 'CHAIN_MISMATCH') this.tools.forget(node);
        const now = Date.now();
        rests.failed(node, fault, begun, now);
        if (fault.lie) this.note(node, fault, now);
        else unasked.push(node);
      }
    }
    return { answers, unasked };
  }

  /** How long one node may take to answer when there are others. */
  private patience(): number | undefined {
    return this.alone ? undefined : PATIENCE_MS;
  }

  private isNews(): boolean {
    const { order, view } = this;
    if (!order.view) return true;
    return (
      (order.view.problem === undefined) !== (view.problem === undefined) ||
      lostUpTo(order, order.view) !== lostUpTo(order, view) ||
      (order.version !== undefined && BigInt(view.version) >= BigInt(order.version)) ||
      (order.ended !== undefined && BigInt(view.ended) >= BigInt(order.ended)) ||
      (order.until !== undefined && this.tools.serverNow() >= order.until) ||
      performance.now() - this.started > LONGEST_MS
    );
  }
}

/** The first version that the node has, if it no longer has all that is still to be stored. */
function lostUpTo(order: WatchOrder, { oldestVersion }: NodeView): string | undefined {
  return BigInt(oldestVersion ?? 0) > BigInt(order.need) ? oldestVersion : undefined;
}
