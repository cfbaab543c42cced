import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { worstOf } from './health.js';
import { UsageError } from '../client/command-failure.js';
import { LISTEN_ADDRESS, readListenAddress } from '../lib/listen-address.js';
import { StartingHealth } from './starting-health.js';
import type { Health, HealthJson } from '../contract/answers/shown-answers.js';

export type HealthDetails = Omit<HealthJson, keyof Health>;

/** A part of the program whose health is shown. */
export interface HealthSource {
  /** Why this part is not ready; undefined when it is. */
  notReady(): string | undefined;
  health(): Health;
  /** Fields that `/healthz` shows beside level and reasons. */
  details(): HealthDetails;
  /** Metrics in the format of Prometheus. Two sources must not have the same metric. */
  metrics(): Promise<{ text: string; type: string }>;
}

/** Answers a request that is none of the health server's own. Returns false when it is no request of its either. */
export type Answers = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Health over HTTP, for load balancers, orchestrators and Prometheus: `/livez` (this process answers),
 * `/readyz`, `/healthz` (JSON; 503 when critical) and `/metrics`. Others may answer more.
 */
export class HealthServer {
  private readonly shown: HealthSource[] = [];
  private readonly starting = new StartingHealth();
  private readonly server: Server;
  private more: Answers = () => false;

  private constructor() {
    this.server = createServer((request, response) => {
      const send = (code: number, body: string, type = 'text/plain') =>
        response.writeHead(code, { 'content-type': type }).end(`${body}\n`);
      switch (request.url) {
        case '/livez':
          return send(200, 'alive');
        case '/readyz': {
          const missing = this.sources.flatMap((source) => source.notReady() ?? []);
          return missing.length === 0 ? send(200, 'ready') : send(503, missing.join('; '));
        }
        case '/healthz': {
          const json = this.json();
          const code = json.level === 'critical' ? 503 : 200;
          return send(code, JSON.stringify(json), 'application/json');
        }
        case '/metrics':
          return void Promise.all(this.sources.map((source) => source.metrics())).then(
            (all) => send(200, all.map(({ text }) => text).join('\n'), all[0]?.type),
            (error: unknown) => send(500, String(error)),
          );
        default:
          if (this.more(request, response)) return undefined;
          return send(404, `no such page; there are /, /livez, /readyz, /healthz and /metrics`);
      }
    });
  }

  /** Starts the server if the flags name an address, and says its URL. @throws UsageError, an error of the system */
  static async open(
    { healthAddress }: { healthAddress?: string },
    say: (line: string) => void,
  ): Promise<HealthServer | undefined> {
    if (healthAddress === undefined) return undefined;
    const health = await HealthServer.listen(healthAddress);
    say(`Health: ${health.url}`);
    return health;
  }

  /** Starts the server at `[HOST:]PORT`. @throws UsageError for another text, an error of the system */
  static async listen(address: string): Promise<HealthServer> {
    const place = readListenAddress(address);
    if (!place) {
      throw new UsageError(`--health-address must be ${LISTEN_ADDRESS}, not "${address}"`);
    }
    const health = new HealthServer();
    await new Promise<void>((resolve, reject) => {
      health.server.on('error', reject);
      health.server.listen(place.port, place.host, resolve);
    });
    return health;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  /** The address and the port where it listens. */
  get host(): string {
    const { address, family, port } = this.server.address() as AddressInfo;
    return `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** From now on, requests that are none of its own are answered by `more`. */
  also(more: Answers): void {
    this.more = more;
  }

  /** What `/healthz` answers. */
  json(): HealthJson {
    const { level, reasons } = this.health();
    const details = this.sources.map((source) => source.details());
    return Object.assign({ level, reasons }, ...details) as HealthJson;
  }

  /** Adds a source; from now on its health is shown, too. */
  show(source: HealthSource): void {
    this.shown.push(source);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** Until a source is added, the command is starting: its health is unknown, not good. */
  private get sources(): HealthSource[] {
    return this.shown.length > 0 ? this.shown : [this.starting];
  }

  /** The worst level of all sources, with all their reasons. */
  private health(): Health {
    return worstOf(this.sources.flatMap((source) => source.health().reasons));
  }
}
