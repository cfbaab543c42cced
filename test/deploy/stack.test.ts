/**
 * The production stack without a container engine: its services as processes, with just the commands and settings
 * in its files.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { metricsOf } from '../../src/monitor/metrics.js';
import { notificationMetrics } from '../../src/notify/notification-metrics.js';
import { openStorage } from '../../src/storage/open.js';
import { findTemporal } from '../../src/temporal-server/binary/find-temporal.js';
import { choosePort } from '../../src/temporal-server/ports.js';
import { verifyStorage } from '../../src/verify/verify-storage.js';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, runCli } from '../support/cli.js';
import { exampleSettings, readCompose } from '../support/compose.js';
import { metricNames, readDashboard } from '../support/dashboard.js';
import { startPrometheus } from '../support/servers/prometheus.js';
import { findServer } from '../support/servers/install.js';
import { WEED } from '../support/servers/seaweedfs.js';
import { eventfulStatus } from '../support/status.js';
import { startTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import type { PageStatus } from '../../src/contract/answers/page-answers.js';
import type { CoordinatorStatus } from '../../src/contract/answers/coordinator-answers.js';

it('namespace, worker, coordinator and Prometheus work with the settings in its files', async () => {
  const node = await devnode({ startTime: 'now' });
  const folder = storageFolder();
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const settings = { ...exampleSettings(), NODE_ADDRESS: node.address, BACKUPS_DIR: folder };
  const { services } = readCompose({ ...settings, TRANSACTION_BATCH_SIZE: '100' });
  const home = dataFolder();
  symlinkSync(await findTemporal(), join(home, 'temporal'));
  const environment = (name: string, namespace = session.namespace) => ({
    PATH: `${home}:${process.env['PATH']}`,
    HOME: home,
    ...services[name]!.environment,
    TEMPORAL_ADDRESS: session.address,
    TEMPORAL_NAMESPACE: namespace,
    APTOS_BACKUP_DATA_DIR: home,
  });

  const prepare = (retention: Record<string, string> = {}) =>
    promisify(execFile)('sh', ['deploy/prepare-namespace.sh'], {
      env: { ...environment('namespace', 'backups'), ...retention },
    });
  const hoursKept = async () => {
    const { workflowService } = session.connection;
    const { config } = await workflowService.describeNamespace({ namespace: 'backups' });
    return Number(config?.workflowExecutionRetentionTtl?.seconds) / 3600;
  };
  await prepare();
  await prepare(); // as at every start of the stack
  expect(await hoursKept()).toBe(720);
  await prepare({ RETENTION: '48h' });
  expect(await hoursKept()).toBe(48);

  // Other tests on this machine may use the ports in the files.
  const first = await choosePort();
  const ports: Record<string, number> = { '9464': first, '9465': await choosePort() };
  const onFreePort = (word: string) =>
    Object.entries(ports).reduce(
      (text, [port, free]) => text.replace(`:${port}`, `:${free}`),
      word,
    );
  const token = 'a-token-of-the-page';
  writeFileSync(join(home, 'page_token'), token);
  const ownPlaces = (word: string) =>
    word.replace('file:///backups', `file://${folder}`).replace('/run/secrets', home);
  const lines: string[] = [];
  const start = (name: string): ChildProcess => {
    const command = services[name]!.command!.map((word) => onFreePort(ownPlaces(word)));
    const child = spawn(process.execPath, ['dist/cli.js', ...command], { env: environment(name) });
    onTestFinished(() => void child.kill('SIGKILL'));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (name === 'coordinator') lines.push(line);
    });
    return child;
  };
  const running = [start('coordinator'), start('worker')];
  const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  const follows = () => {
    const last = lines.at(-1);
    return last !== undefined && (JSON.parse(last) as CoordinatorStatus).phase === 'following';
  };
  await until('it follows the node', follows, 240_000);

  await expectQueriesToAnswer(ports);

  const status = async () =>
    (await (await fetch(`http://127.0.0.1:${first}/status.json`)).json()) as PageStatus;
  await until('the page of the coordinator shows the workers of the other process', async () => {
    const kinds = (await status()).pollers?.map(({ works_on: what }) => what) ?? [];
    return kinds.includes('workflows') && kinds.includes('chunks');
  });

  const control = async (headers: Record<string, string>) => {
    const body = JSON.stringify({ action: 'resume' });
    const answer = await fetch(`http://127.0.0.1:${first}/control`, {
      ...{ method: 'POST', body, headers: { 'X-Aptos-Backup-Page': '1', ...headers } },
    });
    return answer.status;
  };
  expect(await control({})).toBe(401);
  expect(await control({ authorization: `Bearer ${token}` })).toBe(200);

  const isHealthy = (name: string) => {
    const [program, ...args] = services[name]!.healthcheck!.test.slice(1).map(onFreePort);
    return promisify(execFile)(program!, args).then(
      () => true,
      () => false,
    );
  };
  for (const name of ['worker', 'coordinator']) {
    await until(`${name} is healthy`, () => isHealthy(name));
  }
  renameSync(folder, `${folder}-elsewhere`);
  mkdirSync(folder);
  node.grow({ transactions: 200 });
  await until(
    'the check sees that the storage is away',
    async () => !(await isHealthy('coordinator')),
  );
  await until('the worker is healthy', () => isHealthy('worker'));
  rmdirSync(folder); // fails if anything was written there
  renameSync(`${folder}-elsewhere`, folder);
  // As `docker stop` does.
  for (const child of running) child.kill('SIGTERM');
  expect(await Promise.all(ended)).toEqual([0, 0]);

  const storage = { local_fs_dir: folder };
  const trust = { storage, trustWaypoints: [] };
  expect(await verifyStorage(openStorage(storage), trust)).toMatchObject({ ok: true });
}, 600_000);

/** Prometheus reads what runs, takes the rules, and answers every query of the dashboard. */
async function expectQueriesToAnswer(ports: Record<string, number>): Promise<void> {
  const prometheus = await startPrometheus(
    { 'coordinator:9464': ports['9464']!, 'worker:9465': ports['9465']! },
    readCompose(exampleSettings()).services['prometheus']!.command!,
  );
  onTestFinished(() => prometheus.close());
  const expressions = readDashboard().panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) => expr),
  );
  const rules = readFileSync('deploy/prometheus/rules.yml', 'utf8');
  // What a coordinator only has when something went wrong, or when somebody verifies and practises.
  const { text } = await metricsOf(eventfulStatus(), { level: 'ok', reasons: [] }, 0);
  const notified = await notificationMetrics([]);
  const known = metricNames(`${text}\n${notified.text}`);
  const asked = [...metricNames([...expressions, rules].join('\n'))];
  await until('Prometheus has every metric that is asked for', async () => {
    const live = metricNames((await prometheus.names()).join('\n'));
    return asked.every((name) => live.has(name) || known.has(name));
  });
  for (const expr of expressions) {
    const { status, error } = await prometheus.query(expr);
    expect(status, `${expr}: ${error}`).toBe('success');
  }
  for (const expr of [
    ...['max(aptos_backup_health)', 'sum by (role) (aptos_backup_worker_up)'],
    ...['max by (stream) (aptos_backup_lag)', 'max(aptos_backup_restorable_version)'],
  ]) {
    expect(expressions).toContain(expr);
    // A scrape that came late leaves a hole.
    const hasResult = async () => (await prometheus.query(expr)).data.result.length > 0;
    await until(`${expr} has a result`, hasResult);
  }
  await until('the rules were evaluated without an error', async () => {
    const rulesNow = await prometheus.rules();
    return rulesNow.length > 20 && rulesNow.every(({ health }) => health === 'ok');
  });
}

it('the object store of the stack opens its bucket to the credentials that were made', async () => {
  const home = dataFolder();
  cpSync('deploy', join(home, 'deploy'), { recursive: true });
  execFileSync('sh', [join(home, 'deploy', 'make-secrets.sh')]);
  const { services } = readCompose(exampleSettings());
  const { environment, entrypoint } = services['s3']!;
  symlinkSync(await findServer(WEED), join(home, 'weed'));
  mkdirSync(join(home, 'objects'));
  const port = await choosePort();
  const others = ['master', 'volume', 'filer', 'admin'].flatMap((name) => [name, `${name}.grpc`]);
  const flags = [`-s3.port=${port}`, `-filer.localSocket=${join(home, 'filer.sock')}`];
  const taken = [port];
  for (const name of ['s3.grpc', ...others]) {
    taken.push(await choosePort());
    const [part, grpc] = name.split('.');
    flags.push(`-${part}.port${grpc ? '.grpc' : ''}=${taken.at(-1)}`);
  }
  const [shell, script, ...own] = entrypoint!;
  const args = own.map((word) => word.replace('/data', join(home, 'objects')));
  const credentials = join(home, 'secrets', 's3_credentials');
  const store = spawn(shell!, [join('deploy', script!), ...args, ...flags], {
    env: {
      ...{ PATH: `${home}:${process.env['PATH']}`, HOME: home },
      ...{ ...environment, S3_CREDENTIALS_FILE: credentials },
    },
    stdio: 'ignore',
  });
  onTestFinished(() => void store.kill('SIGKILL'));
  const endpoint = `http://127.0.0.1:${port}`;
  await until('it answers', () =>
    fetch(`${endpoint}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  const [, url] = /^# STORAGE=(s3:\S+)$/m.exec(readFileSync('.env.example', 'utf8'))!;
  const storage = url!.replace('http://s3:8333', endpoint);
  const ask = async (file: string) => {
    const env = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_EC2_METADATA_DISABLED: 'true' };
    return (await runCli(['query', 'backup-storage-state', '--storage', storage], env)).err;
  };
  await until('its bucket is there', async () =>
    (await ask(credentials)).includes('holds nothing'),
  );
  expect(await ask('/dev/null')).toMatch(/credentials/i);
});
