import { Meter } from '../lib/host/meter.js';
import { type NodeGate, type NodeUse, type StreamSlot, slotLost } from './gate.js';

/** What this process may use of a node. Absent: as much as it likes. */
export interface NodeShare {
  streams?: number | undefined;
  requestsPerSecond?: number | undefined;
  bytesPerSecond?: number | undefined;
}

/** What it could use. */
export type NodeWants = Required<{ [K in keyof NodeShare]: number }>;

/** Nothing goes through until a share is granted. */
export const NOTHING: NodeWants = { streams: 0, requestsPerSecond: 0, bytesPerSecond: 0 };
/** Who used less than its share asks for twice that, and for this part of the limit at least. */
const LEAST_PART = 1 / 20;

interface GateEvents {
  /** Somebody has to wait. */
  short(): void;
  /** A stream that was more than the share has ended. */
  spare(): void;
}

/**
 * The gate of one process to one node. It lets everything through until `limit` is called. From then on it lets through
 * what was granted, and nothing once that has run out: streams that are still open are closed then.
 */
export class LimitedGate implements NodeGate {
  private share: NodeShare = {};
  private runsOut: NodeJS.Timeout | undefined;
  private readonly open = new Set<AbortController>();
  private readonly line: (() => void)[] = [];
  private readonly requests = new Meter(undefined);
  private readonly bytes = new Meter(undefined);
  private used = { since: performance.now(), requests: 0, bytes: 0 };
  private readonly short = { requests: false, bytes: false };
  private readonly waits = { now: 0, since: 0, ms: 0 };
  private closed = false;

  constructor(
    private readonly address: string,
    private readonly events: GateEvents,
  ) {}

  get limited(): boolean {
    return this.closed;
  }

  /** Whether there may be fewer streams than are wanted. */
  get limitsStreams(): boolean {
    return this.closed && this.share.streams !== undefined;
  }

  /** How long somebody has waited here so far, in milliseconds. That is no silence of the node. */
  get waitedMs(): number {
    const { now, since, ms } = this.waits;
    return ms + (now > 0 ? performance.now() - since : 0);
  }

  /** Closes the gate until something is granted. */
  limit(): void {
    if (this.closed) return;
    this.closed = true;
    this.set(NOTHING);
  }

  /** Lets everything through again. */
  unlimit(): void {
    clearTimeout(this.runsOut);
    this.closed = false;
    this.set({});
  }

  /** Lets through a share until `until`, by `performance.now()`. */
  grant(share: NodeShare, until: number): void {
    clearTimeout(this.runsOut);
    this.set(share);
    this.runsOut = setTimeout(() => this.runOut(), until - performance.now()).unref();
  }

  /** What this process could use. `limits`: what all may use together. */
  wants(limits: NodeShare): NodeWants {
    const seconds = Math.max((performance.now() - this.used.since) / 1_000, 0.001);
    const rate = (limit: number | undefined, used: number, short: boolean) => {
      if (limit === undefined) return 0;
      return short ? limit : Math.min(limit, Math.max((used / seconds) * 2, limit * LEAST_PART));
    };
    const { used, short } = this;
    return {
      streams: this.open.size + this.line.length,
      requestsPerSecond: rate(limits.requestsPerSecond, used.requests, short.requests),
      // How much a new stream brings is not known yet.
      bytesPerSecond: rate(limits.bytesPerSecond, used.bytes, short.bytes || this.line.length > 0),
    };
  }

  /**
   * Gives back what is above `wants`. Returns what this process may use from now on, until it is granted more. Streams
   * that are open count, although they may be more than it was granted.
   */
  giveBack(wants: NodeWants): NodeShare {
    const less = (has: number | undefined, wanted: number) =>
      has === undefined ? undefined : Math.min(has, wanted);
    const { streams, requestsPerSecond, bytesPerSecond } = this.share;
    this.set({
      streams: less(streams, wants.streams),
      requestsPerSecond: less(requestsPerSecond, wants.requestsPerSecond),
      bytesPerSecond: less(bytesPerSecond, wants.bytesPerSecond),
    });
    this.used = { since: performance.now(), requests: 0, bytes: 0 };
    Object.assign(this.short, { requests: false, bytes: false });
    const held = this.share.streams;
    return { ...this.share, streams: held === undefined ? held : Math.max(held, this.open.size) };
  }

  /** Whether the share has become less than was held, and that is given back by now. */
  isBelow(held: NodeShare): boolean {
    const { streams, ...rates } = this.share;
    const less = (has: number | undefined, had: number | undefined) =>
      has !== undefined && has < (had ?? Infinity);
    return (
      less(streams === undefined ? streams : Math.max(streams, this.open.size), held.streams) ||
      less(rates.requestsPerSecond, held.requestsPerSecond) ||
      less(rates.bytesPerSecond, held.bytesPerSecond)
    );
  }

  async stream(signal?: AbortSignal): Promise<StreamSlot> {
    const lost = new AbortController();
    this.short.bytes = true;
    if (this.hasRoom()) this.open.add(lost);
    else await this.waiting(signal, () => this.turn(lost, signal));
    return {
      lost: lost.signal,
      end: () => {
        if (!this.open.delete(lost)) return;
        this.letIn();
        if (this.open.size >= (this.share.streams ?? Infinity)) this.events.spare();
      },
    };
  }

  async pass({ requests = 0, bytes = 0 }: NodeUse, signal?: AbortSignal): Promise<void> {
    this.used.requests += requests;
    this.used.bytes += bytes;
    if (requests > 0) await this.through('requests', requests, signal);
    if (bytes > 0) await this.through('bytes', bytes, signal);
  }

  private async through(what: 'requests' | 'bytes', units: number, signal?: AbortSignal) {
    if (this[what].perSecond === undefined) return;
    await this.waiting(signal, async () => {
      await this[what].pass(units, { signal, progress: () => this.isShort(what) });
    });
  }

  private isShort(what: 'requests' | 'bytes'): void {
    if (this.short[what]) return;
    this.short[what] = true;
    this.events.short();
  }

  private hasRoom(): boolean {
    return this.open.size < (this.share.streams ?? Infinity);
  }

  /** Waits in the line for streams until this one may be opened. */
  private async turn(lost: AbortController, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        signal?.removeEventListener('abort', onAbort);
        const at = this.line.indexOf(come);
        if (at >= 0) this.line.splice(at, 1);
      };
      const come = () => {
        leave();
        this.open.add(lost);
        resolve();
      };
      const onAbort = () => {
        leave();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort);
      this.line.push(come);
      this.events.short();
    });
  }

  private async waiting(signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
    const { waits } = this;
    if (waits.now === 0) waits.since = performance.now();
    waits.now += 1;
    try {
      await work();
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      waits.now -= 1;
      if (waits.now === 0) waits.ms += performance.now() - waits.since;
    }
  }

  private set(share: NodeShare): void {
    this.share = share;
    this.requests.perSecond = share.requestsPerSecond;
    this.bytes.perSecond = share.bytesPerSecond;
    this.letIn();
  }

  private letIn(): void {
    while (this.hasRoom() && this.line.length > 0) this.line[0]!();
  }

  private runOut(): void {
    this.set(NOTHING);
    for (const lost of this.open) lost.abort(slotLost(this.address));
  }
}
