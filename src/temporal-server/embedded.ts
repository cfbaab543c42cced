import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { makeMissingSync } from '../lib/host/make-folders.js';
import { findTemporal } from './binary/find-temporal.js';
import { type Say, reasonOf } from '../temporal/temporal-error.js';
import { RoomWatch } from './room.js';
import { EMBEDDED_NAMESPACE, answers } from './server-process.js';
import { SharedServer } from './shared-server.js';

const WATCH_MS = 1_000;
/** How often the server is asked for an answer. */
const PROBE_MS = 3_000;
/** The server is killed after so many failures in a row, if its last answer is also long enough ago. */
const MOST_SILENT_PROBES = 4;
/** The same problem is reported again only after this time. */
const SAY_AGAIN_MS = 60_000;

/** Our own Temporal server. It runs as long as any process uses it. */
export interface EmbeddedServer {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string;
  /** Stops the server if nobody else uses it. Call it once, at the end. */
  release(): Promise<void>;
}

/**
 * Starts the Temporal server of a data folder, or joins the one that runs. All its data is in
 * `<data>/temporal/temporal.db`. Every process that uses the server watches it: the first to see that it is
 * dead, or has not answered for half a minute, starts it again on the same ports and database. The last user
 * to leave stops it. If the signal aborts before the server answers, this process leaves like any user.
 * @throws TemporalError, or the signal's reason
 */
export async function openEmbeddedServer(
  dataFolder: string,
  options: {
    say: Say;
    env?: NodeJS.ProcessEnv;
    signal?: AbortSignal;
    /**
     * Called when the server has an address. It may not answer yet. Called again with another one if a program takes its
     * port before it ever did.
     */
    onAddress?: (server: Pick<EmbeddedServer, 'address' | 'namespace'>) => void;
  },
): Promise<EmbeddedServer> {
  const folder = resolve(dataFolder, 'temporal');
  makeMissingSync(folder);
  // A server is known by the path of its database. By another path to the same one, it would seem to be none.
  const server = new WatchedServer(realpathSync(folder), options.say, options.env ?? process.env);
  const signal = options.signal ?? new AbortController().signal;
  await server.open(signal, () => options.onAddress?.(server));
  return server;
}

const inUse = new Set<WatchedServer>();

/** For a process that ends where it stands: kills the servers that nobody else uses. Never throws. */
export function leaveServersAtOnce(): void {
  for (const server of inUse) server.leaveAtOnce();
}

class WatchedServer implements EmbeddedServer {
  readonly namespace = EMBEDDED_NAMESPACE;
  readonly #server: SharedServer;
  readonly #say: Say;
  readonly #room: RoomWatch;
  readonly #leaving = new AbortController();
  #watch: NodeJS.Timeout | undefined;
  #healing: Promise<void> | undefined;
  #probing = false;
  #probedAt = 0;
  #answeredAt = 0;
  #silentProbes = 0;
  #trouble = { what: '', saidAt: 0 };

  constructor(
    folder: string,
    say: Say,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    this.#say = say;
    this.#server = new SharedServer(folder, say);
    this.#room = new RoomWatch(folder, say);
  }

  get address(): string {
    return `127.0.0.1:${this.#server.ports.port}`;
  }

  get uiUrl(): string {
    return `http://127.0.0.1:${this.#server.ports.uiPort}`;
  }

  async open(signal: AbortSignal, onPorts: () => void): Promise<void> {
    // The lock is not held here, because a fetch of the binary may take minutes.
    const binary = await findTemporal({ env: this.env, say: this.#say, signal });
    try {
      await this.#server.enter();
      inUse.add(this);
      await this.#bringUp(binary, signal, { onPorts });
      signal.throwIfAborted();
    } catch (error) {
      if (signal.aborted) await this.#leave();
      else this.#giveUp();
      throw error;
    }
    this.#watch = setInterval(() => this.#look(binary), WATCH_MS);
    this.#watch.unref();
  }

  async release(): Promise<void> {
    clearInterval(this.#watch);
    this.#leaving.abort();
    await this.#healing;
    await this.#leave();
  }

  leaveAtOnce(): void {
    try {
      this.#server.leaveAtOnce();
    } catch {
      // The next user of the folder finds the server.
    }
  }

  #giveUp(): void {
    inUse.delete(this);
    this.#server.giveUp();
  }

  async #leave(): Promise<void> {
    try {
      await this.#server.leave();
      inUse.delete(this);
    } catch (error) {
      this.#say(`The Temporal server was left running: ${reasonOf(error)}`);
    }
  }

  /**
   * Runs once a second: shows that this user lives, and checks that the server does. Must not throw, because a
   * timer calls it.
   */
  #look(binary: string): void {
    this.#server.stay();
    this.#room.look(Date.now());
    if (this.#healing) return;
    if (!this.#server.runs()) {
      this.#heal(() => this.#bringUp(binary, this.#leaving.signal));
      return;
    }
    if (!this.#server.isWrittenDown()) {
      this.#healing = this.#server.writeDown().finally(() => (this.#healing = undefined));
    }
    if (!this.#probing && performance.now() - this.#probedAt > PROBE_MS) void this.#probe(binary);
  }

  /** Asks the server for an answer, because a running server may hang. After too many failures it is restarted. */
  async #probe(binary: string): Promise<void> {
    this.#probing = true;
    const answered = await answers(this.#server.ports.port);
    this.#probing = false;
    this.#probedAt = performance.now();
    if (answered) {
      this.#heardIt();
      return;
    }
    this.#silentProbes += 1;
    const { pid, patienceMs } = this.#server.present();
    const silent = performance.now() - this.#answeredAt;
    if (this.#silentProbes < MOST_SILENT_PROBES || silent < patienceMs) return;
    if (this.#healing || this.#leaving.signal.aborted) return;
    this.#heal(() => this.#bringUp(binary, this.#leaving.signal, { hungPid: pid }));
  }

  async #bringUp(...how: Parameters<SharedServer['bringUp']>): Promise<void> {
    await this.#server.bringUp(...how);
    this.#heardIt();
  }

  #heardIt(): void {
    this.#silentProbes = 0;
    this.#answeredAt = performance.now();
  }

  #heal(work: () => Promise<void>): void {
    this.#healing = work()
      .catch((error: unknown) => this.#sayTrouble(reasonOf(error)))
      .finally(() => (this.#healing = undefined));
  }

  #sayTrouble(what: string): void {
    const now = performance.now();
    if (what === this.#trouble.what && now - this.#trouble.saidAt < SAY_AGAIN_MS) return;
    this.#trouble = { what, saidAt: now };
    this.#say(`The Temporal server is not back yet: ${what}`, 'error');
  }
}
