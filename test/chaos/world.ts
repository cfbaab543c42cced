import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { plainEnvironment } from '../support/cli.js';
import { Link } from './link.js';
import { NodeProcess } from './node.js';
import { killHard, processesOf, signal } from './processes.js';
import type { Place } from './place.js';
import type { System, SystemOptions } from './system.js';
import { until } from '../support/until.js';

/** Bytes per second of each connection to the node. Low, so that chunks take a moment and can be hit. */
const LINE_RATE = 250_000;
const GROW_MS = 500;
const EPOCH_EVERY = 500;

export interface WorldOptions {
  folder: string;
  seed: number;
  openPlace: (folder: string) => Promise<Place>;
  /** Transactions per second. */
  growth: number;
  build: (options: SystemOptions) => Promise<System>;
}

/** All real parts of a run: node, line, storage, and the system that backs up. */
export class World {
  private growing = true;
  private grown = 0;

  private constructor(
    readonly folder: string,
    readonly genesis: string,
    readonly node: NodeProcess,
    readonly link: Link,
    readonly place: Place,
    readonly system: System,
  ) {}

  static async start(options: WorldOptions): Promise<World> {
    const { folder, seed } = options;
    mkdirSync(folder, { recursive: true });
    const place = await options.openPlace(folder);
    const env = plainEnvironment();
    const node = await NodeProcess.start(folder, seed, env);
    let facts: Awaited<ReturnType<NodeProcess['facts']>>;
    await until(
      'the node tells its genesis',
      async () => (facts = await node.facts()) !== undefined,
    );
    const { genesis_waypoint: genesis } = facts!;
    const link = await Link.open(node.port, LINE_RATE, seed);
    const log = join(folder, 'said.log');
    const onLine = (line: string) => appendFileSync(log, `${new Date().toISOString()} ${line}\n`);
    const { storage } = place;
    const common = { folder, storage, node: link.address, genesis, env, onLine };
    const system = await options.build(common).catch(async (error: unknown) => {
      link.close();
      await place.close();
      await node.program.stop('SIGKILL');
      throw error;
    });
    const world = new World(folder, genesis, node, link, place, system);
    void world.keepGrowing(options.growth);
    return world;
  }

  /** Stops the growth of the chain. */
  stopGrowing(): void {
    this.growing = false;
  }

  /** Ends everything in order. Returns what still runs afterwards. */
  async stop(): Promise<string[]> {
    this.growing = false;
    await this.system.stop();
    await this.node.program.stop();
    this.link.close();
    const left = processesOf(this.folder);
    return left.map(({ pid, command }) => `${pid} ${command}`);
  }

  /** Kills everything, by the process ids of this run. `keep`: keep the storage as well. */
  async destroy(keep: boolean): Promise<void> {
    this.growing = false;
    this.link.close();
    const programs = [this.node.program, ...Object.values(this.system.programs)];
    await Promise.all(programs.map((program) => program.stop('SIGKILL').catch(() => undefined)));
    for (const { pid } of processesOf(this.folder)) {
      signal(pid, 'SIGCONT');
      await killHard(pid);
    }
    await this.place.close(keep ? join(this.folder, 'backups') : undefined);
  }

  private async keepGrowing(perSecond: number): Promise<void> {
    const transactions = Math.round((perSecond * GROW_MS) / 1000);
    while (this.growing) {
      const ends = Math.floor((this.grown + transactions) / EPOCH_EVERY);
      const epochs = ends > Math.floor(this.grown / EPOCH_EVERY) ? 1 : 0;
      if (await this.node.grow({ transactions, epochs })) this.grown += transactions;
      await this.node.look();
      await sleep(GROW_MS);
    }
  }
}
