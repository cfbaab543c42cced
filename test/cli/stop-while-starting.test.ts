/**
 * A command that is stopped while its Temporal server starts does not wait for the server, and leaves
 * none behind.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { storageFolder } from '../support/backup.js';
import { dataFolder, startCli } from '../support/cli.js';
import { until } from '../support/until.js';
import { serverPid, serverRuns, stateFile } from '../temporal-server/embedded-helpers.js';

it.each([
  ['up', 0],
  ['status', 130],
])('when %s is stopped while its server is silent, both end', async (command, code) => {
  const data = dataFolder();
  const flags = ['--local-fs-dir', storageFolder(), '--data-dir', data];
  const binary = join(data, 'temporal-that-never-answers.sh');
  const lines = ['#!/bin/sh', '[ "$1" = --version ] && echo temporal && exit'];
  writeFileSync(binary, [...lines, 'while :; do sleep 1; done'].join('\n'), { mode: 0o755 });
  const cli = startCli([command, ...flags], { TEMPORAL_CLI_PATH: binary });
  await until('the server is started', () => existsSync(stateFile(data)));
  const pid = serverPid(data);
  const runs = () => serverRuns(data, pid);
  onTestFinished(() => void (runs() && process.kill(pid, 'SIGKILL')));
  expect(runs()).toBe(true);

  cli.child.kill('SIGTERM');
  await until('the command ends', () => cli.child.exitCode !== null);
  expect(await cli.ended).toBe(code);
  expect(runs()).toBe(false);
  expect(readdirSync(join(data, 'temporal', 'users'))).toEqual([]);
});
