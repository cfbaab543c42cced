/**
 * A Temporal server of the operator's own without room for our search attributes: everything works
 * without them.
 */
import { expect, it } from 'vitest';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, runCli, startCli } from '../support/cli.js';
import { serverWithOwnAttributes } from '../support/own-attributes.js';
import { until } from '../support/until.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';

const WITHOUT = /^Working without the search attributes BackupType, Network, Phase, Storage /;

it('everything works without search attributes, a worker says so once, and uses them once there is room', async () => {
  const server = await serverWithOwnAttributes(10);
  const node = await devnode({ transactions: 300 });
  const { version } = node.facts();
  const folder = storageFolder();
  const data = ['--data-dir', dataFolder()];
  const env = { TEMPORAL_ADDRESS: server.address };
  const storage = ['--local-fs-dir', folder];
  const from = ['--backup-service-address', node.address, ...storage];
  const worker = startCli(['worker', ...data], env);
  await worker.says(/^Working on workflows /);
  const say = async (...args: string[]) => {
    const { code, out, err } = await runCli([...args, ...data], env);
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    return out.trim();
  };
  const listed = async (query: string) => {
    const types: string[] = [];
    for await (const { type } of server.client.workflow.list({ query })) types.push(type);
    return types;
  };

  await say('oneoff', ...from, 'epoch-ending', '--start-epoch', '0', '--end-epoch', '4');
  const following = startCli(
    ['continuously', ...from, '--transaction-batch-size', '100', ...data],
    env,
  );
  await following.says(/^following: /);
  await following.stop();
  await until('all is stored', async () => {
    const { streams, stuck, seen } = JSON.parse(await say('status', '--json')) as LiveStatus;
    expect(stuck).toEqual([]);
    return (
      Number(streams.transaction.newest) > version - 100 && seen?.unconfirmed_genesis !== undefined
    );
  });
  // Nothing confirms the genesis of a simulated node, and its clock is far behind: a warning.
  const check = await runCli(['status', '--check', ...data], env);
  expect(check.out).toMatch(/^WARNING/);
  expect(check.code).toBe(1);
  expect(await say('retry')).toBe('Nothing waits for a retry.');
  expect(await say('verify', ...storage)).toMatch(/^Verified: /);
  expect(worker.lines.filter((line) => WITHOUT.test(line))).toHaveLength(1);
  await expect(listed('BackupType = "verify"')).rejects.toThrow();
  expect(await worker.stop()).toBe(0);

  await server.makeRoom();
  const next = startCli(['worker', ...data], env);
  await next.says(/^Working on workflows /);
  expect(next.lines.filter((line) => WITHOUT.test(line))).toEqual([]);
  expect(await say('verify', ...storage)).toMatch(/^Verified: /);
  const count = (query: string) =>
    listed(query).then(
      (all) => all.length,
      () => -1, // the server learns of an attribute in one part after the other
    );
  await until('it is listed', async () => (await count('BackupType = "verify"')) === 1);
  // The earlier coordinator goes on without them until its run ends.
  expect(await listed('BackupType = "coordinator"')).toEqual([]);
  await until('it rests', async () => {
    const { stuck, task_attempts: tries } = JSON.parse(await say('status', '--json')) as LiveStatus;
    return stuck.length === 0 && tries === 0;
  });
  expect(await next.stop()).toBe(0);
});
