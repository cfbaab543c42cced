import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { StorageConfig } from '../../src/contract/job.js';
import { textOfLine } from '../../src/lib/host/log.js';
import { builtProgram } from '../../src/lib/host/built.js';
import { runsCommandWith } from '../../src/lib/host/process-info.js';
import type { Target } from './plan.js';
import { Program } from './program.js';
import { until } from '../support/until.js';

/** What makes the backups: processes that can be struck, and the address of their server. */
export interface System {
  /** Undefined while the process does not run. */
  pid(target: Target): number | undefined;
  /** Programs that the test itself starts again. */
  readonly programs: Partial<Record<Target, Program>>;
  /** Port of the Temporal server's frontend. */
  readonly port: number;
  connect(): Promise<{ client: Client; connection: Connection }>;
  stop(): Promise<void>;
}

/** Small sizes, so that a short run has many chunks and units. */
export const SIZES = { chunk: 20_000, batch: 600, batchSeconds: 4 };
const TRUST = (genesis: string) => ['--trust-waypoint', genesis];

export interface SystemOptions {
  folder: string;
  storage: StorageConfig;
  node: string;
  genesis: string;
  env: NodeJS.ProcessEnv;
  onLine: (line: string) => void;
}

/** The flags that `up` and `continuously` get. */
export function followFlags({ storage, node, genesis }: SystemOptions): string[] {
  return [
    ...storageFlags(storage),
    ...['--backup-service-address', node, ...TRUST(genesis)],
    ...['--max-chunk-size', `${SIZES.chunk}`, '--transaction-batch-size', `${SIZES.batch}`],
    ...['--transaction-batch-seconds', `${SIZES.batchSeconds}`],
  ];
}

function storageFlags(storage: StorageConfig): string[] {
  if ('url' in storage) return ['--storage', storage.url];
  if ('local_fs_dir' in storage) return ['--local-fs-dir', storage.local_fs_dir];
  return ['--command-adapter-config', storage.command_adapter_config];
}

/** Collects the process ids of workers from the output of their supervisor. */
export class WorkerPids {
  private readonly latest = new Map<string, number>();

  note(line: string): void {
    const [, name, pid] = /^(.+) is started: process (\d+)$/.exec(textOfLine(line)) ?? [];
    if (name !== undefined) this.latest.set(name, Number(pid));
  }

  of(target: Target): number | undefined {
    const names: Partial<Record<Target, string>> = {
      'chunk worker': 'Chunk worker',
      'workflow worker': 'Workflow worker',
      'apart worker': 'Apart worker',
    };
    const pid = this.latest.get(names[target] ?? '');
    return pid !== undefined && runsCommandWith(pid, WORKER) ? pid : undefined;
  }
}

const CLI = fileURLToPath(builtProgram('cli.js'));
const WORKER = fileURLToPath(builtProgram('worker.js'));

export function commandLine(args: string[]): { command: string; args: string[] } {
  return { command: process.execPath, args: [CLI, ...args] };
}

/** One of our commands. It is started again when it ends. */
export function ourProgram(
  name: string,
  args: string[],
  options: Pick<SystemOptions, 'folder' | 'env' | 'onLine'>,
): Program {
  return new Program({
    name,
    ...commandLine(args),
    env: options.env,
    log: join(options.folder, `${name.replaceAll(' ', '-')}.log`),
    onLine: options.onLine,
  });
}

/** Everything on one machine: `aptos-backup up` with its embedded server. */
export class UpSystem implements System {
  readonly programs: { up: Program };
  private readonly workers = new WorkerPids();
  private readonly data: string;

  constructor(options: SystemOptions) {
    this.data = join(options.folder, 'data');
    const onLine = (line: string) => {
      this.workers.note(line);
      options.onLine(line);
    };
    const args = ['up', ...followFlags(options), '--data-dir', this.data];
    this.programs = { up: ourProgram('up', args, { ...options, onLine }) };
    this.programs.up.start();
  }

  pid(target: Target): number | undefined {
    if (target === 'up') return this.programs.up.pid;
    if (target !== 'temporal server') return this.workers.of(target);
    const pid = this.server()?.pid;
    return pid !== undefined && runsCommandWith(pid, this.database) ? pid : undefined;
  }

  get port(): number {
    return this.server()!.port;
  }

  /** Waits for the server: on a busy machine its start takes longer than a short run. */
  async connect() {
    let connected: Awaited<ReturnType<typeof connectTo>> | undefined;
    // After an outage of the server, the next one may still have to begin.
    await until('the server answers', async () => {
      if (this.server()) connected = await connectTo(this.port).catch(() => undefined);
      return connected !== undefined;
    });
    return connected!;
  }

  stop(): Promise<void> {
    return this.programs.up.stop();
  }

  private get database(): string {
    return join(this.data, 'temporal', 'temporal.db');
  }

  private server(): { pid: number; port: number } | undefined {
    try {
      const text = readFileSync(join(this.data, 'temporal', 'server.json'), 'utf8');
      return JSON.parse(text) as { pid: number; port: number };
    } catch {
      return undefined; // not started yet
    }
  }
}

export async function connectTo(port: number) {
  const connection = await Connection.connect({
    address: `127.0.0.1:${port}`,
    channelArgs: { 'grpc.enable_http_proxy': 0 },
  });
  return { connection, client: new Client({ connection, namespace: 'default' }) };
}
