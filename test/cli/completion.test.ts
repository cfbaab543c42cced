/** Shells complete commands, flags and words with the scripts that `completion` prints. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { dataFolder, runCli } from '../support/cli.js';

/** What is typed so far, and what the shell then offers. */
const LINES = [
  ['st', 'status stop'],
  ['schedule create ve', 'verify'],
  ['up --chunk', '--chunk-workers'],
  ['oneoff --local-fs-dir x tr', 'transaction'],
  ['oneoff transaction --start', '--start-version'],
  ['pause s', 'state-snapshot'],
  ['completion z', 'zsh'],
] as const;

async function scriptFor(shell: string): Promise<string> {
  const { code, out, err } = await runCli(['completion', shell]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const file = join(dataFolder(), `completion.${shell}`);
  writeFileSync(file, out);
  return file;
}

const isThere = (shell: string) => spawnSync(shell, ['--version']).status === 0;
const outputOf = async (shell: string, args: string[]) =>
  (await promisify(execFile)(shell, args)).stdout.trimEnd().split('\n');

it('bash completes what is typed', async () => {
  const script = await scriptFor('bash');
  const program = `source ${script}
    for line in "$@"; do
      COMP_WORDS=(aptos-backup $line); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
      _aptos_backup; echo "\${COMPREPLY[*]}"
    done`;
  const lines = LINES.map(([line]) => line);
  const offered = await outputOf('bash', ['--norc', '-c', program, 'bash', ...lines]);
  expect(offered).toEqual(LINES.map(([, words]) => words));
});

it('in a checkout, what the script says makes a command that bash completes and runs', async () => {
  const script = await scriptFor('bash');
  const program = `make=$(sed -n 's/^# or this function, .*: //p' ${script})
    eval "$make"; source ${script}
    npx() { echo "npx $*"; }
    aptos-backup status --json
    complete -p aptos-backup`;
  expect(await outputOf('bash', ['--norc', '-c', program])).toEqual([
    'npx aptos-backup status --json',
    'complete -o default -F _aptos_backup aptos-backup',
  ]);
});

it.skipIf(!isThere('fish'))('fish completes what is typed', async () => {
  const script = await scriptFor('fish');
  const program = LINES.map(
    ([line]) => `echo (complete -C "aptos-backup ${line}" | string split -f1 \\t)`,
  );
  const offered = await outputOf('fish', [
    ...['--no-config', '-c', `source ${script}\n${program.join('\n')}`],
  ]);
  expect(offered).toEqual(LINES.map(([, words]) => words));
});

it.skipIf(!isThere('zsh'))('zsh completes what is typed', async () => {
  const script = await scriptFor('zsh');
  // Outside of its line editor, zsh offers nothing: this prints what the script hands to it.
  const program = `compdef() { :; }
    _describe() { print -r -- \${(M)\${(P)2}%%:*:#\${words[CURRENT]}*} }
    source ${script}
    for line in "$@"; do words=(aptos-backup \${=line}); CURRENT=\${#words}; _aptos_backup; done`;
  const lines = LINES.map(([line]) => line);
  const offered = await outputOf('zsh', ['-f', '-c', program, 'zsh', ...lines]);
  expect(offered.map((words) => words.replaceAll(/:\S*/g, ''))).toHaveLength(LINES.length);
  for (const [i, [, words]] of LINES.entries()) expect(offered[i]).toContain(words.split(' ')[0]);
});

it('the release and examples are told, and a slip in the shell', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await runCli(['--version'])).toMatchObject({ code: 0, out: `${version}\n` });
  for (const words of [[], ['restore', 'plan'], ['stop'], ['repository', 'index']]) {
    const { code, out } = await runCli([...words, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples?:\n  aptos-backup ${words.join(' ')}`));
  }
  const slip = await runCli(['completion', 'bsh']);
  expect(slip).toMatchObject({ code: 2, out: '' });
  expect(slip.err).toMatch(/unknown shell "bsh", did you mean "bash"\?/);
});
