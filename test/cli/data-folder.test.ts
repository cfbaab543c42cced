/** A data folder that cannot be used is told as such, with what to do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dataFolder, runCli } from '../support/cli.js';

it.each(['list', 'up'])('%s names the folder, the reason and the flag', async (command) => {
  const file = join(dataFolder(), 'file');
  writeFileSync(file, '');
  const storage = command === 'up' ? ['--local-fs-dir', '/nowhere'] : [];
  const { code, out, err } = await runCli([command, ...storage, '--data-dir', join(file, 'data')]);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(
    /the data folder \S+\/file\/data cannot be used \(ENOTDIR: .*\): a part of the path is not a folder, or name another one with --data-dir\n$/,
  );
});
