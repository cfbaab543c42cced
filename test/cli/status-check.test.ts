/** A check for monitoring: one line, and an exit code that says how bad it is or that nobody knows. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { healthOfAll } from '../../src/cli/status-check.js';
import type { Health } from '../../src/contract/answers/shown-answers.js';
import { storageFolder } from '../support/backup.js';
import { dataFolder, runCli } from '../support/cli.js';

it('the worst of several storages counts, and each reason names its storage', () => {
  const ok: Health = { level: 'ok', reasons: [] };
  const reason = (level: 'warning' | 'critical', what: string) => ({ level, code: 'X', what });
  const warned: Health = { level: 'warning', reasons: [reason('warning', 'it is slow')] };
  const lost: Health = { level: 'critical', reasons: [reason('critical', 'it is lost')] };
  const at = (storage: string, health: Health) => ({ storage, health });
  expect(healthOfAll([at('/a', ok), at('/b', ok)])).toEqual(ok);
  expect(healthOfAll([at('/a', warned), at('/b', lost), at('/c', ok)])).toEqual({
    level: 'critical',
    reasons: [reason('critical', '/b: it is lost'), reason('warning', '/a: it is slow')],
  });
});

it('a check that cannot be made is unknown, with the reason in its line', async () => {
  const data = ['--data-dir', dataFolder()];
  const file = join(storageFolder(), 'backup.yaml');
  writeFileSync(file, 'no_such_setting: 1\n');
  const config = await runCli(['status', '--check', '--config', file, ...data]);
  expect(config).toMatchObject({ code: 3, err: '' });
  expect(config.out).toMatch(/^UNKNOWN: .*no_such_setting.*\n$/);
  const flag = await runCli(['status', '--check', '--warning', 'soon', ...data]);
  expect(flag).toMatchObject({ code: 3, err: '' });
  expect(flag.out).toMatch(/^UNKNOWN: --warning must be a whole number of seconds, not "soon"\n$/);
  expect((await runCli(['status', '--warning', '--help', ...data])).code).not.toBe(3);
});
