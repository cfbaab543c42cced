import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { run } from '../../../src/lib/host/run.js';
import { choosePort } from '../../../src/temporal-server/ports.js';
import { temporaryFolder } from '../temporary-folder.js';
import { startHttpServer } from './http-server.js';
import { type ServerProgram, findServer } from './install.js';

const DOWNLOAD_MS = 300_000;

/** Prometheus, from Debian's package. */
export const PROMETHEUS: ServerProgram = fromDebian('prometheus', 'PROMETHEUS_PATH');
/** Its tool, which checks rules and tries them. */
export const PROMTOOL: ServerProgram = fromDebian('promtool', 'PROMTOOL_PATH');

/** A program of Debian's package `prometheus`, which is unpacked and not installed: that needs no root. */
function fromDebian(name: string, variable: string): ServerProgram {
  return {
    ...{ name, variable, version: 'debian', asks: ['--version'] },
    async fetch(into) {
      await download(into).catch(async () => {
        // A fresh machine may know no packages yet.
        await run('apt-get', ['update'], { timeoutMs: DOWNLOAD_MS });
        await download(into);
      });
      const archive = readdirSync(into).find((file) => file.endsWith('.deb'));
      await run('dpkg', ['-x', join(into, archive!), into], { timeoutMs: DOWNLOAD_MS });
      return join(into, 'usr', 'bin', name);
    },
  };
}

/** `apt-get download` has no flag for the folder. */
async function download(into: string): Promise<void> {
  await run('sh', ['-c', 'cd "$0" && apt-get download prometheus', into], {
    timeoutMs: DOWNLOAD_MS,
  });
}

export interface Prometheus {
  /** Names of all series. */
  names(): Promise<string[]>;
  query(expr: string): Promise<{ status: string; error?: string; data: { result: unknown[] } }>;
  /** The rules, with the health of their last evaluation. */
  rules(): Promise<{ name: string; health: string }[]>;
  close(): Promise<void>;
}

/**
 * Prometheus with the settings in deploy/prometheus and the flags of Compose, as a process. `targets` says on which
 * ports of this host the services really are; the others are left out. It reads them each second.
 */
export async function startPrometheus(
  targets: Record<string, number>,
  flags: string[],
): Promise<Prometheus> {
  const program = await findServer(PROMETHEUS);
  const folder = temporaryFolder('prometheus');
  cpSync('deploy/prometheus', folder, { recursive: true });
  const file = join(folder, 'prometheus.yml');
  writeFileSync(file, stringify(onThisHost(readFileSync(file, 'utf8'), targets)));
  const port = await choosePort();
  const args = flags.map((flag) =>
    flag.replace('=/etc/prometheus/', `=${folder}/`).replace('=/prometheus', `=${folder}/data`),
  );
  const server = await startHttpServer({
    ...{ name: 'Prometheus', program },
    args: [...args, `--web.listen-address=127.0.0.1:${port}`],
    ready: `http://127.0.0.1:${port}/-/ready`,
  });
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).json();
  return {
    async names() {
      const { data } = (await ask('/api/v1/label/__name__/values')) as { data: string[] };
      return data;
    },
    async query(expr) {
      return (await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as Awaited<
        ReturnType<Prometheus['query']>
      >;
    },
    async rules() {
      const { data } = (await ask('/api/v1/rules')) as {
        data: { groups: { rules: { name: string; health: string }[] }[] };
      };
      return data.groups.flatMap(({ rules }) => rules);
    },
    async close() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Settings {
  global: Record<string, string>;
  scrape_configs: {
    job_name: string;
    static_configs?: { targets: string[] }[];
    dns_sd_configs?: { names: string[]; port: number }[];
  }[];
}

/** The settings with other addresses for the services, and without the services that `ports` lacks. */
function onThisHost(text: string, ports: Record<string, number>): Settings {
  const settings = parse(text) as Settings;
  const jobs = settings.scrape_configs.map(({ job_name, static_configs, dns_sd_configs = [] }) => {
    const named = dns_sd_configs.flatMap(({ names, port }) =>
      names.map((name) => `${name}:${port}`),
    );
    const all = [...(static_configs ?? []).flatMap(({ targets }) => targets), ...named];
    const targets = all.flatMap((one) => (ports[one] ? [`127.0.0.1:${ports[one]}`] : []));
    return { job_name, static_configs: [{ targets }] };
  });
  const often = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  return { ...settings, global: { ...settings.global, ...often }, scrape_configs: jobs };
}
