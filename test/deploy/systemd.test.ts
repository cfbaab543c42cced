/** The systemd unit, as far as it goes without systemd: what stands there, and that the command takes it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.js';

/** Lines `NAME=value` of a file; of a name that is there twice the last one. */
function settingsIn(file: string): Record<string, string> {
  const lines = readFileSync(file, 'utf8').matchAll(/^([A-Za-z_]+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name!, value!]));
}

describe('deploy/aptos-backup.service', () => {
  const unit = settingsIn('deploy/aptos-backup.service');
  const settings = settingsIn('deploy/aptos-backup.env');
  const command = unit['ExecStart']!;

  it('starts it at boot, and again whenever and however often it ends', () => {
    expect(unit).toMatchObject({
      WantedBy: 'multi-user.target',
      Restart: 'always',
      StartLimitIntervalSec: '0',
    });
  });

  it('needs no setting that its environment file does not name, and names none that it does not need', () => {
    const used = [...command.matchAll(/\$\{?([A-Z_]+)\}?/g)].map(([, name]) => name);
    expect(used.sort()).toEqual(Object.keys(settings).sort());
  });

  it('calls a command that there is, with flags that there are', async () => {
    // As systemd does: `${NAME}` is one word, `$NAME` as many as there are.
    const words = command.split(' ').flatMap((word) => {
      const [, one, many] = /^(?:\$\{([A-Z_]+)\}|\$([A-Z_]+))$/.exec(word) ?? [];
      if (many !== undefined) return settings[many]!.split(' ');
      return [one === undefined ? word : settings[one]!];
    });
    expect(words.slice(0, 3)).toEqual(['/usr/bin/env', 'node', '/opt/aptos-backup/dist/cli.js']);
    // With one mistake, which is told after all flags are read and before anything is started.
    const { code, err } = await runCli([...words.slice(3), '--transaction-batch-size', '0']);
    expect(err).toMatch(/^aptos-backup: transaction_batch_size .*\n$/);
    expect(`${code}`).toBe(unit['RestartPreventExitStatus']);
  });
});
