import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { takeShare } from '../client/take-share.js';
import { LIMITED, type NodeLimits, nodeName, strictest } from '../contract/node-limits.js';
import { orAborted } from '../lib/or-aborted.js';
import { LimitedGate, NOTHING, type NodeWants } from '../node/limited-gate.js';

/** Nobody asks more often, however short the share is. */
const SOONEST_MS = 500;
/** How long a process keeps asking after the last activity that gave limits. The next one mostly begins at once. */
const LINGER_MS = 5_000;
/** An activity that has just begun says within this time what it wants. */
const FIRST_MS = 20;
const TRY_AGAIN_MS = 2_000;
/** A process that ends waits so long until its share is given back. Without an answer, the lease ends by itself. */
const FAREWELL_MS = 2_000;
const TELL_AGAIN_MS = 60_000;

type Say = (text: string) => void;

/**
 * The gates of this process to its nodes, one for each. While an activity with limits works with a node, the process
 * asks the limiter of the node for a share. The share holds for all that the process does with the node.
 */
export class NodeGates {
  private readonly gates = new Map<string, SharedGate>();
  private readonly holder = `${process.pid}@${hostname().slice(0, 100)}-${randomBytes(4).toString('hex')}`;

  /** `say` tells people why nothing goes on. */
  constructor(private readonly say: Say = () => undefined) {}

  /** The gate to a node. */
  to(node: string): LimitedGate {
    return this.gateTo(node).gate;
  }

  /** Limits the node until the returned function is called. Without limits it does nothing. */
  limit(node: string, limits: NodeLimits | undefined, client: () => Client): () => unknown {
    return limits ? this.gateTo(node).use(limits, client()) : () => undefined;
  }

  /** Gives back all shares. */
  async close(): Promise<void> {
    await Promise.all([...this.gates.values()].map((gate) => gate.close()));
  }

  private gateTo(node: string): SharedGate {
    const name = nodeName(node);
    const known = this.gates.get(name) ?? new SharedGate(name, this.holder, this.say);
    this.gates.set(name, known);
    return known;
  }
}

/** One gate, and the loop that asks for its share while somebody gives limits. */
class SharedGate {
  readonly gate: LimitedGate;
  private readonly users = new Map<symbol, NodeLimits>();
  /** The strictest limits that are known, and what was wanted of them when the process asked last. */
  private limits: NodeLimits = {};
  private wanted: NodeWants = NOTHING;
  private asking: Promise<void> | undefined;
  private hurry = new AbortController();
  private readonly closing = new AbortController();
  private toldAt = -Infinity;

  constructor(
    private readonly node: string,
    private readonly holder: string,
    private readonly say: Say,
  ) {
    this.gate = new LimitedGate(node, {
      short: () => this.isMore() && this.hurry.abort(),
      spare: () => this.hurry.abort(),
    });
  }

  use(limits: NodeLimits, client: Client): () => unknown {
    const user = Symbol();
    this.users.set(user, limits);
    if (!this.isClosing) this.gate.limit();
    this.begin(client);
    const before = this.limits;
    this.limits = strictest([before, limits]);
    if (LIMITED.some((name) => this.limits[name] !== before[name])) this.hurry.abort();
    return () => this.users.delete(user);
  }

  private get isClosing(): boolean {
    return this.closing.signal.aborted;
  }

  async close(): Promise<void> {
    this.closing.abort(new Error('this process ends'));
    this.hurry.abort();
    await this.asking;
  }

  private begin(client: Client): void {
    if (this.asking || this.isClosing || this.users.size === 0) return;
    this.asking = this.askWhileUsed(client).finally(() => {
      this.asking = undefined;
      this.begin(client); // an activity may have come while the share was given back
    });
  }

  /** Asks again and again, until nobody has given limits for a while. Then gives the share back. */
  private async askWhileUsed(client: Client): Promise<void> {
    let own: NodeLimits = {};
    await sleep(FIRST_MS);
    for (let usedAt = 0; ;) {
      const now = performance.now();
      if (this.users.size > 0) {
        usedAt = now;
        own = strictest([...this.users.values()]);
      }
      if (this.isClosing || now - usedAt >= LINGER_MS) break;
      this.hurry = new AbortController();
      const again = await this.askOnce(client, own);
      await this.pause(this.users.size > 0 ? again : Math.min(again, LINGER_MS));
    }
    this.limits = {};
    this.gate.unlimit();
    const nothing = { limits: {}, holds: NOTHING, wants: NOTHING };
    const ask = { holder: this.holder, ...nothing, leaves: true as const };
    await takeShare(client, this.node, ask, FAREWELL_MS).catch(() => undefined);
  }

  /** Returns when to ask again. */
  private async askOnce(client: Client, own: NodeLimits): Promise<number> {
    const begun = performance.now();
    const known = this.limits;
    const wants = this.gate.wants(known);
    this.wanted = wants;
    const holds = this.gate.giveBack(wants);
    try {
      const ask = { holder: this.holder, limits: own, holds, wants };
      const asked = takeShare(client, this.node, ask);
      const { share, limits, validMs, againMs } = await orAborted(asked, this.closing.signal);
      this.gate.grant(share, begun + validMs);
      this.limits = limits;
      this.toldAt = -Infinity;
      const isNew = LIMITED.some((name) => limits[name] !== undefined && known[name] === undefined);
      return isNew || this.gate.isBelow(holds) ? SOONEST_MS : againMs;
    } catch (error) {
      if (this.isClosing) return 0;
      this.tell(error);
      return TRY_AGAIN_MS;
    }
  }

  /** Whether the process could use more than it wanted when it asked. */
  private isMore(): boolean {
    const wants = this.gate.wants(this.limits);
    return LIMITED.some((name) => wants[name] > this.wanted[name]);
  }

  /** Waits, but not long when there is a reason to ask soon. */
  private async pause(ms: number): Promise<void> {
    await sleep(Math.min(ms, SOONEST_MS));
    const left = ms - SOONEST_MS;
    if (left > 0) await sleep(left, undefined, this.hurry).catch(() => undefined);
  }

  private tell(error: unknown): void {
    const now = performance.now();
    if (now - this.toldAt < TELL_AGAIN_MS) return;
    this.toldAt = now;
    const why = error instanceof Error ? error.message : String(error);
    this.say(
      `no share of the limits of ${this.node} now: ${why}; nothing is asked of it without one`,
    );
  }
}
