import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Random } from '../../../src/devnode/chain/random.js';
import { type Asked, type Fault, answerThrough } from '../../support/servers/faulty-proxy.js';
import type { StorageMode, UploadMode } from '../plan.js';

/** The steps by which objects are written. */
export type Stage = 'put' | 'begin' | 'part' | 'complete';

const MOST_DELAY_MS = 3_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Requests that are off by more than 15 minutes are refused; by less, they pass, and times in answers are wrong. */
const WRONG_BY_MS = [10 * MINUTE_MS, -10 * MINUTE_MS, DAY_MS, -DAY_MS];

/** A fault that is on. */
export interface Trouble {
  /** To be read after "was". */
  text: string;
  /** Whether a request meets it, and what then happens to that request. */
  hits: (asked: Asked) => boolean;
  fault: () => Fault | undefined;
  /** Number of requests that met it. */
  met: number;
  stages: Map<Stage, number>;
  end: () => void;
}

/** A proxy before a bucket, through which all requests of a run go. */
export class StoreProxy {
  private readonly server: Server;
  private readonly random: Random;
  private readonly troubles = new Set<Trouble>();

  private constructor(store: string, seed: number) {
    this.random = new Random(seed);
    this.server = createServer((asked, answer) =>
      answerThrough(store, asked, answer, (request) => this.choose(request)),
    );
  }

  static async open(store: string, seed: number): Promise<StoreProxy> {
    const proxy = new StoreProxy(store, seed);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** Begins a fault. Of a store that was killed it only counts requests. */
  begin(mode: StorageMode): Trouble {
    switch (mode) {
      case 'away':
        return this.add(all, 1, undefined, 'killed');
      case 'full':
        return this.add(isWrite, 1, refusal(507, 'InsufficientStorage'), 'full');
      case 'read-only':
        return this.add(isWrite, 1, refusal(403, 'AccessDenied'), 'without the right to write');
      case 'throttling':
        return this.add(all, 0.8, refusal(503, 'SlowDown'), 'throttling 80 % of requests');
      case 'slow': {
        const delay = () => ({ delayMs: this.random.below(MOST_DELAY_MS) });
        return this.add(all, 1, delay, `slow by up to ${MOST_DELAY_MS / 1000} s`);
      }
      case 'truncating':
        return this.add(isRead, 0.5, 'cut answer', 'truncating half of the answers');
      case 'clock': {
        const clockMs = WRONG_BY_MS[this.random.below(WRONG_BY_MS.length)]!;
        return this.add(all, 1, { clockMs }, `wrong by ${clockMs / MINUTE_MS} minutes`);
      }
    }
  }

  beginUploads(mode: UploadMode): Trouble {
    const fault = {
      cut: 'cut request',
      'answer lost': 'lose answer',
      changed: 'change request',
    } as const;
    return this.add((asked) => stageOf(asked) !== undefined, 0.6, fault[mode], mode);
  }

  private add(
    is: (asked: Asked) => boolean,
    probability: number,
    fault: Fault | (() => Fault) | undefined,
    text: string,
  ): Trouble {
    const trouble: Trouble = {
      text,
      hits: (asked) => is(asked) && this.random.below(1000) < probability * 1000,
      fault: () => (typeof fault === 'function' ? fault() : fault),
      met: 0,
      stages: new Map(),
      end: () => this.troubles.delete(trouble),
    };
    this.troubles.add(trouble);
    return trouble;
  }

  private choose(asked: Asked): Fault | undefined {
    for (const trouble of this.troubles) {
      if (!trouble.hits(asked)) continue;
      trouble.met += 1;
      const stage = stageOf(asked);
      if (stage) trouble.stages.set(stage, (trouble.stages.get(stage) ?? 0) + 1);
      return trouble.fault();
    }
    return undefined;
  }
}

const all = () => true;
const isRead = ({ method }: Asked) => method === 'GET';
const isWrite = ({ method }: Asked) => method === 'PUT' || method === 'POST';

function stageOf({ method, path }: Asked): Stage | undefined {
  if (method === 'PUT') return path.includes('partNumber=') ? 'part' : 'put';
  if (method !== 'POST') return undefined;
  return path.includes('uploadId=') ? 'complete' : 'begin';
}

function refusal(status: number, code: string): Fault {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>on purpose</Message></Error>`;
  return { status, body };
}
