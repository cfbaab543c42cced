import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LiveStatus } from '../client/coordinator.js';
import { type Health, worstOf } from '../client/health.js';
import { UsageError } from './failure.js';
import { healthPage } from './health-page.js';
import type { WorkerFlags } from './options.js';
import { StartingHealth } from './starting-health.js';

const HTML = 'text/html; charset=utf-8';

/** Something whose health is shown. */
export interface HealthSource {
  /** Why it is not ready yet, or not any more; undefined when it is. */
  notReady(): string | undefined;
  health(): Health;
  /** What `/healthz` says beside level and reasons. */
  details(): Record<string, unknown>;
  /** Of a coordinator: for the page for people. */
  status?(): LiveStatus | undefined;
  /** For Prometheus; no two sources share a metric. */
  metrics(): Promise<{ text: string; type: string }>;
}

/**
 * Health over HTTP, for load balancers, orchestrators and Prometheus: `/livez` (this process answers),
 * `/readyz`, `/healthz` (JSON; 503 when critical), `/metrics`, and `/` for people.
 */
export class HealthServer {
  private readonly shown: HealthSource[] = [];
  private readonly starting = new StartingHealth();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const send = (code: number, body: string, type = 'text/plain') =>
        response.writeHead(code, { 'content-type': type }).end(`${body}\n`);
      switch (request.url) {
        case '/':
          return send(200, healthPage(this.status(), this.health(), Date.now()), HTML);
        case '/livez':
          return send(200, 'alive');
        case '/readyz': {
          const missing = this.sources.flatMap((source) => source.notReady() ?? []);
          return missing.length === 0 ? send(200, 'ready') : send(503, missing.join('; '));
        }
        case '/healthz': {
          const { level, reasons } = this.health();
          const details = this.sources.map((source) => source.details());
          const json = JSON.stringify(Object.assign({ level, reasons }, ...details));
          return send(level === 'critical' ? 503 : 200, json, 'application/json');
        }
        case '/metrics':
          return void Promise.all(this.sources.map((source) => source.metrics())).then(
            (all) => send(200, all.map(({ text }) => text).join('\n'), all[0]?.type),
            (error: unknown) => send(500, String(error)),
          );
        default:
          return send(404, `no such page; there are /, /livez, /readyz, /healthz and /metrics`);
      }
    });
  }

  /** At the address that the flags give, if they give one; says where that is. @throws UsageError */
  static async open(
    { healthAddress }: WorkerFlags,
    say: (line: string) => void,
  ): Promise<HealthServer | undefined> {
    if (healthAddress === undefined) return undefined;
    const health = await HealthServer.listen(healthAddress);
    say(`Health: ${health.url}`);
    return health;
  }

  /** @throws UsageError for an address that cannot be listened on */
  static async listen(address: string): Promise<HealthServer> {
    const match = /^(?:(.+):)?(\d{1,5})$/.exec(address);
    if (!match) throw new UsageError(`--health-address must be [HOST:]PORT, not "${address}"`);
    const health = new HealthServer();
    await new Promise<void>((resolve, reject) => {
      health.server.on('error', (error) =>
        reject(new UsageError(`--health-address ${address}: ${error.message}`)),
      );
      health.server.listen(Number(match[2]), match[1] ?? '127.0.0.1', resolve);
    });
    return health;
  }

  get url(): string {
    const { address, port } = this.server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  /** Shows this as well from now on. */
  show(source: HealthSource): void {
    this.shown.push(source);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** While nothing is there to be shown, health is not good but unknown. */
  private get sources(): HealthSource[] {
    return this.shown.length > 0 ? this.shown : [this.starting];
  }

  private status(): LiveStatus | undefined {
    return this.sources.flatMap((source) => source.status?.() ?? [])[0];
  }

  /** The worst of all, with every reason. */
  private health(): Health {
    return worstOf(this.sources.flatMap((source) => source.health().reasons));
  }
}
