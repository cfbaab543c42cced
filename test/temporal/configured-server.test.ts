// Which Temporal server a command uses: the one that the standard environment names, else none of
// them (then the embedded one is used).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTemporal } from '../../src/temporal-server/open-temporal.js';
import { configuredServer } from '../../src/temporal/connection.js';
import { temporaryFolder } from './helpers.js';

function environment(extra: NodeJS.ProcessEnv = {}, configFile = 'absent.toml'): NodeJS.ProcessEnv {
  return { TEMPORAL_CONFIG_FILE: configFile, ...extra };
}

test('without settings in the environment there is no configured server', () => {
  expect(configuredServer(environment())).toBeUndefined();
  expect(configuredServer(environment({ TEMPORAL_NAMESPACE: 'x' }))).toBeUndefined();
});

test('TEMPORAL_ADDRESS names a server, with the default namespace or the given one', () => {
  expect(configuredServer(environment({ TEMPORAL_ADDRESS: 'h:1' }))).toMatchObject({
    address: 'h:1',
    namespace: 'default',
  });
  const env = environment({ TEMPORAL_ADDRESS: 'h:1', TEMPORAL_NAMESPACE: 'backups' });
  expect(configuredServer(env)).toMatchObject({ address: 'h:1', namespace: 'backups' });
});

test('a config file names servers, and TEMPORAL_PROFILE chooses one', () => {
  const file = join(temporaryFolder(), 'temporal.toml');
  const profiles = { default: 'a:1', prod: 'b:2' };
  writeFileSync(
    file,
    Object.entries(profiles)
      .map(
        ([name, address]) => `[profile.${name}]\naddress = "${address}"\nnamespace = "${name}"\n`,
      )
      .join(''),
  );
  expect(configuredServer(environment({}, file))).toMatchObject({ address: 'a:1' });
  const prod = configuredServer(environment({ TEMPORAL_PROFILE: 'prod' }, file));
  expect(prod).toMatchObject({ address: 'b:2', namespace: 'prod' });
});

test('the error for a missing profile says so', () => {
  expect(() => configuredServer(environment({ TEMPORAL_PROFILE: 'prod' }))).toThrow(
    /'prod' not found/,
  );
});

test('a named server that does not answer is an error, not an embedded server', async () => {
  const opening = openTemporal({
    dataFolder: join(temporaryFolder(), 'never-made'),
    say: () => {},
    env: environment({ TEMPORAL_ADDRESS: '127.0.0.1:9' }),
  });
  await expect(opening).rejects.toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
});
