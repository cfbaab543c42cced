/**
 * The systemd unit, as far as it can be tested without systemd: its content, and that the command accepts
 * its flags.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.js';

/** Lines `NAME=value` of a file. Of a repeated name, the last one counts. */
function settingsIn(file: string): Record<string, string> {
  const lines = readFileSync(file, 'utf8').matchAll(/^([A-Za-z_]+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name!, value!]));
}

describe('deploy/aptos-backup.service', () => {
  const unit = settingsIn('deploy/aptos-backup.service');
  const settings = settingsIn('deploy/aptos-backup.env');
  const command = unit['ExecStart']!;

  it('starts aptos-backup at boot, and again whenever and however often it ends', () => {
    expect(unit).toMatchObject({
      WantedBy: 'multi-user.target',
      Restart: 'always',
      StartLimitIntervalSec: '0',
    });
  });

  it('needs only settings that its environment file names, and all of those', () => {
    const used = [...command.matchAll(/\$\{?([A-Z_]+)\}?/g)].map(([, name]) => name);
    expect(used.sort()).toEqual(Object.keys(settings).sort());
  });

  const BUCKET = 's3://my-bucket/backups/e1?region=eu-west-1&endpoint=https://minio.example.com';
  it.each([
    ['the folder of its file', settings['STORAGE']!],
    ['a bucket', BUCKET],
  ])('calls an existing command with existing flags, for %s', async (_, storage) => {
    const set: Record<string, string> = { ...settings, STORAGE: storage };
    // As systemd does: `${NAME}` is one word, `$NAME` may be several.
    const words = command.split(' ').flatMap((word) => {
      const [, one, many] = /^(?:\$\{([A-Z_]+)\}|\$([A-Z_]+))$/.exec(word) ?? [];
      if (many !== undefined) return set[many]!.split(' ');
      return [one === undefined ? word : set[one]!];
    });
    expect(words.slice(0, 3)).toEqual(['/usr/bin/env', 'node', '/opt/aptos-backup/dist/cli.js']);
    // With one mistake, which is reported after all flags are read and before anything starts.
    const { code, err } = await runCli([...words.slice(3), '--transaction-batch-size', '0']);
    expect(err).toMatch(/^\S+Z ERROR aptos-backup: --transaction-batch-size .*\n$/);
    expect(`${code}`).toBe(unit['RestartPreventExitStatus']);
  });
});
