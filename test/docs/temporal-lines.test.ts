/** The commands in docs/temporal.md, run in their order. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnode, startDevnode } from '../../src/devnode/devnode.js';
import { findTemporal } from '../../src/temporal-server/binary/find-temporal.js';
import { superviseWorkers } from '../../src/supervisor/worker-group.js';
import { startTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import type { CoordinatorStatus } from '../../src/contract/answers/coordinator-answers.js';

interface Line {
  section: string;
  command: string;
}

let session: Awaited<ReturnType<typeof startTemporal>>;
let worker: ReturnType<typeof superviseWorkers>;
let node: Devnode;
const folder = mkdtempSync(join(tmpdir(), 'aptos-backup-lines-'));
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  session = await startTemporal();
  symlinkSync(await findTemporal(), join(folder, 'temporal'));
  const { address: TEMPORAL_ADDRESS, namespace: TEMPORAL_NAMESPACE } = session;
  const PATH = `${folder}:${process.env['PATH']}`;
  environment = { PATH, HOME: folder, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE };
  node = await startDevnode({ transactions: 400, stateItems: 600, epochs: 4 });
  const logFile = join(session.dataFolder, 'worker.log');
  worker = superviseWorkers({ env: session.workerEnv, say: () => undefined, logFile });
});
afterAll(async () => {
  await worker.stop();
  await node.close();
  await session.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.sequential('docs/temporal.md', () => {
  it.each(linesOf('docs/temporal.md'))('$section: $command', async ({ command }) => {
    // The answer says that it has to read the storage first.
    if (command.includes('backUpNow')) {
      await until('the coordinator follows', async () => {
        const status = await session.client.workflow
          .getHandle('coordinator')
          .query<CoordinatorStatus>('status');
        return status.phase === 'following';
      });
    }
    if (command.includes('schedule delete')) {
      await until('the triggered run has begun', async () =>
        (await workflowIds()).some((id) => id.startsWith('batch-')),
      );
    }
    const out = await type(command);
    if (command.includes('workflow query')) expect(out).not.toBe('');
    if (command.includes('workflow result')) expect(out).toMatch(/Status +COMPLETED/);
  });

  it('its commands did what the page says', async () => {
    const ids = await workflowIds();
    expect(ids).toEqual(expect.arrayContaining(['coordinator', 'due', 'verify']));
    const triggered = ids.find((id) => id.startsWith('batch-'));
    expect(triggered).toBeDefined();
    const done: unknown = await session.client.workflow.getHandle(triggered!).result();
    expect(done).toMatchObject({ more: false });
    await until('the deleted schedule is listed no more', async () => {
      const schedules: string[] = [];
      for await (const { scheduleId } of session.client.schedule.list()) schedules.push(scheduleId);
      return schedules.sort().join() === 'snapshot-daily,verify-sample';
    });
  });
});

async function workflowIds(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of session.client.workflow.list()) ids.push(workflowId);
  return ids;
}

async function type(command: string): Promise<string> {
  const line = command
    .replaceAll('http://node:6186', node.address)
    .replaceAll('"/backups"', `"${folder}/backups"`)
    .replaceAll('"/other-backups"', `"${folder}/other"`);
  const run = promisify(execFile)('bash', ['-c', line], { env: environment, timeout: 90_000 });
  const { stdout } = await run;
  return stdout;
}

/** The commands in the file's shell blocks, each with the heading above it. */
function linesOf(file: string): Line[] {
  const lines: Line[] = [];
  for (const part of readFileSync(file, 'utf8').split(/^## /m).slice(1)) {
    const section = part.slice(0, part.indexOf('\n'));
    for (const [, block] of part.matchAll(/```sh\n([\s\S]*?)```/g)) {
      const commands = block!.replaceAll('\\\n', ' ').trim().split('\n');
      lines.push(...commands.map((command) => ({ section, command })));
    }
  }
  return lines;
}
