/**
 * The production stack, as far as it can be tested without a container engine: the content of its files,
 * and its own services, started as processes with just the commands and settings in these files.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { findTemporal } from '../../src/temporal-server/binary/find-temporal.js';
import { choosePort } from '../../src/temporal-server/ports.js';
import { verifyStorage } from '../../src/verify/verify-storage.js';
import { devnode, storageFolder } from '../support/backup.js';
import { exampleSettings, namedVolumes, readCompose } from '../support/compose.js';
import { startTemporal, until } from '../support/temporal.js';
import type { CoordinatorStatus } from '../../src/contract/answers/coordinator-answers.js';

describe('docker-compose.yml', () => {
  const settings = exampleSettings();
  const services = Object.entries(readCompose(settings));
  const ours = services.filter(([, { image }]) => image.startsWith('aptos-backup:'));

  it('needs only settings that .env.example names, and all of those', () => {
    const used = readFileSync('docker-compose.yml', 'utf8').matchAll(/\$\{([A-Z_]+)/g);
    expect([...new Set([...used].map(([, name]) => name))].sort()).toEqual(
      Object.keys(settings).sort(),
    );
    expect(() => readCompose({ ...settings, POSTGRES_PASSWORD: '' })).toThrow(/choose one in .env/);
  });

  it('pins every image', () => {
    for (const [name, { image }] of services) {
      expect(`${name}: ${image}`).toMatch(/: [a-z/-]+:\d+(\.\d+\.\d+)?$/);
    }
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(new Set(ours.map(([, { image }]) => image))).toEqual(
      new Set([`aptos-backup:${version}`]),
    );
  });

  it('opens ports only on this host, and runs none of our programs as root', () => {
    for (const [, { ports = [] }] of services) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
    for (const [, { user }] of ours) expect(user).toMatch(/^[1-9]/);
    expect(readFileSync('Dockerfile', 'utf8')).toMatch(/^USER node$/m);
  });

  it('keeps a bounded log of each service', () => {
    for (const [name, { logging }] of services) {
      expect(logging, name).toEqual({
        driver: 'json-file',
        options: { 'max-size': '10m', 'max-file': '5' },
      });
    }
  });

  it('waits only for existing services, and mounts only existing files', () => {
    for (const [, { depends_on: needed = {}, volumes = [] }] of services) {
      for (const name of Object.keys(needed)) {
        expect(services.map(([service]) => service)).toContain(name);
      }
      for (const mounted of volumes.filter((volume) => volume.startsWith('./'))) {
        expect(statSync(mounted.split(':')[0]!).isFile()).toBe(true);
      }
    }
  });

  it('keeps data that must outlive a container, and lets our programs write nowhere else', () => {
    const kept = services.flatMap(([, { volumes = [] }]) => volumes.map((v) => v.split(':')[0]!));
    const named = kept.filter((volume) => !/^[./]/.test(volume));
    expect([...new Set(named)].sort()).toEqual(namedVolumes().sort());
    for (const [name, { volumes, read_only, tmpfs }] of ours) {
      const places = { volumes, read_only, tmpfs };
      const data = readFileSync('Dockerfile', 'utf8').match(/APTOS_BACKUP_DATA_DIR=(\S+)/)![1]!;
      expect(places, name).toEqual({
        volumes: [`${settings['BACKUPS_DIR']}:/backups`, `data:${data}`],
        read_only: true,
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
});

it('the namespace, worker and coordinator of the stack work with the settings in its files', async () => {
  const node = await devnode();
  const folder = storageFolder();
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const backups = { ...exampleSettings(), NODE_ADDRESS: node.address, BACKUPS_DIR: folder };
  const services = readCompose({ ...backups, TRANSACTION_BATCH_SIZE: '100' });
  const path = mkdtempSync(join(tmpdir(), 'aptos-backup-compose-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  symlinkSync(await findTemporal(), join(path, 'temporal'));
  const environment = (name: string, namespace = session.namespace) => ({
    PATH: `${path}:${process.env['PATH']}`,
    HOME: path,
    ...services[name]!.environment,
    TEMPORAL_ADDRESS: session.address,
    TEMPORAL_NAMESPACE: namespace,
    APTOS_BACKUP_DATA_DIR: path,
  });

  const prepare = () =>
    promisify(execFile)('sh', ['deploy/prepare-namespace.sh'], {
      env: environment('namespace', 'backups'),
    });
  await prepare();
  await prepare(); // as at every start of the stack
  const described = await session.connection.workflowService.describeNamespace({
    namespace: 'backups',
  });
  expect(Number(described.config?.workflowExecutionRetentionTtl?.seconds)).toBe(720 * 3600);

  // Other tests on this machine may use the ports in the files.
  const ports = { '9464': await choosePort(), '9465': await choosePort() };
  const onFreePort = (word: string) =>
    Object.entries(ports).reduce(
      (text, [port, free]) => text.replace(`:${port}`, `:${free}`),
      word,
    );
  const lines: string[] = [];
  const start = (name: string): ChildProcess => {
    const command = services[name]!.command!.map((word) =>
      onFreePort(word.replace('=/backups', `=${folder}`)),
    );
    const child = spawn(process.execPath, ['dist/cli.js', ...command], { env: environment(name) });
    onTestFinished(() => void child.kill('SIGKILL'));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (name === 'coordinator') lines.push(line);
    });
    return child;
  };
  const running = [start('coordinator'), start('worker')];
  const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  await until('it follows the node', () => {
    const last = lines.at(-1);
    return last !== undefined && (JSON.parse(last) as CoordinatorStatus).phase === 'following';
  });
  for (const name of ['coordinator', 'worker']) {
    const [program, ...args] = services[name]!.healthcheck!.test.slice(1).map(onFreePort);
    expect(await promisify(execFile)(program!, args)).toMatchObject({ stderr: '' });
  }
  // As `docker stop` does.
  for (const child of running) child.kill('SIGTERM');
  expect(await Promise.all(ended)).toEqual([0, 0]);

  const storage = { local_fs_dir: folder };
  const trust = { storage, trustWaypoints: [] };
  expect(await verifyStorage(openStorage(storage), trust)).toMatchObject({ ok: true });
});
