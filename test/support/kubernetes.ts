import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse, parseAllDocuments } from 'yaml';
import { helm } from './servers/helm.js';
import { fetchOnce, pipInstall } from './servers/install.js';

/** A package with the schemas of all releases, made from Kubernetes' OpenAPI. */
const SCHEMAS = 'kubernetes-validate==1.37.0';
const OPERATOR = 'test/fixtures/prometheus-operator';

export interface Container {
  name: string;
  image: string;
  args: string[];
  env: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string } } }[];
  ports?: { name: string; containerPort: number }[];
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
  livenessProbe?: { httpGet: { path: string; port: string } };
  readinessProbe?: { httpGet: { path: string; port: string } };
  resources: { requests: object; limits: object };
}

export interface PodSpec {
  containers: [Container];
  terminationGracePeriodSeconds: number;
  volumes: { name: string; secret?: { secretName: string } }[];
}

/** An object of Kubernetes, as far as tests look into it. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
  };
  /** A ServiceAccount has none. */
  spec?: Record<string, unknown> & {
    template?: { metadata: { labels: Record<string, string> }; spec: PodSpec };
  };
}

const rendered = new Map<string, Promise<KubernetesObject[]>>();

/** What the chart makes of value files or `--set` flags: made once for each. @throws Error with the words of helm */
export function renderChart(...flags: string[]): Promise<KubernetesObject[]> {
  const name = flags.join(' ');
  const objects = rendered.get(name) ?? render(flags);
  rendered.set(name, objects);
  return objects;
}

async function render(flags: string[]): Promise<KubernetesObject[]> {
  const { code, out, err } = await helm('template', ...flags);
  if (code !== 0) throw new Error(err);
  return parseAllDocuments(out).map((document) => document.toJS() as KubernetesObject);
}

/** Returns what is wrong with an object by the schemas of a release of Kubernetes; empty: nothing. */
export async function kubernetesCheck(
  release: string,
): Promise<(object: KubernetesObject) => unknown[]> {
  const folder = join(
    await fetchOnce(SCHEMAS.replace('==', '-'), async (into) => {
      await pipInstall(SCHEMAS, into);
      return join(into, 'kubernetes_validate', 'kubernetes-json-schema');
    }),
    // Strict: what the API server does not know is an error.
    `v${release}.0-local-strict`,
  );
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as object;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(read('_definitions.json'), '/api/_definitions.json');
  const known = new Map<string, ValidateFunction>();
  return (object) => {
    const { apiVersion, kind } = object;
    const name = [kind.toLowerCase(), ...apiVersion.replace('.k8s.io', '').split('/')].join('-');
    const validate = known.get(name) ?? ajv.compile(schemaOf(apiVersion, kind, name, read));
    known.set(name, validate);
    return validate(object) ? [] : (validate.errors ?? []);
  };
}

/** The Prometheus operator brings schemas of its own. Kubernetes refuses what they do not know, too. */
function schemaOf(
  apiVersion: string,
  kind: string,
  name: string,
  read: (file: string) => object,
): object {
  if (apiVersion !== 'monitoring.coreos.com/v1') return read(`${name}.json`);
  return closed(
    parse(readFileSync(join(OPERATOR, `${kind.toLowerCase()}.yaml`), 'utf8')),
  ) as object;
}

/** Allows no other properties than those that a schema names, as the API server does. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const fields = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, closed(value)]),
  );
  return 'properties' in fields && fields['type'] === 'object'
    ? { additionalProperties: false, ...fields }
    : fields;
}
