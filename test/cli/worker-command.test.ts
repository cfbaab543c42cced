/**
 * `worker` on a server of the operator's own waits for the server, shows its health, and outlives its own
 * processes.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { openEmbeddedServer } from '../../src/temporal-server/embedded.js';
import { choosePort } from '../../src/temporal-server/ports.js';
import { ServerStateFile } from '../../src/temporal-server/server-state.js';
import { dataFolder, runCli, startCli } from '../support/cli.js';
import { until } from '../support/until.js';

const PRELOAD = fileURLToPath(new URL('../support/misbehave.mjs', import.meta.url));
/** Above all process ids of any system. */
const NO_PROCESS = 2 ** 30;

it('the worker command is ready when its processes are connected, and counts their deaths', async () => {
  const [data, serverData, commands] = [dataFolder(), dataFolder(), dataFolder()];
  const port = await choosePort();
  const worker = startCli(
    ['worker', '--health-address', '0', '--chunk-workers', '2', '--data-dir', data],
    {
      TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
      NODE_OPTIONS: `--import ${PRELOAD}`,
      MISBEHAVE_IN: commands,
    },
  );
  await worker.says(/^Health: /);
  const health = worker.lines.find((line) => line.startsWith('Health: '))!.slice('Health: '.length);
  const page = async (path: string) => {
    const answer = await fetch(health + path);
    return `${answer.status} ${await answer.text()}`;
  };
  const metrics = () => page('/metrics');
  await worker.says(/^No Temporal server at /);
  expect(await page('/livez')).toBe('200 alive\n');
  expect(await page('/readyz')).toBe(
    '503 not connected to the Temporal server: Workflow worker, Chunk worker 1, Chunk worker 2\n',
  );
  expect(await metrics()).toMatch(/^aptos_backup_worker_up\{role="chunks"\} 0$/m);
  // One dies while it is starting.
  const pids = () =>
    worker.lines.flatMap(
      (line) => /^Chunk worker 1 is started: process (\d+)$/.exec(line)?.[1] ?? [],
    );
  process.kill(Number(pids()[0]), 'SIGKILL');
  await worker.says(/^Chunk worker 1 was killed by SIGKILL; starting it again in 0.5 s$/);

  mkdirSync(join(serverData, 'temporal'));
  const state = { pid: NO_PROCESS, port, uiPort: await choosePort() };
  new ServerStateFile(join(serverData, 'temporal', 'server.json')).write(state);
  const server = await openEmbeddedServer(serverData, { say: () => undefined });
  onTestFinished(() => server.release());
  expect(server.address).toBe(`127.0.0.1:${port}`);
  await until('it is ready', async () => (await page('/readyz')) === '200 ready\n');
  expect(await metrics()).toMatch(/^aptos_backup_worker_up\{role="chunks"\} 2$/m);
  expect(await metrics()).toMatch(/^aptos_backup_worker_restarts_total\{role="chunks"\} 1$/m);

  // The terminal shows the text of a stray error.
  writeFileSync(join(commands, 'workflows-main'), 'rejection');
  await worker.says(
    /^Workflow worker stopped after a stray error: a floating rejection of a test; /,
  );
  await worker.says(/^Error: a floating rejection of a test|error; this worker stops: Error: a fl/);
  await worker.says(/^Workflow worker, process \d+, had in hand: nothing; crash report: /);
  const crashes = join(data, 'crashes');
  const report = readFileSync(join(crashes, readdirSync(crashes).sort().at(-1)!), 'utf8');
  expect(report).toMatch(
    /"stack": \[\s+"Error: a floating rejection of a test",\s+" +at .*misbehave/,
  );
  await until('it is ready again', async () => (await page('/readyz')) === '200 ready\n');
  expect(await metrics()).toMatch(/^aptos_backup_worker_restarts_total\{role="workflows"\} 1$/m);
  const { level, reasons, workers } = JSON.parse((await page('/healthz')).slice('200 '.length)) as {
    level: string;
    reasons: { what: string }[];
    workers: { name: string; restarts: number; last_death?: { how: string } }[];
  };
  expect(level).toBe('warning');
  expect(reasons[0]!.what).toMatch(/^Workflow worker stopped after a stray error/);
  expect(workers.find(({ name }) => name === 'Chunk worker 1')).toMatchObject({
    restarts: 1,
    last_death: { how: 'was killed by SIGKILL' },
  });
  expect(await worker.stop()).toBe(0);
});

it('a setting that cannot be used is reported before anything starts', async () => {
  for (const [name, value] of [
    ['APTOS_BACKUP_CHUNK_WORKERS', '17'],
    ['APTOS_BACKUP_CHUNK_SLOTS', 'many'],
  ] as const) {
    const { code, err } = await runCli(['worker'], { [name]: value });
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringMatching(
        new RegExp(`^\\S+Z ERROR aptos-backup: ${name} must be .*"${value}"\n$`),
      ) as string,
    });
  }
});
