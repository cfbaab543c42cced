/** `check` prints what a storage can do, and its exit code says whether it is fit. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { storageFolder } from '../support/backup.js';
import { dataFolder, runCli } from '../support/cli.js';

it('a storage that is fit: a row for each thing, exit code 0, and nothing left behind', async () => {
  const folder = storageFolder();
  const { code, out } = await runCli(['check', '--local-fs-dir', folder]);
  expect(code).toBe(0);
  expect(out).toMatch(/^Can .* \.\.\.\n {2}list what is stored +yes +nothing is stored yet/m);
  expect(out).toMatch(/\n {2}create a file only where there is none +yes +two hosts cannot/);
  expect(out).toMatch(/It is fit for backups\.\n$/);
  expect(readdirSync(folder)).toEqual([]);
});

it('one that is not: what it cannot do and exit code 1, as JSON as well', async () => {
  const { code, out } = await runCli(['check', '--storage', 'file:///proc/nothing', '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    storage: '/proc/nothing',
    fit: false,
    checks: [{ can: 'yes' }, { what: 'write into the place', can: 'no' }],
  });
});

/** An adapter over a folder whose metadata lines are saved by `save`. */
function adapterThatSaves(
  save: string,
  write = 'cat > PLACE/$BACKUP_HANDLE/$FILE_NAME',
): { file: string; place: string } {
  const place = storageFolder();
  mkdirSync(join(place, 'metadata'), { recursive: true });
  const identity = `{"Identity":{"id":"${'ab'.repeat(32)}"}}\n`;
  writeFileSync(join(place, 'metadata', 'identity.meta'), identity);
  const file = join(dataFolder(), 'adapter.yaml');
  const commands = {
    create_backup: `mkdir -p ${place}/$BACKUP_NAME; echo $BACKUP_NAME`,
    create_for_write: `echo $BACKUP_HANDLE/$FILE_NAME; exec 1>&-; ${write.replace('PLACE', place)}`,
    open_for_read: `cat ${place}/$FILE_HANDLE`,
    save_metadata_line: save.replace('PLACE', place),
    list_metadata_files: `cd ${place}; ls -d metadata/*`,
  };
  const lines = Object.entries(commands).map(([name, text]) => `  ${name}: '${text}'\n`);
  writeFileSync(file, `env_vars: []\ncommands:\n${lines.join('')}`);
  return { file, place };
}

it.each([
  ['echo metadata/$FILE_NAME; exec 1>&-; cat > PLACE/metadata/$FILE_NAME', 'yes', 0],
  ['echo metadata/$FILE_NAME; exec 1>&-; cat > /dev/null; exit 3', 'no', 1],
] as const)('an adapter that saves metadata lines by "%s": %s', async (save, can, code) => {
  const { file } = adapterThatSaves(save);
  const ran = await runCli(['check', '--command-adapter-config', file, '--json']);
  expect(ran.code).toBe(code);
  const { checks } = JSON.parse(ran.out) as { checks: { what: string; can: string }[] };
  expect(checks.map((check) => [check.what, check.can])).toEqual([
    ['list what is stored', 'yes'],
    ['write into the place', 'yes'],
    ['save a metadata line', can],
  ]);
});

it('an adapter whose store keeps half of everything does not lose the identity by a check', async () => {
  const half = 'head -c 20';
  const { file, place } = adapterThatSaves(
    `echo metadata/$FILE_NAME; exec 1>&-; ${half} > PLACE/metadata/$FILE_NAME`,
    `${half} > PLACE/$BACKUP_HANDLE/$FILE_NAME`,
  );
  const before = readFileSync(join(place, 'metadata/identity.meta'));
  const { code, out } = await runCli(['check', '--command-adapter-config', file]);
  expect(code).toBe(1);
  expect(out).toMatch(/save a metadata line +not tried/);
  expect(readFileSync(join(place, 'metadata/identity.meta'))).toEqual(before);
});
