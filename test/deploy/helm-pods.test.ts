/** The pods of the Helm chart: what they may do, and that our program takes what they give it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { SCHEDULE_KINDS } from '../../src/client/schedules.js';
import { NETWORK_NAMES } from '../../src/contract/network.js';
import { HealthServer } from '../../src/monitor/health-server.js';
import { chunkSlots, chunkWorkers } from '../../src/supervisor/worker-settings.js';
import { configuredServer } from '../../src/temporal/connection.js';
import { runCli } from '../support/cli.js';
import { exampleSettings, readCompose } from '../support/compose.js';
import { type Container, type PodSpec, renderChart } from '../support/kubernetes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const EXAMPLES = ['minimal', 'folder', 's3'];
const { services } = readCompose(exampleSettings());

/** Pods of an example, by the component that they are. */
async function podsOf(example: string): Promise<[component: string, pod: PodSpec][]> {
  const pods: [string, PodSpec][] = [];
  const objects = await renderChart('--values', `deploy/helm/examples/${example}.yaml`);
  for (const { metadata, spec } of objects) {
    const pod = spec?.template?.spec;
    if (pod) pods.push([metadata.labels['app.kubernetes.io/component']!, pod]);
  }
  return pods;
}

/** Where a container has this file of a Secret; undefined when no Secret is there. */
function secretOf(path: string, { volumeMounts }: Container, { volumes }: PodSpec) {
  const mount = volumeMounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  return volumes.find(({ name }) => name === mount?.name)?.secret?.secretName;
}

it.each(EXAMPLES)(
  'pods have no right that they do not need, with the values %s',
  async (example) => {
    const pods = await podsOf(example);
    for (const [component, pod] of pods) {
      expect(pod, component).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: expect.any(Number) as number,
          seccompProfile: { type: 'RuntimeDefault' },
        },
      });
      const [container, ...others] = pod.containers;
      expect(others).toEqual([]);
      expect(container, component).toMatchObject({
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        resources: {
          requests: { cpu: expect.anything() as unknown, memory: expect.any(String) as string },
          limits: { memory: expect.any(String) as string },
        },
      });
      // Every volume is mounted, every mount has its volume; only workers write backups.
      const mounts = container.volumeMounts.map(({ name }) => name);
      expect(mounts.toSorted()).toEqual(pod.volumes.map(({ name }) => name).toSorted());
      const backups = container.volumeMounts.find(({ name }) => name === 'backups');
      expect(backups?.readOnly ?? component !== 'worker', component).toBe(component !== 'worker');
      for (const { name, value, valueFrom } of container.env) {
        if (value?.startsWith('/run/secrets/')) {
          expect(secretOf(value, container, pod), name).toMatch(/./);
        } else if (valueFrom === undefined) {
          expect(name).not.toMatch(/PASSWORD|SECRET|TOKEN|_KEY$/);
        }
      }
    }
    expect(new Set(pods.map(([component]) => component))).toEqual(
      new Set(['coordinator', 'worker', 'schedule']),
    );
  },
);

/** One mistake for each, which is reported when all flags are read and before anything starts. */
const MISTAKES: Record<string, [flag: string, told: RegExp]> = {
  coordinator: ['--transaction-batch-size=0', /aptos-backup: --transaction-batch-size /],
  worker: ['--chunk-workers=0', /aptos-backup: --chunk-workers /],
  schedule: ['--every=now', /^aptos-backup: --every takes a time/],
};

it('the program takes every flag of every container', async () => {
  const tried = new Set<string>();
  // The flags of the smallest example are among theirs.
  for (const example of ['folder', 's3']) {
    for (const [component, { containers }] of await podsOf(example)) {
      const { args } = containers[0];
      // Each set of flags is tried once: a start of the program takes a second.
      const flags = args.map((arg) => arg.replace(/=.*/, '')).join(' ');
      if (tried.has(flags)) continue;
      tried.add(flags);
      const [mistake, told] = MISTAKES[component]!;
      const { code, err } = await runCli([...args, mistake]);
      expect(err, args.join(' ')).toMatch(told);
      expect(code).toBe(2);
    }
  }
  expect(tried.size).toBeGreaterThan(5);
});

it('the program reads what the environment of the containers says', async () => {
  const place = temporaryFolder('helm');
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  mkdirSync(join(place, 'temporal-tls'));
  for (const file of ['tls.crt', 'tls.key']) writeFileSync(join(place, 'temporal-tls', file), file);
  const pods = Object.fromEntries(await podsOf('s3'));
  const env = Object.fromEntries(
    pods['worker']!.containers[0].env.map(({ name, value }) => [
      name,
      value?.replace('/run/secrets', place),
    ]),
  );
  const bytes = (text: string) => new TextEncoder().encode(text);
  expect(configuredServer(env)).toMatchObject({
    address: 'my-namespace.a1b2c.tmprl.cloud:7233',
    namespace: 'my-namespace.a1b2c',
    connectionOptions: {
      tls: { clientCertPair: { crt: bytes('tls.crt'), key: bytes('tls.key') } },
    },
  });
  expect([chunkSlots(env), chunkWorkers(undefined, env)]).toEqual([8, 2]);
  const names = Object.keys(env).filter((name) => !name.startsWith('TEMPORAL_'));
  expect(names.toSorted()).toEqual([
    'APTOS_BACKUP_CHUNK_SLOTS',
    'APTOS_BACKUP_CHUNK_WORKERS',
    'AWS_SHARED_CREDENTIALS_FILE',
  ]);
  const [page] = pods['coordinator']!.containers;
  const [, token] = /--page-token-file=(\S+)/.exec(page.args.join(' '))!;
  expect(secretOf(token!, page, pods['coordinator']!)).toBe('page-token');
  const [, url] = /--notify-webhook-file=(\S+)/.exec(page.args.join(' '))!;
  expect(secretOf(url!, page, pods['coordinator']!)).toBe('webhook');
});

it('ports, times to stop and probes are those that the processes have', async () => {
  const server = await HealthServer.listen('127.0.0.1:0');
  onTestFinished(() => server.close());
  const objects = await renderChart('--values', 'deploy/helm/examples/s3.yaml');
  for (const [component, pod] of await podsOf('s3')) {
    if (component === 'schedule') continue;
    const { args, ports, livenessProbe, readinessProbe } = pod.containers[0];
    const [{ name, containerPort: port }] = ports as [{ name: string; containerPort: number }];
    expect(args).toContain(`--health-address=0.0.0.0:${port}`);
    expect(services[component]!.command).toContain(`--health-address=0.0.0.0:${port}`);
    expect(`${pod.terminationGracePeriodSeconds}s`).toBe(services[component]!.stop_grace_period);
    for (const { httpGet } of [livenessProbe!, readinessProbe!]) {
      expect(httpGet.port).toBe(name);
      expect((await fetch(`${server.url}${httpGet.path}`)).status, httpGet.path).not.toBe(404);
    }
    const service = objects.find(
      ({ kind, metadata }) =>
        kind === 'Service' && metadata.labels['app.kubernetes.io/component'] === component,
    )!;
    expect(service.spec!['ports']).toEqual([{ name, port, targetPort: name }]);
  }
  const monitor = objects.find(({ kind }) => kind === 'ServiceMonitor')!;
  const endpoints = monitor.spec!['endpoints'] as { port: string; path: string }[];
  expect(endpoints.map(({ port }) => port)).toEqual(['http']);
  expect((await fetch(`${server.url}${endpoints[0]!.path}`)).status).toBe(200);
});

it('selectors find the pods that they are for', async () => {
  const objects = await renderChart('--values', 'deploy/helm/examples/s3.yaml');
  const pods = objects.flatMap(({ spec }) =>
    spec?.template ? [spec.template.metadata.labels] : [],
  );
  const found = (selector: object) =>
    pods
      .filter((labels) => Object.entries(selector).every(([name, value]) => labels[name] === value))
      .map((labels) => labels['app.kubernetes.io/component']);
  for (const { kind, metadata, spec } of objects) {
    const selector = (spec?.['selector'] ?? spec?.['podSelector']) as
      { matchLabels?: object } | undefined;
    if (selector === undefined || kind === 'ServiceMonitor') continue;
    const labels = selector.matchLabels ?? selector;
    const component = metadata.labels['app.kubernetes.io/component'];
    const all = ['coordinator', 'worker', 'schedule', 'schedule', 'schedule'];
    expect(found(labels).toSorted(), `${kind} ${metadata.name}`).toEqual(
      (component === undefined ? all : [component]).toSorted(),
    );
  }
});

it('the schema of the values knows the networks and the kinds of schedules that there are', () => {
  const text = readFileSync('deploy/helm/values.schema.json', 'utf8');
  const { properties } = JSON.parse(text) as {
    properties: {
      chain: { properties: { name: { pattern: string } } };
      schedules: { items: { properties: { kind: { enum: string[] } } } };
    };
  };
  expect(properties.chain.properties.name.pattern).toBe(
    `^(|${NETWORK_NAMES.join('|')}|custom:.+)$`,
  );
  const backups = ['epoch-ending', 'state-snapshot', 'transaction', 'due'];
  const { kind } = properties.schedules.items.properties;
  expect(kind.enum).toEqual(
    SCHEDULE_KINDS.filter((one) => ![...backups, 'verify'].includes(one)).toSorted(),
  );
});
