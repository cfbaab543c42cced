import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { temporaryFolder } from '../temporary-folder.js';

/** An Azure Blob service of its own, a process on a free port, with one account. */
export interface AzuriteServer {
  /** Of the account's blob service, as the URL parameter `endpoint` takes it. */
  endpoint: string;
  account: string;
  key: string;
  process: ChildProcess;
  close: () => Promise<void>;
}

const PROGRAM = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
const READY = /successfully listens on (http:\S+)/;

export async function startAzurite(): Promise<AzuriteServer> {
  const folder = temporaryFolder('azurite');
  const account = 'backups';
  const key = randomBytes(64).toString('base64');
  const args = ['--silent', '--blobHost', '127.0.0.1', '--blobPort', '0', '--location', folder];
  const child = spawn(
    process.execPath,
    [PROGRAM, ...args, '--skipApiVersionCheck', '--disableTelemetry'],
    {
      env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill); // a test run that dies does not close it
  const close = async () => {
    kill();
    await exited;
    process.removeListener('exit', kill);
    rmSync(folder, { recursive: true, force: true });
  };
  const base = await Promise.race([addressOf(child), exited.then(() => undefined)]);
  if (base === undefined) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`azurite ended before it was ready, with exit code ${child.exitCode}`);
  }
  return { endpoint: `${base}/${account}`, account, key, process: child, close };
}

/** Reads on after that, too: a full pipe would stop the server. */
function addressOf({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: stdout! }).on('line', (line) => {
      const [, address] = READY.exec(line) ?? [];
      if (address !== undefined) resolve(address);
    });
  });
}
