/** A misspelt variable of the environment is told, and none that we or others set on purpose. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { tellUnknownVariables } from '../../src/cli/tell-unknown-variables.js';
import { runCli } from '../support/cli.js';

/** What is told of these variables. */
function told(...names: string[]): string {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => stderr.mockRestore());
  tellUnknownVariables(Object.fromEntries(names.map((name) => [name, '1'])));
  return stderr.mock.calls.map(([text]) => String(text)).join('');
}

it('a command says which variable was probably meant, and goes on', async () => {
  const { code, err } = await runCli(['config', 'show'], {
    APTOS_BACKUP_DATADIR: '/srv/data',
    APTOS_BACKUP_WEBHOOK: 'https://chat.example.com/hooks/1',
  });
  expect(code).toBe(0);
  expect(err.trimEnd().split('\n')).toEqual([
    'the variable APTOS_BACKUP_DATADIR is not known, and not used, did you mean "APTOS_BACKUP_DATA_DIR"?',
    'the variable APTOS_BACKUP_WEBHOOK is not known, and not used',
  ]);
});

it('every variable that our sources read is known', () => {
  const sources = fileURLToPath(new URL('../../src', import.meta.url));
  const read = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => readFileSync(`${sources}/${file}`, 'utf8').match(/APTOS_BACKUP_\w+/g) ?? [])
    .filter((name) => !name.endsWith('_'));
  expect(read).toContain('APTOS_BACKUP_DATA_DIR');
  expect(told(...read)).toBe('');
});

it('what Kubernetes makes of a Service of our name, and what a notification has, is no mistake', () => {
  const ofService = ['SERVICE_HOST', 'SERVICE_PORT', 'SERVICE_PORT_HTTP', 'PORT', 'PORT_9464_TCP'];
  const names = [...ofService, 'PAGE_SERVICE_HOST', 'ALARM_CODE', 'ALARM_TEXT'];
  expect(told(...names.map((name) => `APTOS_BACKUP_${name}`))).toBe('');
  expect(told('APTOS_DB', 'PATH')).toBe('');
});
