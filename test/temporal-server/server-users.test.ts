// A process counts as a user of an embedded server while it lives, however silent it is.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startOf } from '../../src/lib/host/process-info.js';
import { ServerUsers } from '../../src/temporal-server/server-users.js';
import { temporaryFolder } from '../temporal/helpers.js';

const silentFor = (path: string, seconds: number) => {
  const then = Date.now() / 1000 - seconds;
  utimesSync(path, then, then);
};

/** Two users in one folder; `name` is the file of the second. */
function twoUsers() {
  const folder = temporaryFolder();
  const other = new ServerUsers(folder);
  other.enter();
  const name = readdirSync(folder)[0]!;
  const me = new ServerUsers(folder);
  me.enter();
  return { folder, me, other, name };
}

test('a process that lives is a user, however silent it is', () => {
  const { folder, me, other, name } = twoUsers();
  silentFor(join(folder, name), 86_400);
  expect(me.hasOthers()).toBe(true);
  other.leave();
  expect(me.hasOthers()).toBe(false);
});

test('a process that has got the process id of a dead user is no user, and its file is removed', () => {
  const { folder, me, name } = twoUsers();
  const [pid, start, random] = name.split('-');
  renameSync(join(folder, name), join(folder, `${pid}-${start}0-${random}`));
  expect(me.hasOthers()).toBe(false);
  expect(readdirSync(folder)).toHaveLength(1);
});

test('a process that is dead is no user', () => {
  const { folder, me, name } = twoUsers();
  const [, start, random] = name.split('-');
  const { pid } = spawnSync('true');
  renameSync(join(folder, name), join(folder, `${pid}-${start}-${random}`));
  expect(me.hasOthers()).toBe(false);
});

test.each([
  ['of a version that did not write down its start', `${process.pid}-0a1b2c3d`],
  ['whose start cannot be told', `${process.pid}--0a1b2c3d`],
])('a user %s counts until it is silent', (_, name) => {
  const folder = temporaryFolder();
  const me = new ServerUsers(folder);
  me.enter();
  writeFileSync(join(folder, name), '');
  expect(me.hasOthers()).toBe(true);
  silentFor(join(folder, name), 61);
  expect(me.hasOthers()).toBe(false);
});

test('the start time of a process is the same at each call, and undefined for a process that does not exist', () => {
  const child = spawn('sleep', ['60']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const start = startOf(child.pid!);
  expect(start).toMatch(/^[0-9a-f.]+$/);
  expect(startOf(child.pid!)).toBe(start);
  expect(startOf(process.pid)).not.toBe(start);
  expect(startOf(spawnSync('true').pid)).toBeUndefined();
});
