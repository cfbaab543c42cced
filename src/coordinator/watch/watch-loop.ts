import { setTimeout as sleep } from 'node:timers/promises';
import { NodeError } from '../../node/node-error.js';
import type { WatchOrder, WatchResult } from '../../contract/coordinator-state.js';
import type { NodeView } from '../../contract/coordinator-memory.js';
import { type Lie, newestLies, withLies } from '../../contract/lies.js';
import { laterView } from '../../contract/node-view.js';
import { requireBegun, requireSameChain } from '../../site/chain-anchor.js';
import { BackupError } from '../../errors/backup-error.js';
import { type NodeFault, disproved, nodeFault } from '../../site/node-fault.js';
import type { Lease } from '../../repository/lease.js';
import type { NodeRests } from '../../site/node-rests.js';
import type { Site } from '../../site/site.js';
import { Lag } from './lag.js';
import { type Look, type LookTools, Lookout, answerWithin } from './lookout.js';
import { isNews } from './news.js';
import { TipWatch, provenTip } from './tip.js';

const POLL_MS = 1_000;
const SLOWEST_POLL_MS = 15_000;
/** A node that is away for less time raises no alarm. */
const TROUBLE_MS = 60_000;
/** With several nodes, the watch leaves a failing one after this time. */
const PATIENCE_MS = 10_000;
/** Most characters of the problem of all nodes, because it travels in payloads. */
const MOST_PROBLEM = 1_500;
const UNSEEN: NodeView = { ended: '0', version: '0', at: 0, versionsPerSecond: 0 };

export interface WatchTools extends Pick<LookTools, 'signal' | 'snapshotProgress'> {
  /** The time by the clock of the server. */
  serverNow: () => number;
  report: (view: NodeView) => void;
  /** Opens the site of a job at one of its nodes. */
  open: (node: string) => Promise<Site>;
  /**
   * Forgets the node's site, because another node may have the address now. The next use opens it anew.
   */
  forget: (node: string) => void;
  rests: NodeRests;
  /** The claim on the storage. The watch renews it. */
  lease?: Lease;
  /** What an earlier attempt with the same order saw last. */
  seen?: NodeView;
}

/** What is known of the node before the first look. */
export function firstView({ view }: WatchOrder, { seen }: WatchTools): NodeView {
  return seen ? laterView(view, seen) : (view ?? UNSEEN);
}

/** A watch on the nodes of a job. Each turn looks at one node. */
export class Watch {
  private view: NodeView;
  private readonly started = performance.now();
  private readonly nodes: readonly string[];
  private readonly alone: boolean;
  /** The watched node, and when it last was well. */
  private current: { node: string; lookout: Lookout; goodAt?: number } | undefined;
  /** The node that is being asked. */
  private asked = '';
  private wellAt = Date.now();
  private readonly faults = new Map<string, NodeFault>();
  private lies: Lie[] = [];
  private readonly lag = new Lag();
  private readonly tip: TipWatch;
  private turns = 0;
  private wait = POLL_MS;

  constructor(
    private readonly order: WatchOrder,
    private readonly tools: WatchTools,
  ) {
    this.nodes = order.settings.nodes;
    this.alone = this.nodes.length === 1;
    this.view = firstView(order, tools);
    this.tip = new TipWatch(tools.signal);
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
    let site: Site;
    try {
      const { lookout } = await this.attach();
      look = await lookout.look(this.view);
      site = lookout.site;
    } catch (error) {
      this.tools.signal.throwIfAborted();
      return this.failed(error, begun);
    }
    if (look.lacks && !this.alone) return this.lacking(look.lacks, begun);
    const { problem: _, node: before, ...seen } = look.view;
    const known = this.tip.addTo(seen, site, this.alone || before === this.asked);
    this.view = this.alone ? known : { ...known, node: this.asked };
    if (look.snapshotLost !== undefined)
      return { view: this.view, snapshotLost: look.snapshotLost };
    if (look.lacks) return this.lacking(look.lacks, begun);
    if (!this.alone) {
      await this.lookForLag();
      const behind = this.lag.behind(this.asked, BigInt(this.view.version), Date.now());
      if (behind !== undefined && this.hasAnother()) {
        return this.failed(new BackupError('NODE_BEHIND', behind), begun, true);
      }
    }
    this.wellAt = Date.now();
    this.wait = POLL_MS;
    this.faults.delete(this.asked);
    this.accuse();
    const { current } = this;
    if (current && current.goodAt === undefined) this.tools.rests.succeeded(current.node, begun);
    if (current) current.goodAt = this.wellAt;
    // Nodes that lied rest for long, so this is rare.
    return this.isNews() || this.lies.length > 0 ? { view: this.view } : undefined;
  }

  /** The lookout on the first node that is well. While none is, it keeps the last one. */
  private async attach(): Promise<{ lookout: Lookout }> {
    const { nodes, current, tools } = this;
    const now = Date.now();
    const first = nodes.find((node) => tools.rests.isWell(node, now));
    if (current && (first === undefined || first === current.node)) {
      this.asked = current.node;
      return current;
    }
    // While no node is well, each is tried in turn, because any of them may come back first.
    const node = first ?? nodes[this.turns++ % nodes.length]!;
    this.asked = node;
    const site = await answerWithin(this.patience(), node, () => tools.open(node));
    const { lease, signal, snapshotProgress } = tools;
    // A claimed storage exists, so an empty folder in its place is an outage.
    await (lease ? requireBegun(site, signal) : requireSameChain(site));
    const lookout = new Lookout(site, this.order, {
      signal,
      snapshotProgress,
      askOthers: (ask) => this.askOthers(site, ask),
      answerMs: this.patience(),
    });
    this.current = { node, lookout };
    return this.current;
  }

  /** Handles a node that answers but lacks data that it must have. */
  private lacking({ why, empty }: NonNullable<Look['lacks']>, begun: number) {
    if (!this.alone) {
      return this.failed(new BackupError('NODE_BEHIND', `${this.asked}: ${why}`), begun);
    }
    this.wait = POLL_MS;
    // The first look, and the one after a failed watch, has nothing better to report.
    const { problem: known } = this.order.view ?? { problem: 'nothing was seen' };
    if (empty || known !== undefined || Date.now() - this.wellAt >= TROUBLE_MS) {
      this.view = { ...this.view, problem: why };
    }
    return this.isNews() ? { view: this.view } : undefined;
  }

  /** Handles a failed look. `forLong`: the node has failed for a while. */
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

  /** From time to time, asks all nodes that are well for their version. */
  private async lookForLag(): Promise<void> {
    const { current, tools, asked } = this;
    if (!current || !this.lag.isDue(Date.now())) return;
    const { site } = current.lookout;
    const reached = async (at: Site) => (await provenTip(at, tools.signal))?.version ?? 0n;
    const others = await this.askOthers(
      site,
      async (other) => {
        return { node: other.address, version: await reached(other) };
      },
      true,
    );
    // The regular looks at the watched node report what is wrong with it.
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

  /** A node that is well disproves what others said: those have lied. */
  private accuse(): void {
    for (const [node, fault] of this.faults) {
      if (disproved([fault]).length === 0) continue;
      this.note(node, fault, Date.now());
      this.faults.delete(node);
    }
  }

  private note(node: string, { why }: NodeFault, at: number): void {
    this.lies = newestLies(this.lies, [{ node, why, at }]);
  }

  /** Reports trouble when no node was well for a minute, or at once when trouble was known before. */
  private trouble({ why }: NodeFault, now: number): WatchResult | undefined {
    const faults = this.nodes.flatMap((node) => this.faults.get(node) ?? []);
    const all = faults
      .map((fault) => fault.why)
      .join('; ')
      .slice(0, MOST_PROBLEM);
    if (faults.filter(({ code }) => code === 'CHAIN_MISMATCH').length === this.nodes.length) {
      throw new BackupError('CHAIN_MISMATCH', all);
    }
    const away = now - this.wellAt;
    if (away < TROUBLE_MS && this.order.view?.problem === undefined) return undefined;
    // Without its duration, which would be false a moment later: the alarm tells since when.
    const problem = this.alone ? `the node does not answer: ${why}` : `no node can be used: ${all}`;
    this.view = { ...this.view, problem };
    return this.isNews() ? { view: this.view } : undefined;
  }

  /**
   * Asks all nodes but that of `site` and those that lied. With `onlyWell`, skips nodes that rest, too.
   */
  private async askOthers<T>(
    site: Site,
    ask: (site: Site) => Promise<T>,
    onlyWell = false,
  ): Promise<{ answers: T[]; unasked: string[] }> {
    const { rests, signal, open } = this.tools;
    const answers: T[] = [];
    const unasked: string[] = [];
    const begun = Date.now();
    const resting = rests.resting(site.others, begun).filter(({ lie }) => lie || onlyWell);
    for (const node of site.others) {
      if (resting.some((rest) => rest.node === node)) continue;
      try {
        const other = await answerWithin(PATIENCE_MS, node, () => open(node));
        await requireSameChain(other);
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

  /** How long one node may take to answer when there are others; undefined: no limit. */
  private patience(): number | undefined {
    return this.alone ? undefined : PATIENCE_MS;
  }

  private isNews(): boolean {
    return isNews(this.order, this.view, this.tools.serverNow(), this.started);
  }
}
