import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { damageIn, putAside } from './damaged-database.js';
import { type Say, TemporalError } from '../temporal/temporal-error.js';
import { withLock } from './lock.js';
import { logSize, logTail, rotateLog } from '../lib/host/log-file.js';
import { choosePort, isFreeSoon } from './ports.js';
import { runsCommandWith } from '../lib/host/process-info.js';
import { findServerOn, killServersOn } from './running-servers.js';
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

/** A server that has answered once is killed after so long without an answer. */
const SILENT_MS = 25_000;
/** How long a server may take until its first answer. After a crash, a large database takes minutes to open. */
const START_MS = 10 * 60_000;
/** If a new database is damaged again within this time, it is not replaced: the disk is the cause. */
const RENEW_AGAIN_MS = 10 * 60_000;
/** A server that dies during its start may have been killed by somebody, so it is started again so often. */
const MOST_STARTS = 5;
const START_AGAIN_MS = 1_000;
const HUNG = 'did not answer for half a minute and was killed';

/** The Temporal server of a data folder, shared by its users. The folder's lock lets one user change it at a time. */
export class SharedServer {
  readonly #users: ServerUsers;
  readonly #stateFile: ServerStateFile;
  readonly #files: ServerFiles;
  #state: ServerState | undefined;
  /** The server has answered this process: from then on its clients and workers cannot change ports. */
  #answered = false;
  #renewedAt = -Infinity;

  constructor(
    private readonly folder: string,
    private readonly say: Say,
  ) {
    this.#users = new ServerUsers(join(folder, 'users'));
    this.#stateFile = new ServerStateFile(join(folder, 'server.json'));
    this.#files = { database: join(folder, 'temporal.db'), log: join(folder, 'server.log') };
  }

  /** The ports of the server; valid once `onPorts` was called. */
  get ports(): ServerPorts {
    return this.#state!;
  }

  async enter(): Promise<void> {
    await this.#locked(() => this.#users.enter());
  }

  /** Shows that this user lives and rotates the log; call it every few seconds. Never throws. */
  stay(): void {
    this.#users.stay();
    rotateLog(this.#files.log);
  }

  /**
   * Ends the server if nobody else uses it. It is killed, because by itself it takes about a second to end. Nothing is
   * asked of it any more, and its database survives a kill at any moment.
   */
  async leave(): Promise<void> {
    await this.#locked(async () => {
      this.#users.leave();
      if (!this.#users.hasOthers()) await killServersOn(this.#files);
    });
  }

  /** The same without the lock. Who begins to use the server in this moment starts it again. */
  leaveAtOnce(): void {
    this.#users.leave();
    const known = this.#known();
    if (!known || this.#users.hasOthers() || !this.#isRunning(known)) return;
    process.kill(known.pid, 'SIGKILL');
  }

  /** Removes this user after a failed `bringUp`. */
  giveUp(): void {
    this.#users.leave();
  }

  runs(): boolean {
    return this.#isRunning(this.#state!);
  }

  /** The process id of the present server, and for how many milliseconds it may be silent. */
  present(): { pid: number; patienceMs: number } {
    const known = this.#known()!;
    return { pid: known.pid, patienceMs: patienceWith(known) };
  }

  isWrittenDown(): boolean {
    const written = this.#stateFile.read();
    return written !== undefined && samePorts(written, this.#state!);
  }

  /** Writes server.json again when it is gone or wrong, so that others find the server. Never throws. */
  async writeDown(): Promise<void> {
    try {
      await this.#locked(() => {
        if (!this.isWrittenDown()) this.#stateFile.tryToWrite(this.#state!);
      });
    } catch {
      // The next look tries again.
    }
  }

  /**
   * Joins the running server, or starts one, and waits for its first answer. `hungPid` names a server that
   * hangs; it is killed first. `onPorts` is called as soon as the ports are known. They stay the same from then on, unless
   * another program takes one of them before the server has ever answered: then it is called once more.
   */
  async bringUp(
    binary: string,
    signal: AbortSignal,
    { hungPid, onPorts }: { hungPid?: number; onPorts?: () => void } = {},
  ): Promise<void> {
    let renewed = false;
    let deaths = 0;
    let told: number | undefined;
    for (let hung = hungPid; !signal.aborted;) {
      const logged = logSize(this.#files.log);
      const { state, started } = await this.#locked(async () => {
        const killed = hung !== undefined && (await this.#killHung(hung));
        const lost = this.#state && !renewed ? 'died' : undefined;
        return this.#runningOrStarted(binary, killed ? HUNG : lost);
      });
      if (told !== state.port) onPorts?.();
      told = state.port;
      const patienceMs = patienceWith(state);
      try {
        await waitUntilReady(state, this.#files, { patienceMs, say: this.say, signal });
      } catch (error) {
        hung = this.#isRunning(state) ? state.pid : undefined;
        // We joined a server of another user, and it has died or hangs now: start again from the beginning.
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
      this.#answered = true;
      if (!state.ready) await this.#locked(() => this.#noteReady(state));
      if (started) await keepClosedWorkflows(state.port, this.say);
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
    if (why) this.say(`The Temporal server ${why}; starting it again`, 'warn');
    const state = { pid: spawnServer(binary, this.#files, ports), ...ports };
    try {
      this.#stateFile.write(state);
    } catch (error) {
      await stopServer(state.pid, this.#files, 0); // without server.json nobody would find it
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
    return known !== undefined && (this.#answered || this.#users.hasOthers());
  }

  /**
   * Moves a database that the server cannot read out of the way. Returns false if the last one was moved only
   * minutes ago. No backup is lost: the storage is the truth, and the work in the database is done again.
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
        `The Temporal server cannot read its database (${damage}): it is kept as ${aside}, and a new one is begun; stored backups are kept and are not made again`,
      );
    });
    return true;
  }

  /** Call it under the lock. False if another user was faster, or the server answers again. */
  async #killHung(pid: number): Promise<boolean> {
    const known = this.#known();
    if (known?.pid !== pid || !this.#isRunning(known) || (await answers(known.port))) return false;
    await stopServer(pid, this.#files, 0);
    return true;
  }

  /** Notes that the server has answered, so that other users wait for it less long from now on. */
  #noteReady(state: ServerState): void {
    if (this.#known()?.pid !== state.pid) return;
    this.#state = { ...state, ready: true };
    this.#stateFile.tryToWrite(this.#state);
  }

  /** The remembered ports. New ones are chosen only if the old are taken and no user relies on them. */
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
    if (this.#state) {
      const { port, uiPort } = this.#state;
      const taken = `port ${port} or ${uiPort} before the Temporal server had it`;
      this.say(`Another program has taken ${taken}; others are chosen`, 'warn');
    }
    const port = await choosePort();
    return { port, uiPort: await choosePort() };
  }

  #isRunning(state: ServerState): boolean {
    return runsCommandWith(state.pid, this.#files.database);
  }

  #locked<T>(work: () => Promise<T> | T): Promise<T> {
    return withLock(join(this.folder, 'lock'), work);
  }

  /**
   * The state in server.json. If its ports are not those that this process uses, our own state counts: our
   * clients and workers cannot change ports.
   */
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
