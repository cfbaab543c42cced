import type { ServerResponse } from 'node:http';

/** Length of a window, in milliseconds. */
const WINDOW_MS = 10_000;

/** What clients asked of the node so far. */
export interface LoadSoFar {
  /** Streams that are open now, and the most that were open at once. */
  streams: number;
  most_streams: number;
  /** The most requests within ten seconds. */
  most_requests: number;
  /** The most bytes of answers that ended within ten seconds, with their headers. */
  most_bytes: number;
}

/** Counts what clients ask of the node at once, and in a while. */
export class Load {
  private streams = 0;
  private mostStreams = 0;
  /** How often each path was requested. */
  readonly paths = new Map<string, number>();
  private readonly requests = new Busiest();
  private readonly bytes = new Busiest();

  request(path: string, res: ServerResponse): void {
    this.paths.set(path, (this.paths.get(path) ?? 0) + 1);
    this.requests.add(1);
    const { socket } = res;
    const before = socket?.bytesWritten ?? 0;
    res.once('close', () => this.bytes.add((socket?.bytesWritten ?? before) - before));
  }

  stream(res: ServerResponse): void {
    this.streams += 1;
    this.mostStreams = Math.max(this.mostStreams, this.streams);
    const { socket } = res;
    let open = true;
    const over = () => {
      socket?.off('end', over);
      if (open) this.streams -= 1;
      open = false;
    };
    // The end of the connection of a reader who left is seen a moment before its answer closes.
    socket?.once('end', over);
    res.once('close', over);
  }

  get soFar(): LoadSoFar {
    const { streams, mostStreams: most_streams, requests, bytes } = this;
    return { streams, most_streams, most_requests: requests.most, most_bytes: bytes.most };
  }
}

/** The largest sum within any window. */
class Busiest {
  most = 0;
  private sum = 0;
  private readonly window: { at: number; amount: number }[] = [];

  add(amount: number): void {
    const at = performance.now();
    this.window.push({ at, amount });
    this.sum += amount;
    while (this.window[0]!.at <= at - WINDOW_MS) this.sum -= this.window.shift()!.amount;
    this.most = Math.max(this.most, this.sum);
  }
}
