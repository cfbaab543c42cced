import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { damageIn, putAside } from './damaged-database.js';
import { type Say, TemporalError } from '../errors.js';
import { withLock } from './lock.js';
import { logSize, logTail, rotateLog } from '../log-file.js';
import { choosePort, isFreeSoon } from './ports.js';
import { runsCommandWith } from '../process-info.js';
import { findServerOn, stopServersOn } from './running-servers.js';
import {
  type ServerFiles,
  type ServerPorts,
  answers,
  keepClosedWorkflows,
  spawnServer,
  stopServer,
  waitUntilReady,
} from './server-process.js';
import { type ServerState, ServerStateFile } from './server-state.js';
import { ServerUsers } from './server-users.js';

/** It is killed after so long without an answer. */
const SILENT_MS = 25_000;
/** A large database takes minutes to open after a crash: a server that has not answered yet is waited for. */
const START_MS = 10 * 60_000;
/** A new database that is damaged as well so soon is not replaced: the disk is to blame. */
const RENEW_AGAIN_MS = 10 * 60_000;
/** One that dies as it starts may have been killed: nobody else would start it again. */
const MOST_STARTS = 5;
const START_AGAIN_MS = 1_000;
const HUNG = 'did not answer for half a minute and was killed';

/** The server of a data folder, and what its users do to it: under the lock of the folder, one at a time. */
export class SharedServer {
  readonly #users: ServerUsers;
  readonly #stateFile: ServerStateFile;
  readonly #files: ServerFiles;
  #state: ServerState | undefined;
  #renewedAt = -Infinity;

  constructor(
    private readonly folder: string,
    private readonly say: Say,
  ) {
    this.#users = new ServerUsers(join(folder, 'users'));
    this.#stateFile = new ServerStateFile(join(folder, 'server.json'));
    this.#files = { database: join(folder, 'temporal.db'), log: join(folder, 'server.log') };
  }

  /** Once it was brought up. */
  get ports(): ServerPorts {
    return this.#state!;
  }

  async enter(): Promise<void> {
    await this.#locked(() => this.#users.enter());
  }

  /** To be called every few seconds. Never throws. */
  stay(): void {
    this.#users.stay();
    rotateLog(this.#files.log);
  }

  /** Stops the server if nobody else uses it. */
  async leave(): Promise<void> {
    await this.#locked(async () => {
      this.#users.leave();
      if (!this.#users.hasOthers()) await stopServersOn(this.#files);
    });
  }

  /** It could not be brought up. */
  giveUp(): void {
    this.#users.leave();
  }

  runs(): boolean {
    return this.#isRunning(this.#state!);
  }

  /** Who it is now, and for how long it may be silent. */
  present(): { pid: number; patienceMs: number } {
    const known = this.#known()!;
    return { pid: known.pid, patienceMs: patienceWith(known) };
  }

  isWrittenDown(): boolean {
    const written = this.#stateFile.read();
    return written !== undefined && samePorts(written, this.#state!);
  }

  /** For others, when what they need to find the server is gone or wrong. Never fails. */
  async writeDown(): Promise<void> {
    try {
      await this.#locked(() => {
        if (!this.isWrittenDown()) this.#stateFile.tryToWrite(this.#state!);
      });
    } catch {
      // The next look tries again.
    }
  }

  /** Joins the server that runs, or starts it (kills it first if it hangs), and waits for its first answer. */
  async bringUp(binary: string, signal: AbortSignal, hungPid?: number): Promise<void> {
    let renewed = false;
    let deaths = 0;
    for (let hung = hungPid; !signal.aborted;) {
      const logged = logSize(this.#files.log);
      const { state, started } = await this.#locked(async () => {
        const killed = hung !== undefined && (await this.#killHung(hung));
        const lost = this.#state && !renewed ? 'died' : undefined;
        return this.#runningOrStarted(binary, killed ? HUNG : lost);
      });
      const patienceMs = patienceWith(state);
      try {
        await waitUntilReady(state, this.#files, { patienceMs, say: this.say, signal });
      } catch (error) {
        hung = this.#isRunning(state) ? state.pid : undefined;
        // One that was left to us by somebody else was well once.
        if (!started && (hung === undefined || state.ready)) continue;
        if (hung !== undefined) {
          await this.#locked(() => this.#killHung(state.pid));
          throw error;
        }
        const damage = damageIn(logTail(this.#files.log, logged));
        renewed = damage !== undefined && (await this.#renewDatabase(damage));
        if (renewed) continue;
        deaths += 1;
        if (damage !== undefined || deaths === MOST_STARTS) throw error;
        await sleep(START_AGAIN_MS, undefined, { signal }).catch(() => undefined);
        continue;
      }
      if (signal.aborted) return;
      if (!state.ready) await this.#locked(() => this.#noteReady(state));
      if (started) await keepClosedWorkflows(binary, state.port, this.say);
      return;
    }
  }

  async #runningOrStarted(
    binary: string,
    why: string | undefined,
  ): Promise<{ state: ServerState; started: boolean }> {
    const known = this.#known();
    const running = known && this.#isRunning(known) ? known : await this.#findRunning(known);
    if (running) {
      this.#state = running;
      return { state: running, started: false };
    }
    const ports = await this.#ports(known);
    if (why) this.say(`The Temporal server ${why}; starting it again`);
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
    const willDo = (ports: ServerPorts) => !this.#isReliedOn(known) || samePorts(known, ports);
    const found = await findServerOn(this.#files, { willDo, say: this.say });
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
  async #renewDatabase(damage: string): Promise<boolean> {
    if (performance.now() - this.#renewedAt < RENEW_AGAIN_MS) return false;
    await this.#locked(() => {
      const known = this.#known();
      if (known && this.#isRunning(known)) return; // another user was faster
      const aside = putAside(this.#files.database);
      if (!aside) return;
      this.#renewedAt = performance.now();
      this.say(
        `The Temporal server cannot read its database (${damage}): it is kept as ${aside}, and a new one is begun; what is stored is not backed up again`,
      );
    });
    return true;
  }

  /** Under the lock. False if another user was faster, or it has come back in the last moment. */
  async #killHung(pid: number): Promise<boolean> {
    const known = this.#known();
    if (known?.pid !== pid || !this.#isRunning(known) || (await answers(known.port))) return false;
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

  #isRunning(state: ServerState): boolean {
    return runsCommandWith(state.pid, this.#files.database);
  }

  #locked<T>(work: () => Promise<T> | T): Promise<T> {
    return withLock(join(this.folder, 'lock'), work);
  }

  /** What is written down; to a user other ports say nothing: its clients and workers cannot follow. */
  #known(): ServerState | undefined {
    const written = this.#stateFile.read();
    return written && (!this.#state || samePorts(written, this.#state)) ? written : this.#state;
  }
}

function samePorts(one: ServerPorts, other: ServerPorts): boolean {
  return one.port === other.port && one.uiPort === other.uiPort;
}

function patienceWith(state: ServerState): number {
  return state.ready ? SILENT_MS : START_MS;
}
