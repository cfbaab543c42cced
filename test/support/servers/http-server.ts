import { spawn } from 'node:child_process';
import { until } from '../until.js';

const READY_MS = 60_000;
const MOST_SAID = 4_000;

/** How a server is started. */
export interface HttpProgram {
  /** For messages. */
  name: string;
  program: string;
  args: string[];
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** A URL that answers well once the server is ready. */
  ready: string;
}

/** Starts a server as a process and waits until it is ready. @throws Error with its last words when it ends before that */
export async function startHttpServer({ name, program, args, ready, ...options }: HttpProgram) {
  const server = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const note = (text: Buffer) => (said = `${said}${text.toString()}`.slice(-MOST_SAID));
  server.stdout.on('data', note);
  server.stderr.on('data', note);
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const isReady = async () => {
    if (server.exitCode !== null) throw new Error(`${name} did not start: ${said}`);
    return fetch(ready).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await until(`${name} is ready`, isReady, READY_MS).catch(async (error: unknown) => {
    server.kill('SIGKILL');
    await ended;
    throw error;
  });
  return {
    /** Kills it, as a loss of power would. */
    async kill(): Promise<void> {
      server.kill('SIGKILL');
      await ended;
    },
  };
}
