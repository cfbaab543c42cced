import { Meter } from '../lib/host/meter.js';
import { waitAtGate } from './gate-waits.js';
import { GaveWay, type NodeGate, type NodeUse, type StreamSlot, slotLost } from './gate.js';

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

interface OpenStream {
  lost: AbortController;
  givesWay: boolean;
}

interface Waiting {
  givesWay: boolean;
  come: () => void;
}

/**
 * The gate of one process to one node. It lets everything through until `limit` is called. From then on it lets through
 * what was granted, and nothing once that has run out: streams that are still open are closed then.
 *
 * A range that reads a stream may need a short one, to prove what it has read. Without room for it, both would wait for
 * ever. So short streams go first, and streams that give way are closed for them; and also when the share has become
 * less than is open.
 */
export class LimitedGate implements NodeGate {
  private share: NodeShare = {};
  private runsOut: NodeJS.Timeout | undefined;
  private readonly open = new Set<OpenStream>();
  private readonly line: Waiting[] = [];
  private readonly requests = new Meter(undefined);
  private readonly bytes = new Meter(undefined);
  private used = { since: performance.now(), requests: 0, bytes: 0 };
  private readonly short = { requests: false, bytes: false };
  private closed = false;

  constructor(
    private readonly address: string,
    private readonly events: GateEvents,
  ) {}

  get limited(): boolean {
    return this.closed;
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
    const streams = Math.min(this.open.size + this.line.length, limits.streams ?? Infinity);
    return {
      streams: Math.max(streams, this.open.size),
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

  async stream(signal?: AbortSignal, givesWay = false): Promise<StreamSlot> {
    const stream = { lost: new AbortController(), givesWay };
    this.short.bytes = true;
    if (this.hasRoom()) this.open.add(stream);
    else await this.waiting(signal, () => this.turn(stream, signal));
    return {
      lost: stream.lost.signal,
      end: () => {
        const wasAbove = this.open.size > this.most;
        if (!this.open.delete(stream)) return;
        this.letIn();
        if (wasAbove) this.events.spare();
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

  /** How many streams may be open. */
  private get most(): number {
    return this.share.streams ?? Infinity;
  }

  private hasRoom(): boolean {
    return this.open.size < this.most;
  }

  /** Waits in the line for streams until this one may be opened. */
  private async turn(stream: OpenStream, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        signal?.removeEventListener('abort', onAbort);
        const at = this.line.indexOf(waiting);
        if (at >= 0) this.line.splice(at, 1);
      };
      const come = () => {
        leave();
        this.open.add(stream);
        resolve();
      };
      const waiting = { givesWay: stream.givesWay, come };
      const onAbort = () => {
        leave();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort);
      const behind = this.line.findIndex(({ givesWay }) => givesWay);
      if (stream.givesWay || behind < 0) this.line.push(waiting);
      else this.line.splice(behind, 0, waiting);
      this.events.short();
      this.makeWay();
    });
  }

  private async waiting(signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
    try {
      await waitAtGate(work);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  private set(share: NodeShare): void {
    this.share = share;
    this.requests.perSecond = share.requestsPerSecond;
    this.bytes.perSecond = share.bytesPerSecond;
    this.letIn();
    this.makeWay();
  }

  private letIn(): void {
    while (this.hasRoom() && this.line.length > 0) this.line[0]!.come();
  }

  /** Closes streams that give way: as many as short ones wait, and as are more than the share. */
  private makeWay(): void {
    const stay = [...this.open].filter(({ lost }) => !lost.signal.aborted);
    const short = this.line.filter(({ givesWay }) => !givesWay).length;
    const over = stay.length + short - this.most;
    const going = stay.filter(({ givesWay }) => givesWay).slice(0, Math.max(0, over));
    for (const { lost } of going) lost.abort(new GaveWay());
  }

  private runOut(): void {
    this.set(NOTHING);
    for (const { lost } of this.open) lost.abort(slotLost(this.address));
  }
}
