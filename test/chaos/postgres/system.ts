import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { choosePort, isListening } from '../../../src/temporal-server/ports.js';
import { run } from '../../../src/lib/host/run.js';
import { exampleSettings, readCompose } from '../../support/compose.js';
import { until } from '../../support/until.js';
import type { Target } from '../plan.js';
import { Program } from '../program.js';
import {
  type System,
  type SystemOptions,
  WorkerPids,
  commandLine,
  connectTo,
  followFlags,
  ourProgram,
} from '../system.js';
import { type Binaries, findBinaries, postgresUser } from './binaries.js';
import { type StackPorts, serverConfig } from './server-config.js';

const SETUP_MS = 60_000;

/**
 * A production stack: PostgreSQL, a Temporal server on it, and `aptos-backup worker`. Each is started
 * again when it dies. `continuously` starts the coordinator and ends.
 */
export class PostgresSystem implements System {
  readonly port: number;
  private constructor(
    readonly programs: Record<'postgres' | 'temporal server' | 'worker command', Program>,
    private readonly workers: WorkerPids,
    ports: StackPorts,
  ) {
    this.port = ports.frontend;
  }

  static async start(options: SystemOptions, say: (line: string) => void): Promise<PostgresSystem> {
    const binaries = await findBinaries(say);
    const ports = await choosePorts();
    const { folder } = options;
    const env = {
      ...options.env,
      TEMPORAL_ADDRESS: `127.0.0.1:${ports.frontend}`,
      TEMPORAL_NAMESPACE: 'default',
      APTOS_BACKUP_DATA_DIR: join(folder, 'data'),
    };
    const workers = new WorkerPids();
    const onLine = (line: string) => {
      workers.note(line);
      options.onLine(line);
    };
    const config = join(folder, 'server.yaml');
    writeFileSync(config, serverConfig(ports));
    const programs = {
      postgres: postgresProgram(folder, binaries, ports),
      'temporal server': new Program({
        name: 'temporal server',
        command: binaries.server,
        args: ['--config-file', config, '--allow-no-auth', 'start'],
        env,
        log: join(folder, 'temporal-server.log'),
      }),
      'worker command': ourProgram('worker command', ['worker'], { folder, env, onLine }),
    };
    try {
      await startInOrder(programs, folder, binaries.sql, ports);
      await startCoordinator(['continuously', ...followFlags(options)], env, options.onLine);
    } catch (error) {
      await Promise.all(Object.values(programs).map((program) => program.stop('SIGKILL')));
      throw error;
    }
    return new PostgresSystem(programs, workers, ports);
  }

  pid(target: Target): number | undefined {
    const program = (this.programs as Partial<Record<Target, Program>>)[target];
    return program ? program.pid : this.workers.of(target);
  }

  connect() {
    return connectTo(this.port);
  }

  async stop(): Promise<void> {
    await this.programs['worker command'].stop();
    await this.programs['temporal server'].stop('SIGTERM');
    await this.programs.postgres.stop('SIGINT'); // "fast shutdown"
  }
}

type Programs = PostgresSystem['programs'];

async function startInOrder(
  programs: Programs,
  folder: string,
  sql: string,
  ports: StackPorts,
): Promise<void> {
  const temporal = process.env['TEMPORAL_CLI_PATH']!;
  const path = pathWith(folder, { 'temporal-sql-tool': sql, temporal });
  programs.postgres.start();
  await until('PostgreSQL answers', () => isListening(ports.postgres), SETUP_MS);
  await makeSchema(folder, path, ports.postgres);
  programs['temporal server'].start();
  await makeNamespace(folder, path, ports.frontend);
  programs['worker command'].start();
}

async function choosePorts(): Promise<StackPorts> {
  const taken: number[] = [];
  while (taken.length < 9) taken.push(await choosePort());
  const [postgres, frontend, ...inner] = taken;
  return { postgres: postgres!, frontend: frontend!, inner };
}

function postgresProgram(folder: string, binaries: Binaries, ports: StackPorts): Program {
  const user = postgresUser();
  const database = join(folder, 'postgres');
  mkdirSync(database);
  if (user) {
    chmodSync(folder, 0o755); // its way to its own folder
    chownSync(database, user.uid, user.gid);
  }
  const initdb = ['-D', database, '-A', 'trust', '-U', 'temporal', '--no-sync'];
  execFileSync(join(binaries.postgres, 'initdb'), initdb, { stdio: 'ignore', cwd: '/', ...user });
  return new Program({
    name: 'postgres',
    command: join(binaries.postgres, 'postgres'),
    args: [
      ...['-D', database, '-p', `${ports.postgres}`, '-k', database],
      ...['-c', 'listen_addresses=127.0.0.1'],
    ],
    env: {},
    log: join(folder, 'postgres.log'),
    cwd: '/',
    ...(user ? { user } : {}),
    // A killed PostgreSQL leaves this file. Another process may have its process id by the next start.
    before: () => rmSync(join(database, 'postmaster.pid'), { force: true }),
  });
}

/** Programs by the names that the scripts of the production stack use. Returns what PATH is then. */
function pathWith(folder: string, programs: Record<string, string>): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, program] of Object.entries(programs)) symlinkSync(program, join(bin, name));
  return `${bin}:${process.env['PATH']}`;
}

/** Runs a script of the production stack as its service does, with some of its settings replaced. */
async function prepare(script: string, service: string, env: NodeJS.ProcessEnv): Promise<void> {
  const { environment } = readCompose(exampleSettings()).services[service]!;
  const all = { ...environment, ...env };
  await run('sh', [join('deploy', script)], { timeoutMs: SETUP_MS, env: all });
}

async function makeSchema(folder: string, PATH: string, port: number): Promise<void> {
  const password = join(folder, 'postgres-password');
  writeFileSync(password, 'temporal');
  await prepare('prepare-database.sh', 'schema', {
    ...{ PATH, SQL_HOST: '127.0.0.1', SQL_PORT: `${port}`, SQL_PASSWORD_FILE: password },
  });
}

async function makeNamespace(folder: string, PATH: string, port: number): Promise<void> {
  const env = { PATH, HOME: folder, TEMPORAL_ADDRESS: `127.0.0.1:${port}` };
  const isMade = () =>
    prepare('prepare-namespace.sh', 'namespace', env).then(
      () => true,
      () => false, // the server starts
    );
  await until('the namespace is made', isMade, SETUP_MS);
}

/** Runs the command until the coordinator runs. After that the command is not needed any more. */
async function startCoordinator(
  args: string[],
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): Promise<void> {
  const { command, args: all } = commandLine(args);
  const child: ChildProcess = spawn(command, all, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const over = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const lines: string[] = [];
  createInterface({ input: child.stderr! }).on('line', (line) => {
    onLine(line);
    lines.push(line);
  });
  try {
    const runs = () => lines.some((line) => / Workflow aptos-backup\//.test(line));
    await until('the coordinator runs', () => runs() || child.exitCode !== null, 180_000);
    if (!runs()) throw new Error(`continuously ended: ${lines.slice(-3).join('; ')}`);
  } finally {
    child.kill('SIGINT');
    await over;
  }
}
