import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findTemporal } from './binary.js';
import { damageIn, putAside } from './damaged-database.js';
import { type Say, TemporalError, reasonOf } from './errors.js';
import { withLock } from './lock.js';
import { logSize, logTail, rotateLog } from './log-file.js';
import { choosePort, isFreeSoon } from './ports.js';
import { runsCommandWith } from './process-info.js';
import { RoomWatch } from './room.js';
import { findServerOn, stopServersOn } from './running-servers.js';
import {
  EMBEDDED_NAMESPACE,
  type ServerPorts,
  answers,
  keepClosedWorkflows,
  spawnServer,
  stopServer,
  waitUntilReady,
} from './server-process.js';
import { type ServerState, ServerStateFile } from './server-state.js';
import { ServerUsers } from './server-users.js';

const WATCH_MS = 1_000;
/** Its answer is asked for so often; it is killed after four in a row without one, and so long. */
const PROBE_MS = 3_000;
const MOST_SILENT_PROBES = 4;
const SILENT_MS = 25_000;
/** A large database takes minutes to open after a crash: a server that has not answered yet is waited for. */
const START_MS = 10 * 60_000;
/** The same trouble is said again after so long. */
const SAY_AGAIN_MS = 60_000;
/** A new database that is damaged as well so soon is not replaced: the disk is to blame. */
const RENEW_AGAIN_MS = 10 * 60_000;
const HUNG = 'did not answer for half a minute and was killed';

/** A Temporal server of our own, as long as anybody uses it. */
export interface EmbeddedServer {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string;
  /** Stops the server if nobody else uses it. Call it once, at the end. */
  release(): Promise<void>;
}

/**
 * Starts the Temporal server of a data folder, or joins the one that runs. Everything it knows is
 * in `<data>/temporal/temporal.db`. Every user looks after it: whoever sees it dead, or without an answer for
 * half a minute, starts it again on the same ports and database; the last one to leave stops it.
 * @throws TemporalError
 */
export async function openEmbeddedServer(
  dataFolder: string,
  options: { say: Say; env?: NodeJS.ProcessEnv },
): Promise<EmbeddedServer> {
  const server = new SharedServer(
    resolve(dataFolder, 'temporal'),
    options.say,
    options.env ?? process.env,
  );
  await server.open();
  return server;
}

class SharedServer implements EmbeddedServer {
  readonly namespace = EMBEDDED_NAMESPACE;
  readonly #users: ServerUsers;
  readonly #stateFile: ServerStateFile;
  readonly #files: { database: string; log: string };
  readonly #say: Say;
  readonly #room: RoomWatch;
  readonly #leaving = new AbortController();
  #state: ServerState | undefined;
  #watch: NodeJS.Timeout | undefined;
  #healing: Promise<void> | undefined;
  #probing = false;
  #probedAt = 0;
  #answeredAt = 0;
  #silentProbes = 0;
  #renewedAt = -Infinity;
  #trouble = { what: '', saidAt: 0 };

  constructor(
    private readonly folder: string,
    say: Say,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    this.#say = say;
    this.#users = new ServerUsers(join(folder, 'users'));
    this.#stateFile = new ServerStateFile(join(folder, 'server.json'));
    this.#files = { database: join(folder, 'temporal.db'), log: join(folder, 'server.log') };
    this.#room = new RoomWatch(folder, say);
  }

  get address(): string {
    return `127.0.0.1:${this.#state!.port}`;
  }

  get uiUrl(): string {
    return `http://127.0.0.1:${this.#state!.uiPort}`;
  }

  async open(): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    // Fetching the binary may take minutes: not under the lock.
    const binary = await findTemporal({ env: this.env, say: this.#say });
    try {
      await this.#locked(() => this.#users.enter());
      await this.#bringUp(binary);
    } catch (error) {
      this.#users.leave();
      throw error;
    }
    this.#watch = setInterval(() => this.#look(binary), WATCH_MS);
    this.#watch.unref();
  }

  async release(): Promise<void> {
    clearInterval(this.#watch);
    this.#leaving.abort();
    await this.#healing;
    try {
      await this.#locked(async () => {
        this.#users.leave();
        if (this.#users.hasOthers()) return;
        await stopServersOn(this.#files);
      });
    } catch (error) {
      this.#say(`The Temporal server was left running: ${reasonOf(error)}`);
    }
  }

  /** Once a second: I am here, and is it? Nothing in here may throw: it is called by a timer. */
  #look(binary: string): void {
    this.#users.stay();
    rotateLog(this.#files.log);
    this.#room.look(Date.now());
    if (this.#healing) return;
    if (!this.#runs(this.#state!)) {
      this.#heal(() => this.#bringUp(binary));
      return;
    }
    if (!this.#stateFile.read()) this.#healing = this.#writeAgain();
    if (!this.#probing && performance.now() - this.#probedAt > PROBE_MS) void this.#probe(binary);
  }

  /** Asks for an answer; after too many in vain it is killed. A server that runs may hang. */
  async #probe(binary: string): Promise<void> {
    this.#probing = true;
    const answered = await answers(this.#state!.port);
    this.#probing = false;
    this.#probedAt = performance.now();
    if (answered) {
      this.#heardIt();
      return;
    }
    this.#silentProbes += 1;
    const known = this.#known()!;
    const patience = known.ready ? SILENT_MS : START_MS;
    const silent = performance.now() - this.#answeredAt;
    if (this.#silentProbes < MOST_SILENT_PROBES || silent < patience) return;
    if (this.#healing || this.#leaving.signal.aborted) return;
    this.#heal(() => this.#bringUp(binary, known.pid));
  }

  #heardIt(): void {
    this.#silentProbes = 0;
    this.#answeredAt = performance.now();
  }

  /** What others need to find the server is gone or damaged, and we know it. */
  async #writeAgain(): Promise<void> {
    try {
      await this.#locked(() => {
        if (!this.#stateFile.read()) this.#stateFile.tryToWrite(this.#state!);
      });
    } catch {
      // The next look tries again.
    }
    this.#healing = undefined;
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
    this.#say(`The Temporal server is not back yet: ${what}`);
  }

  /** Joins the server that runs, or starts it (kills it first if it hangs), and waits for its first answer. */
  async #bringUp(binary: string, hungPid?: number): Promise<void> {
    const { signal } = this.#leaving;
    let renewed = false;
    for (let hung = hungPid; ;) {
      const logged = logSize(this.#files.log);
      const { state, started } = await this.#locked(async () => {
        const killed = hung !== undefined && (await this.#killHung(hung));
        const lost = this.#state && !renewed ? 'died' : undefined;
        return this.#runningOrStarted(binary, killed ? HUNG : lost);
      });
      const patienceMs = state.ready ? SILENT_MS : START_MS;
      try {
        await waitUntilReady(state, this.#files, { patienceMs, say: this.#say, signal });
      } catch (error) {
        hung = this.#runs(state) ? state.pid : undefined;
        // One that was left to us by somebody else was well once.
        if (!started && (hung === undefined || state.ready)) continue;
        if (hung !== undefined) await this.#locked(() => this.#killHung(state.pid));
        else if (await this.#renewDatabase(logged)) {
          renewed = true;
          continue;
        }
        throw error;
      }
      if (signal.aborted) return;
      this.#heardIt();
      if (!state.ready) await this.#locked(() => this.#noteReady(state));
      if (started) await keepClosedWorkflows(binary, state.port, this.#say);
      return;
    }
  }

  async #runningOrStarted(
    binary: string,
    why: string | undefined,
  ): Promise<{ state: ServerState; started: boolean }> {
    const known = this.#known();
    const running = known && this.#runs(known) ? known : await this.#findRunning(known);
    if (running) {
      this.#state = running;
      return { state: running, started: false };
    }
    const ports = await this.#ports(known);
    if (why) this.#say(`The Temporal server ${why}; starting it again`);
    const state = { pid: spawnServer(binary, this.#files, ports), ...ports };
    try {
      this.#stateFile.write(state);
    } catch (error) {
      await stopServer(state.pid, this.#files, 0); // nobody would find it again
      throw error;
    }
    this.#state = state;
    return { state, started: true };
  }

  async #findRunning(known: ServerState | undefined): Promise<ServerState | undefined> {
    const willDo = ({ port, uiPort }: ServerPorts) =>
      !this.#isReliedOn(known) || (known.port === port && known.uiPort === uiPort);
    const found = await findServerOn(this.#files, { willDo, say: this.#say });
    if (found) this.#stateFile.tryToWrite(found);
    return found;
  }

  #isReliedOn(known: ServerState | undefined): known is ServerState {
    return known !== undefined && (this.#state !== undefined || this.#users.hasOthers());
  }

  /**
   * Puts the database aside if the server ended because it cannot be read. Nothing is lost that is not
   * done again: the storage of backups is the truth.
   */
  async #renewDatabase(logged: number): Promise<boolean> {
    const damage = damageIn(logTail(this.#files.log, logged));
    if (!damage || performance.now() - this.#renewedAt < RENEW_AGAIN_MS) return false;
    await this.#locked(() => {
      const known = this.#known();
      if (known && this.#runs(known)) return; // another user was faster
      const aside = putAside(this.#files.database);
      if (!aside) return;
      this.#renewedAt = performance.now();
      this.#say(
        `The Temporal server cannot read its database (${damage}): it is kept as ${aside}, and a new one is begun; what is stored is not backed up again`,
      );
    });
    return true;
  }

  /** Under the lock. False if another user was faster, or it has come back in the last moment. */
  async #killHung(pid: number): Promise<boolean> {
    const known = this.#known();
    if (known?.pid !== pid || !this.#runs(known) || (await answers(known.port))) return false;
    await stopServer(pid, this.#files, 0);
    return true;
  }

  /** Only for how patient others are. */
  #noteReady(state: ServerState): void {
    if (this.#known()?.pid !== state.pid) return;
    this.#state = { ...state, ready: true };
    this.#stateFile.tryToWrite(this.#state);
  }

  /** The remembered ports; new ones only while nobody relies on the old ones. */
  async #ports(known: ServerState | undefined): Promise<ServerPorts> {
    if (known && (await isFreeSoon(known.port)) && (await isFreeSoon(known.uiPort))) {
      return { port: known.port, uiPort: known.uiPort };
    }
    if (this.#isReliedOn(known)) {
      throw new TemporalError(
        'TEMPORAL_START_FAILED',
        `port ${known.port} or ${known.uiPort} is taken by another program`,
      );
    }
    const port = await choosePort();
    return { port, uiPort: await choosePort([port]) };
  }

  #runs(state: ServerState): boolean {
    return runsCommandWith(state.pid, this.#files.database);
  }

  #locked<T>(work: () => Promise<T> | T): Promise<T> {
    return withLock(join(this.folder, 'lock'), work);
  }

  #known(): ServerState | undefined {
    return this.#stateFile.read() ?? this.#state;
  }
}
