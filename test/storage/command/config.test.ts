/** The file of an adapter is checked, and what is wrong is said without what stands there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readAdapterConfig } from '../../../src/storage/command/adapter-config.js';
import { openCommandAdapter } from '../../../src/storage/command/command-backend.js';
import { ADAPTERS } from '../../support/adapters/yaml.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const COMMANDS = `
  create_backup: echo x
  create_for_write: echo x
  open_for_read: echo x
  save_metadata_line: echo x
  list_metadata_files: echo x
`;

function fileOf(yaml: string): string {
  const file = join(temporaryFolder('yaml'), 'adapter.yaml');
  writeFileSync(file, yaml);
  return file;
}

it('adapters in use are read as they are, with fields that nobody knows', () => {
  const config = readAdapterConfig(fileOf(ADAPTERS['aws s3']!));
  expect(config.envVars).toEqual([
    { key: 'BUCKET', value: 'backups/of a team' },
    { key: 'SUB_DIR', value: 'e1' },
  ]);
  expect(config.commands.create_for_write).toContain('exec 1>&-  # close stdout\n');
  expect(readAdapterConfig(fileOf(ADAPTERS['s5cmd']!)).envVars).toEqual([]);
});

it('numbers and truth values are taken as they are written', () => {
  const yaml = `env_vars:\n- {key: ERA, value: 01}\n- {key: ON, value: true}\ncommands:${COMMANDS}`;
  const { envVars } = readAdapterConfig(fileOf(yaml));
  expect(envVars.map(({ value }) => value)).toEqual(['01', 'true']);
});

it('a value that is left out is empty text, as for the stock tool', () => {
  const yaml = `env_vars:\n- key: FLAGS\n  value:\n- {key: HOME_DIR, value: ~}\ncommands:${COMMANDS}`;
  const { envVars } = readAdapterConfig(fileOf(yaml));
  expect(envVars.map(({ value }) => value)).toEqual(['', '~']);
});

it.each([
  ['a: [', ':1:5 is not YAML'],
  ['just text s3cret', ':1: the file must be a map'],
  [`commands:${COMMANDS}`, 'env_vars must be given; it is missing'],
  [`env_vars: {key: A, value: s3cret}\ncommands:${COMMANDS}`, ':1: env_vars must be a list'],
  [
    `env_vars:\n- key: A\n  value: [s3cret]\ncommands:${COMMANDS}`,
    ':3: env_vars[0].value must be text',
  ],
  [
    `env_vars:\n- key: "A B"\n  value: s3cret\ncommands:${COMMANDS}`,
    'env_vars[0].key must be the name',
  ],
  ['env_vars: []\ncommands: [s3cret]', ':2: commands must be a map'],
  [
    `env_vars: []\ncommands:${COMMANDS.replace('open_for_read', 'open_for_reading')}`,
    'commands.open_for_read must be given; it is missing',
  ],
  [`env_vars: []\ncommands:${COMMANDS}  open_for_read: s3cret`, ':8:3 is not YAML (duplicate key)'],
])('%j is refused with file, line and field', (yaml, why) => {
  const file = fileOf(yaml);
  const error: unknown = (() => {
    try {
      return readAdapterConfig(file);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toMatchObject({ code: 'ADAPTER_INVALID' });
  const { message } = error as Error;
  expect(message).toContain(file);
  expect(message).toContain(why);
  expect(message).not.toContain('s3cret');
});

it('what stands at an anchor is taken for its aliases', () => {
  const commands = COMMANDS.replace('create_for_write: echo x', 'create_for_write: &write echo y');
  const yaml = `env_vars: []\ncommands:${commands.replace('save_metadata_line: echo x', 'save_metadata_line: *write')}`;
  expect(readAdapterConfig(fileOf(yaml)).commands.save_metadata_line).toBe('echo y');
});

it('a file that is not there is named', () => {
  expect(() => openCommandAdapter('/nowhere/adapter.yaml')).toThrow(
    'the command adapter /nowhere/adapter.yaml cannot be read (ENOENT)',
  );
});

it.each(['REMOTE', 'RCLONE_REMOTE', 'BASE_URL', 'S3_URI', 'BUCKET2', 'ROOT', 'TARGET_SERVER'])(
  'two storages that differ in %s have two ids',
  (key) => {
    const idOf = (value: string) =>
      openCommandAdapter(
        fileOf(`env_vars:\n- {key: ${key}, value: ${value}}\ncommands:${COMMANDS}`),
      ).id;
    expect(idOf('one')).not.toBe(idOf('two'));
  },
);

it('the id is the same for everybody who has the same commands and names, whatever the secrets', () => {
  const idOf = (value: string, bucket: string) =>
    openCommandAdapter(
      fileOf(
        `env_vars:\n- {key: SAS, value: "${value}"}\n- {key: BUCKET, value: ${bucket}}\ncommands:${COMMANDS}`,
      ),
    ).id;
  expect(idOf('?sig=one', 'a')).toMatch(/^[0-9a-f]{8}$/);
  expect(idOf('?sig=one', 'a')).toBe(idOf('?sig=two', 'a'));
  expect(idOf('?sig=one', 'a')).not.toBe(idOf('?sig=one', 'b'));
});
