/** The Helm chart: what it makes of values, by Helm's own program and the schemas of Kubernetes. */
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { parse } from 'yaml';
import { coordinatorFields } from '../../src/contract/coordinator-input.js';
import { kubernetesCheck, renderChart } from '../support/kubernetes.js';
import { helm } from '../support/servers/helm.js';

const CHART = 'deploy/helm';
const EXAMPLES = readdirSync(`${CHART}/examples`).map((file) => `${CHART}/examples/${file}`);
const MINIMAL = ['--values', `${CHART}/examples/minimal.yaml`];
const AZURE = ['backup.config.location=azure', 'backup.config.azure.account=acme'].concat(
  'backup.config.azure.container=backups',
  'backup.config.azure.credentialsSecret=azure-key',
  'temporal.configSecret=temporal-settings',
);
/** The oldest release that the chart is for, as far as there are schemas, and the newest. */
const RELEASES = ['1.25', '1.37'];

const set = (...values: string[]) => values.flatMap((value) => ['--set', value]);

it('helm lint has no complaint about any of the examples', async () => {
  for (const file of EXAMPLES) {
    const { code, out, err } = await helm('lint', '--values', file);
    expect(code, `${file}: ${out}${err}`).toBe(0);
  }
  expect(EXAMPLES).toHaveLength(3);
});

it.each(RELEASES)('Kubernetes %s knows every field of every object', async (release) => {
  const problems = await kubernetesCheck(release);
  const kinds = new Set<string>();
  const cases = EXAMPLES.map((file) => ['--values', file]);
  for (const flags of [...cases, [...MINIMAL, ...set(...AZURE)]]) {
    for (const object of await renderChart(...flags)) {
      expect(problems(object), `${flags.join(' ')}: ${object.metadata.name}`).toEqual([]);
      kinds.add(object.kind);
    }
  }
  expect([...kinds].sort()).toEqual([
    ...['Deployment', 'HorizontalPodAutoscaler', 'Job', 'NetworkPolicy', 'PersistentVolumeClaim'],
    ...['PodDisruptionBudget', 'PrometheusRule', 'Service', 'ServiceAccount', 'ServiceMonitor'],
  ]);

  const [object] = await renderChart(...MINIMAL);
  expect(problems({ ...object!, spec: { ...object!.spec, podSelektor: {} } })).not.toEqual([]);
});

it('defaults and schema name the same values, and nothing else is allowed', () => {
  const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema;
  const values = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')) as Values;
  const { global: _, ...known } = schema.properties!;
  expectSameNames({ ...schema, properties: known }, values, 'values');
});

interface Schema {
  minimum?: number;
  maximum?: number;
  additionalProperties?: boolean | object;
  properties?: Record<string, Schema>;
}
type Values = Record<string, unknown>;

/** The schema of a passage of Kubernetes' own form is left to Kubernetes. */
function expectSameNames(schema: Schema, values: Values, where: string): void {
  if (schema.properties === undefined || schema.properties['limits']) return;
  expect(schema.additionalProperties, where).toBe(false);
  expect(Object.keys(values).sort(), where).toEqual(Object.keys(schema.properties).sort());
  for (const [name, inner] of Object.entries(schema.properties)) {
    expectSameNames(inner, values[name] as Values, `${where}.${name}`);
  }
}

describe('a mistake in the values is refused, with the name of the value:', () => {
  it.each([
    ['backup.config.transaction_batch_sise=5', /transaction_batch_sise/],
    ['backup.config.concurrent_data_requests=many', /concurrent_data_requests/],
    ['backup.config.location=s4', /location/],
    ['backup.config.location=s3', /backup\.config\.s3\.bucket: say in which bucket/],
    ['backup.config.location=', /backup\.config\.location: say where backups are kept/],
    [
      'backup.config.backup_service_address=',
      /backup.config.backup_service_address|say which node/,
    ],
    ['backup.config.copy_bytes_per_second=5', /backup\.config\.copy_to: say where the copy is/],
    ['backup.config.node_streams=0', /node_streams/],
    ['backup.config.node_streams=65', /node_streams/],
    ['backup.config.node_bytes_per_second=no', /node_bytes_per_second/],
    ['temporal.address=', /temporal\.address: say where the Temporal server is/],
    ['chain.name=mianet', /chain/],
    ['runAs.user=0', /runAs/],
    ['schedules[0].kind=verfiy', /kind/],
    ['worker.replicas=3', /worker/],
  ])('%s', async (value, why) => {
    const { code, err } = await helm('template', ...MINIMAL, ...set(value));
    expect(err).toMatch(why);
    expect(code).toBe(1);
  });
});

const LIMITS = ['node_streams', 'node_requests_per_second', 'node_bytes_per_second'].concat(
  ...['copy_bytes_per_second', 'copy_requests_per_second'],
);

it('a limit, or a copy, that has no value is ended: the coordinator would keep it', async () => {
  const argsWith = async (...values: string[]) => {
    const objects = await renderChart(...MINIMAL, ...set(...values));
    const found = objects.find(({ kind, metadata }) => {
      return kind === 'Deployment' && metadata.name.endsWith('-coordinator');
    });
    return found!.spec!.template!.spec.containers[0].args;
  };
  const flag = (name: string) => `--${name.replaceAll('_', '-')}`;
  const ended = [...LIMITS, 'copy_to'].map((name) => `${flag(name)}=none`);
  const emptied = [...LIMITS, 'copy_to'].map((name) => `backup.config.${name}=`);
  const said = [...LIMITS, 'copy_to'].map((name) => `backup.config.${name}=none`);
  for (const values of [[], emptied, said]) {
    expect(await argsWith(...values)).toEqual(expect.arrayContaining(ended));
  }
  const given = LIMITS.map((name) => `backup.config.${name}=64`);
  const args = await argsWith('backup.config.copy_to=s3://copies/x', ...given);
  expect(args).toEqual(expect.arrayContaining(LIMITS.map((name) => `${flag(name)}=64`)));
  expect(args).toContain('--copy-to=s3://copies/x');
  expect(args.join()).not.toContain('none');
});

it('the schema allows the numbers that the program takes, and no others', () => {
  const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema;
  const { properties } = schema.properties!['backup']!.properties!['config']!;
  const bounded = Object.entries(properties!).flatMap(([name, { minimum, maximum }]) => {
    const field = name === 'concurrent_data_requests' ? 'concurrency' : name;
    const takes = coordinatorFields[field as keyof typeof coordinatorFields];
    return takes === undefined || minimum === undefined ? [] : [{ name, takes, minimum, maximum }];
  });
  for (const { name, takes, minimum, maximum } of bounded) {
    const fits = (value: bigint) => v.is(takes, value < 2n ** 53n ? Number(value) : `${value}`);
    expect([fits(BigInt(minimum) - 1n), fits(BigInt(minimum))], name).toEqual([false, true]);
    // A whole number of JSON has no greater bound than this.
    if (maximum === undefined) expect(fits(2n ** 53n), name).toBe(true);
    else expect([fits(BigInt(maximum)), fits(BigInt(maximum) + 1n)], name).toEqual([true, false]);
  }
  expect(bounded.map(({ name }) => name)).toEqual(expect.arrayContaining(LIMITS));
});

it('with backup.enable false nothing runs, and nothing that is stored goes', async () => {
  const folder = ['--values', `${CHART}/examples/folder.yaml`];
  const objects = await renderChart(...folder, ...set('backup.enable=false'));
  const kinds = objects.map(({ kind }) => kind);
  expect(kinds).toContain('PersistentVolumeClaim');
  expect(kinds).not.toContain('Job');
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  expect(deployments.map(({ spec }) => spec?.['replicas'])).toEqual([0, 0]);
  const claim = objects.find(({ kind }) => kind === 'PersistentVolumeClaim')!;
  expect(claim.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
});

it('pods reach only the ports of the servers that the values name, and DNS', async () => {
  const ports = async (...flags: string[]) => {
    const objects = await renderChart(...flags);
    const policy = objects.find(({ kind }) => kind === 'NetworkPolicy')!;
    const egress = policy.spec!['egress'] as { ports: { port: number }[] }[];
    return egress.map((rule) => rule.ports.map(({ port }) => port));
  };
  const dns = [53, 53];
  // The last ones are where clouds give pods their identity.
  expect(await ports(...MINIMAL)).toEqual([dns, [7233, 6186, 443], [80, 988]]);
  expect(await ports('--values', `${CHART}/examples/s3.yaml`)).toEqual([
    dns,
    [7233, 6186, 9000, 443],
  ]);
  const node = 'backup.config.backup_service_address={https://node.example.com}';
  const folder = ['--values', `${CHART}/examples/folder.yaml`, ...set(node)];
  expect(
    await ports(
      ...folder,
      ...set('backup.config.copy_to=', 'backup.config.copy_bytes_per_second='),
    ),
  ).toEqual([dns, [7233, 443]]);
  // A copy into a bucket, by way of its endpoint, with the identity of the pod.
  const copy = set('backup.config.copy_to=s3://c/x?endpoint=http://minio:9000');
  expect(await ports(...folder, ...copy)).toEqual([dns, [7233, 443, 9000], [80, 988]]);
});

it.each(['folder', 's3'])(
  'the policy lets Prometheus in, which is in another namespace, with the values %s',
  async (example) => {
    const objects = await renderChart('--values', `${CHART}/examples/${example}.yaml`);
    const policy = objects.find(({ kind }) => kind === 'NetworkPolicy')!;
    const [{ from, ports }] = policy.spec!['ingress'] as [{ from: object[]; ports: object[] }];
    expect(from).toContainEqual({
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } },
    });
    expect(ports).toEqual([{ protocol: 'TCP', port: 'http' }]);
  },
);

it('the alerts are those of the stack, and the versions those of the package', async () => {
  const rules = readFileSync('deploy/prometheus/rules.yml', 'utf8');
  expect(readFileSync(`${CHART}/files/rules.yml`, 'utf8')).toBe(rules);
  const objects = await renderChart('--values', `${CHART}/examples/s3.yaml`);
  const rule = objects.find(({ kind }) => kind === 'PrometheusRule')!;
  expect(rule.spec).toEqual(parse(rules));
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const chart = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8')) as Record<string, string>;
  expect(chart).toMatchObject({ version, appVersion: version });
});
