// What tests of the embedded server share.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { onTestFinished } from 'vitest';
import { type EmbeddedServer, openEmbeddedServer } from '../../src/temporal-server/embedded.js';
import { runsCommandWith } from '../../src/lib/host/process-info.js';
import { until } from '../temporal/helpers.js';

export async function open(data: string, said: string[] = []): Promise<EmbeddedServer> {
  return openEmbeddedServer(data, {
    say: (line, level) => said.push(level === undefined ? line : `${level}: ${line}`),
  });
}

/** The environment of users whose server does something else before it serves. */
export function serverThatFirst(data: string, does: string): NodeJS.ProcessEnv {
  const binary = join(data, 'temporal.sh');
  const real = process.env['TEMPORAL_CLI_PATH'];
  const lines = ['#!/bin/sh', `[ "$1" = server ] && ${does}`, `exec '${real}' "$@"`];
  writeFileSync(binary, `${lines.join('\n')}\n`, { mode: 0o755 });
  return { ...process.env, TEMPORAL_CLI_PATH: binary };
}

export const stateFile = (data: string) => join(data, 'temporal', 'server.json');

export function serverPid(data: string): number {
  return (JSON.parse(readFileSync(stateFile(data), 'utf8')) as { pid: number }).pid;
}

export function serverRuns(data: string, pid = serverPid(data)): boolean {
  return runsCommandWith(pid, join(data, 'temporal', 'temporal.db'));
}

export async function withClient<T>(
  address: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

export async function startWorkflow(server: EmbeddedServer, workflowId: string): Promise<void> {
  await withClient(server.address, (client) =>
    client.workflow.start('anything', { taskQueue: 'none', workflowId }),
  );
}

/** Another process that uses the embedded server of a folder. */
interface OtherUser {
  process: ChildProcess;
  output(): string;
  /** Sends kill -9. Resolves when the process is dead. */
  kill(): Promise<void>;
}

/** Resolves when the process has opened the server. */
export async function startOtherUser(data: string): Promise<OtherUser> {
  const script = fileURLToPath(new URL('open-embedded.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  onTestFinished(() => void child.kill('SIGKILL'));
  await until('the other process has opened the server', () => output.includes('open'));
  return {
    process: child,
    output: () => output,
    async kill() {
      child.kill('SIGKILL');
      await until('it is dead', () => child.signalCode === 'SIGKILL');
    },
  };
}
