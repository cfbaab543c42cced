/** The content of the files of the production stack. What they start is tested in stack.test.ts. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it, onTestFinished } from 'vitest';
import { exampleSettings, readCompose } from '../support/compose.js';

const settings = exampleSettings();
const stack = readCompose(settings);
const services = Object.entries(stack.services);
const ours = services.filter(([, { image }]) => image.startsWith('aptos-backup:'));

it('is a file by the Compose specification', () => {
  const schema = readFileSync('test/fixtures/compose-spec/compose-spec.json', 'utf8');
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(JSON.parse(schema) as object);
  validate(stack);
  expect(validate.errors).toBeNull();
  expect(validate({ services: { worker: { read_onyl: true } } })).toBe(false);
});

it('needs only settings that .env.example names, and all of those', () => {
  const used = readFileSync('docker-compose.yml', 'utf8').matchAll(/\$\{([A-Z_]+)/g);
  expect([...new Set([...used].map(([, name]) => name))].sort()).toEqual(
    Object.keys(settings).sort(),
  );
  expect(() => readCompose({ ...settings, NODE_ADDRESS: '' })).toThrow(/which node is backed up/);
});

it('pins every image', () => {
  for (const [name, { image }] of services) {
    expect(`${name}: ${image}`).toMatch(/: [a-z/-]+:v?\d+(\.\d+)*$/);
  }
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(new Set(ours.map(([, { image }]) => image))).toEqual(new Set([`aptos-backup:${version}`]));
});

it('opens ports only on this host', () => {
  for (const [, { ports = [] }] of services) {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  }
});

it('links the page to the Temporal UI of the stack', () => {
  const [, port] = /--temporal-ui=http:\/\/127\.0\.0\.1:(\d+)/.exec(
    stack.services['coordinator']!.command!.join(' '),
  )!;
  expect(stack.services['ui']!.ports).toEqual([`127.0.0.1:${port}:8080`]);
});

it('gives no service a right of root or a place to write but its own, and bounds what it takes', () => {
  for (const [name, service] of services) {
    const { cap_add: added = [], deploy, user = 'of the image' } = service;
    expect(service, name).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '5' } },
    });
    expect(deploy?.resources.limits, name).toEqual({
      cpus: expect.stringMatching(/^\d+(\.\d+)?$/) as string,
      memory: expect.stringMatching(/^\d+[GM]$/) as string,
    });
    // It alone is root, and may only give folders away.
    const gives = name === 'folders';
    expect(added, name).toEqual(gives ? ['CHOWN'] : []);
    expect(/^(0|root)\b/.test(user), name).toBe(gives);
  }
  for (const [name, { user }] of ours.filter(([one]) => one !== 'folders')) {
    expect(user, name).toMatch(/^[1-9]/);
  }
  expect(readFileSync('Dockerfile', 'utf8')).toMatch(/^USER node$/m);
});

it('makes the folders of those who write there, with the right owner, before they start', () => {
  const { entrypoint, volumes } = stack.services['folders']!;
  const [, owner, ...given] = entrypoint!;
  expect(owner).toBe(`${settings['BACKUPS_UID']}:${settings['BACKUPS_GID']}`);
  for (const name of ['worker', 'coordinator', 's3']) {
    const { user, depends_on: needed } = stack.services[name]!;
    expect(user, name).toBe(owner);
    expect(needed?.['folders'], name).toEqual({ condition: 'service_completed_successfully' });
  }
  expect(volumes!.map((volume) => volume.split(':')[1])).toEqual(given);
});

it('keeps secrets in files that a script makes, and out of every environment', () => {
  const place = mkdtempSync(join(tmpdir(), 'aptos-backup-secrets-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  cpSync('deploy/make-secrets.sh', join(place, 'deploy', 'make-secrets.sh'));
  const make = () => execFileSync('sh', [join(place, 'deploy', 'make-secrets.sh')]);
  const content = (file: string) => readFileSync(join(place, file), 'utf8');
  make();
  const files = Object.values(stack.secrets).map(({ file }) => file);
  expect(readdirSync(join(place, 'secrets')).map((name) => `./secrets/${name}`)).toEqual(
    files.toSorted(),
  );
  expect(statSync(join(place, 'secrets')).mode & 0o777).toBe(0o700);
  const first = files.map(content);
  for (const text of first) expect(text.length).toBeGreaterThan(30);
  make(); // once more, as after an upgrade
  expect(files.map(content)).toEqual(first);

  for (const [name, { secrets = [], environment = {} }] of services) {
    for (const secret of secrets) expect(Object.keys(stack.secrets), name).toContain(secret);
    for (const [variable, value] of Object.entries(environment)) {
      const [, file] = /^\/run\/secrets\/(.*)$/.exec(value) ?? [];
      if (file !== undefined) expect(secrets, name).toContain(file);
      else expect(variable, name).not.toMatch(/PASSWORD|PWD|SECRET|KEY/);
    }
  }
});

it('waits only for existing services, and mounts only what exists', () => {
  for (const [, { depends_on: needed = {}, volumes = [] }] of services) {
    for (const [name, { condition }] of Object.entries(needed)) {
      const service = stack.services[name];
      expect(service, name).toBeDefined();
      if (condition === 'service_healthy') expect(service!.healthcheck, name).toBeDefined();
    }
    for (const mounted of volumes.filter((volume) => volume.startsWith('./'))) {
      expect(existsSync(mounted.split(':')[0]!), mounted).toBe(true);
      expect(mounted).toMatch(/:ro$/);
    }
  }
});

it('asks each server where it serves others: by TCP, and not by a name that may be of ::1', () => {
  const checked = services.filter(([, { healthcheck }]) => healthcheck);
  expect(checked.map(([name]) => name)).toEqual(expect.arrayContaining(['postgresql', 'temporal']));
  for (const [name, { healthcheck }] of checked) {
    const asks = healthcheck!.test.join(' ');
    expect(asks, name).toContain('127.0.0.1');
    expect(asks, name).not.toContain('localhost');
  }
});

it('keeps data that must outlive a container, and lets workers and coordinator write nowhere else', () => {
  const kept = services.flatMap(([, { volumes = [] }]) => volumes.map((v) => v.split(':')[0]!));
  const named = kept.filter((volume) => !/^[./]/.test(volume));
  expect([...new Set(named)].sort()).toEqual(Object.keys(stack.volumes).sort());
  const data = readFileSync('Dockerfile', 'utf8').match(/APTOS_BACKUP_DATA_DIR=(\S+)/)![1]!;
  for (const name of ['worker', 'coordinator']) {
    const { volumes, tmpfs } = stack.services[name]!;
    expect({ volumes, tmpfs }, name).toEqual({
      volumes: [`${settings['BACKUPS_DIR']}:/backups`, `data:${data}`],
      tmpfs: ['/tmp'],
    });
  }
});

it('gives the image everything that its build copies', () => {
  const copied = [...readFileSync('Dockerfile', 'utf8').matchAll(/^COPY (?!--from)(.*) \S+$/gm)];
  const names = copied.flatMap(([, list]) => list!.split(' '));
  expect(names).toContain('src');
  const allowed = readFileSync('.dockerignore', 'utf8').match(/(?<=^!).*$/gm);
  expect([...names].sort()).toEqual(allowed?.sort());
  for (const name of names) expect(existsSync(name)).toBe(true);
});
