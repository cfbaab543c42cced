import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtProgram } from '../../src/lib/host/built.js';
import type { Facts } from '../../src/devnode/devnode.js';
import type { Fault, FaultInput } from '../../src/devnode/faults.js';
import { choosePort } from '../../src/temporal-server/ports.js';
import { until } from '../support/until.js';
import { Program } from './program.js';

const ANSWER_MS = 2_000;
export const CHAIN = { transactions: 1_200, stateItems: 1_500, epochs: 3 };

/** A fault that is on, and how often it fired, over all restarts of the node. */
export interface ActiveFault {
  input: FaultInput;
  before: number;
  now: number;
}

/** `aptos-backup devnode` as a process. It may die, and comes back with the same chain. */
export class NodeProcess {
  readonly program: Program;
  readonly journal: string;
  private readonly control: string;
  private readonly active = new Set<ActiveFault>();
  /** Requests by path: of earlier processes, and of the current one. */
  private readonly before = new Map<string, number>();
  private now: Record<string, number> = {};
  private life = 0;
  private last: Promise<unknown> = Promise.resolve();
  /** Total of all faults that are over. */
  fired = 0;

  private constructor(
    readonly port: number,
    controlPort: number,
    folder: string,
    seed: number,
    env: NodeJS.ProcessEnv,
  ) {
    this.journal = join(folder, 'growth.jsonl');
    this.control = `http://127.0.0.1:${controlPort}`;
    this.program = new Program({
      name: 'node',
      command: process.execPath,
      args: [
        ...[fileURLToPath(builtProgram('cli.js')), 'devnode', '--seed', `${seed}`],
        ...['--port', `${port}`, '--control-port', `${controlPort}`, '--journal', this.journal],
        ...['--transactions', `${CHAIN.transactions}`, '--state-items', `${CHAIN.stateItems}`],
        ...['--epochs', `${CHAIN.epochs}`],
      ],
      env,
      log: join(folder, 'node.log'),
    });
  }

  static async start(folder: string, seed: number, env: NodeJS.ProcessEnv): Promise<NodeProcess> {
    const port = await choosePort();
    const node = new NodeProcess(port, await choosePort(), folder, seed, env);
    node.program.start();
    await until('the node answers', async () => (await node.facts()) !== undefined);
    return node;
  }

  /** Undefined while the node does not answer. */
  facts(): Promise<Facts | undefined> {
    return this.ask<Facts>('GET', '/facts');
  }

  grow(by: { transactions: number; epochs: number }): Promise<Facts | undefined> {
    return this.ask<Facts>('POST', '/grow', by);
  }

  /** Turns a fault on. A restarted node forgets its faults, so they are turned on again. */
  async begin(input: FaultInput): Promise<ActiveFault> {
    const fault = { input, before: 0, now: 0 };
    await this.alone(async () => {
      this.active.add(fault);
      await this.ask('POST', '/faults', input);
    });
    return fault;
  }

  /** Turns a fault off. Returns how often it fired. */
  async end(fault: ActiveFault): Promise<number> {
    await this.look();
    return this.alone(async () => {
      this.active.delete(fault);
      await this.setFaults();
      this.fired += fault.before + fault.now;
      return fault.before + fault.now;
    });
  }

  /** Records the node's counters. Call it often, and before the node dies. */
  look(): Promise<void> {
    return this.alone(() => this.lookNow());
  }

  private async lookNow(): Promise<void> {
    const { starts } = this.program;
    const requests = await this.ask<Record<string, number>>('GET', '/requests');
    const faults = await this.ask<Fault[]>('GET', '/faults');
    if (!requests || !faults || starts !== this.program.starts) return;
    if (this.life !== starts) {
      for (const [path, times] of Object.entries(this.now)) {
        this.before.set(path, (this.before.get(path) ?? 0) + times);
      }
      this.life = starts;
    }
    this.now = requests;
    // A restarted node has no faults, and a stopped one may have missed the last change.
    if (faults.length !== this.active.size) await this.setFaults();
    else [...this.active].forEach((fault, i) => (fault.now = faults[i]!.fired));
  }

  /**
   * How often each path was requested, over all restarts. Requests in the last moments of a process are
   * missing.
   */
  requests(): Map<string, number> {
    const all = new Map(this.before);
    for (const [path, times] of Object.entries(this.now))
      all.set(path, (all.get(path) ?? 0) + times);
    return all;
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  private async setFaults(): Promise<void> {
    await this.ask('DELETE', '/faults');
    for (const fault of this.active) {
      fault.before += fault.now;
      fault.now = 0;
      await this.ask('POST', '/faults', fault.input);
    }
  }

  private async ask<T>(method: string, path: string, body?: object): Promise<T | undefined> {
    try {
      const response = await fetch(this.control + path, {
        method,
        signal: AbortSignal.timeout(ANSWER_MS),
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return response.ok ? ((await response.json()) as T) : undefined;
    } catch {
      return undefined; // stopped, dead, or not yet back
    }
  }
}
