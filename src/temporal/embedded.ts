import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { findTemporal } from './binary.js';
import { type Say, TemporalError, reasonOf } from './errors.js';
import { withLock } from './lock.js';
import { choosePort, isFree } from './ports.js';
import { isAlive, runsCommandWith } from './process-info.js';
import {
  EMBEDDED_NAMESPACE,
  keepClosedWorkflows,
  rotateLog,
  spawnServer,
  stopServer,
  waitUntilReady,
} from './server-process.js';

const WATCH_MS = 1_000;
/** A user that has not shown itself for so long is gone, even if its process id lives again. */
const USER_SILENT_MS = 60_000;

/** A Temporal server of our own, as long as anybody uses it. */
export interface EmbeddedServer {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string;
  /** Stops the server if nobody else uses it. Call it once, at the end. */
  release(): Promise<void>;
}

/** `server.json`: ports stay the same for the life of the data folder. */
interface ServerState {
  pid: number;
  port: number;
  uiPort: number;
}

/**
 * Starts the Temporal server of a data folder, or joins the one that runs. Everything it knows is
 * in `<data>/temporal/temporal.db`. Every user looks after it: whoever sees it dead starts it again
 * on the same ports and database; the last one to leave stops it.
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
  readonly #users: string;
  readonly #me: string;
  readonly #files: { database: string; log: string };
  readonly #say: Say;
  #state: ServerState | undefined;
  #watch: NodeJS.Timeout | undefined;
  #healing: Promise<void> | undefined;

  constructor(
    private readonly folder: string,
    say: Say,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    this.#say = say;
    this.#users = join(folder, 'users');
    this.#me = join(this.#users, `${process.pid}-${randomBytes(4).toString('hex')}`);
    this.#files = { database: join(folder, 'temporal.db'), log: join(folder, 'server.log') };
  }

  get address(): string {
    return `127.0.0.1:${this.#state!.port}`;
  }

  get uiUrl(): string {
    return `http://127.0.0.1:${this.#state!.uiPort}`;
  }

  async open(): Promise<void> {
    mkdirSync(this.#users, { recursive: true });
    // Fetching the binary may take minutes: not under the lock.
    const binary = await findTemporal({ env: this.env, say: this.#say });
    await this.#locked(async () => {
      writeFileSync(this.#me, '');
      try {
        await this.#ensureRuns(binary);
      } catch (error) {
        rmSync(this.#me, { force: true });
        throw error;
      }
    });
    this.#watch = setInterval(() => this.#look(binary), WATCH_MS);
    this.#watch.unref();
  }

  async release(): Promise<void> {
    clearInterval(this.#watch);
    await this.#healing;
    await this.#locked(async () => {
      rmSync(this.#me, { force: true });
      const state = this.#readState();
      if (this.#otherUsers().length > 0 || !state || !this.#runs(state)) return;
      await stopServer(state.pid, this.#files);
    });
  }

  /** Once a second: I am here, and is it? */
  #look(binary: string): void {
    if (this.#healing) return;
    try {
      const now = new Date();
      utimesSync(this.#me, now, now);
      rotateLog(this.#files.log);
    } catch {
      writeFileSync(this.#me, ''); // someone took us for dead, or tidied up by hand
    }
    if (this.#runs(this.#state!)) return;
    this.#healing = this.#locked(() => this.#ensureRuns(binary))
      .catch((error: unknown) =>
        this.#say(`The Temporal server is not back yet: ${reasonOf(error)}`),
      )
      .finally(() => (this.#healing = undefined));
  }

  async #ensureRuns(binary: string): Promise<void> {
    const known = this.#readState();
    if (known && this.#runs(known)) {
      this.#state = known;
      try {
        return await waitUntilReady(known.pid, this.#files, known.port);
      } catch {
        await stopServer(known.pid, this.#files); // it runs but does not answer
      }
    }
    const ports = await this.#ports(known);
    if (this.#state) this.#say('The Temporal server died; starting it again');
    const pid = spawnServer(binary, this.#files, ports);
    this.#writeState({ pid, ...ports });
    await waitUntilReady(pid, this.#files, ports.port);
    await keepClosedWorkflows(binary, ports.port, this.#say);
  }

  /** The remembered ports; new ones only while nobody relies on the old ones. */
  async #ports(known: ServerState | undefined): Promise<{ port: number; uiPort: number }> {
    if (known && (await isFree(known.port)) && (await isFree(known.uiPort))) {
      return { port: known.port, uiPort: known.uiPort };
    }
    if (known && (this.#state || this.#otherUsers().length > 0)) {
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

  #locked<T>(work: () => Promise<T>): Promise<T> {
    return withLock(join(this.folder, 'lock'), work);
  }

  #otherUsers(): string[] {
    return readdirSync(this.#users).filter((name) => {
      const path = join(this.#users, name);
      if (path === this.#me) return false;
      const seen = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      const lives = isAlive(Number(name.split('-')[0])) && Date.now() - seen < USER_SILENT_MS;
      if (!lives) rmSync(path, { force: true });
      return lives;
    });
  }

  #readState(): ServerState | undefined {
    try {
      const state = JSON.parse(
        readFileSync(join(this.folder, 'server.json'), 'utf8'),
      ) as ServerState;
      return Number.isInteger(state.pid) && state.port > 0 && state.uiPort > 0 ? state : undefined;
    } catch {
      return undefined; // none yet, or damaged: new ports are as good
    }
  }

  #writeState(state: ServerState): void {
    this.#state = state;
    const path = join(this.folder, 'server.json');
    writeFileSync(`${path}.new`, `${JSON.stringify(state)}\n`);
    renameSync(`${path}.new`, path);
  }
}
