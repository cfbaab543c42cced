import { type Server, type Socket, connect, createServer, type AddressInfo } from 'node:net';
import { Random } from '../../src/devnode/chain/random.js';

/** Bytes per second of each connection on a slow line. */
const THROTTLED = 20_000;
const LONGEST_UNTIL_CUT_MS = 400;

interface Pair {
  client: Socket;
  node: Socket;
}

/** The line between workers and node: a TCP proxy that can be slow, silent or cut. */
export class Link {
  private readonly server: Server;
  private readonly pairs = new Set<Pair>();
  private readonly random: Random;
  private stalls = 0;
  private throttles = 0;
  private cutting = 0;
  private waiting: (() => void)[] = [];
  /** How many connections each fault hit. Shows that the faults had an effect. */
  readonly fired = { stall: 0, cut: 0, throttle: 0 };
  /** Number of connections that the node did not accept. */
  refused = 0;

  private constructor(
    private readonly nodePort: number,
    /** Bytes per second of each connection without faults. */
    private readonly rate: number,
    seed: number,
  ) {
    this.random = new Random(seed);
    this.server = createServer({ allowHalfOpen: true }, (client) => this.accept(client));
  }

  static async open(nodePort: number, rate: number, seed: number): Promise<Link> {
    const link = new Link(nodePort, rate, seed);
    await new Promise<void>((resolve) => link.server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Starts a fault. The returned function ends it. Faults of several callers overlap. */
  begin(mode: keyof Link['fired']): () => void {
    if (mode === 'cut') {
      this.cutting += 1;
      for (const pair of this.pairs) this.cutSoon(pair);
    } else if (mode === 'stall') this.stalls += 1;
    else this.throttles += 1;
    return () => {
      if (mode === 'cut') this.cutting -= 1;
      else if (mode === 'throttle') this.throttles -= 1;
      else if (--this.stalls === 0) for (const go of this.waiting.splice(0)) go();
    };
  }

  close(): void {
    this.server.close();
    for (const { client, node } of this.pairs) {
      client.destroy();
      node.destroy();
    }
  }

  private accept(client: Socket): void {
    const node = connect({ port: this.nodePort, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { client, node };
    this.pairs.add(pair);
    if (this.cutting > 0) this.cutSoon(pair);
    this.pump(client, node, Infinity);
    this.pump(node, client, this.rate);
    const over = () => this.pairs.delete(pair);
    client.once('close', over);
    // When one side breaks off, the other side is broken off, too.
    client.on('error', () => node.resetAndDestroy());
    let taken = false;
    node.once('connect', () => (taken = true));
    node.on('error', () => {
      if (!taken) this.refused += 1;
      client.resetAndDestroy();
    });
  }

  private pump(from: Socket, to: Socket, rate: number): void {
    let last = Promise.resolve();
    const next = (work: () => Promise<void>) => {
      last = last.then(work);
    };
    from.on('data', (bytes: Buffer) => {
      from.pause();
      next(async () => {
        await this.pass(bytes.length, rate);
        if (!to.destroyed && !to.write(bytes)) await drained(to);
        from.resume();
      });
    });
    from.on('end', () =>
      next(async () => {
        await this.pass(0, rate);
        to.end();
      }),
    );
  }

  /** Waits as long as so many bytes take at the given rate. */
  private async pass(bytes: number, rate: number): Promise<void> {
    if (this.stalls > 0) {
      this.fired.stall += 1;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    if (bytes === 0) return;
    const slow = this.throttles > 0 && rate !== Infinity;
    if (slow) this.fired.throttle += 1;
    const ms = (bytes * 1000) / (slow ? Math.min(rate, THROTTLED) : rate);
    if (ms >= 1) await new Promise((resolve) => setTimeout(resolve, ms));
  }

  private cutSoon(pair: Pair): void {
    setTimeout(() => {
      if (this.cutting === 0 || !this.pairs.has(pair)) return;
      this.fired.cut += 1;
      pair.client.destroy();
      pair.node.destroy();
    }, this.random.below(LONGEST_UNTIL_CUT_MS));
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      socket.off('drain', go).off('close', go);
      resolve();
    };
    socket.on('drain', go).on('close', go);
  });
}
