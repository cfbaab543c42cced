import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LiveStatus } from '../client/coordinator.js';
import { DEFAULT_LIMITS, type Health, healthOf, healthWithout } from '../client/health.js';
import { StuckWorkflowError } from '../client/stuck.js';
import { UsageError, messageOf } from './failure.js';
import { healthPage } from './health-page.js';
import { metricsOf } from './metrics.js';

/** A status older than this says nothing any more. */
const FRESH_MS = 60_000;

/**
 * Health of a coordinator over HTTP, for load balancers, orchestrators and Prometheus: `/livez` (this
 * process answers), `/readyz` (it hears from the coordinator), `/healthz` (JSON; 503 when critical),
 * `/metrics`, and `/` for people.
 */
export class HealthServer {
  private latest: { status: LiveStatus; at: number } | undefined;
  private silence: unknown;
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const send = (code: number, body: string, type = 'text/plain') =>
        response.writeHead(code, { 'content-type': type }).end(`${body}\n`);
      switch (request.url) {
        case '/':
          return send(
            200,
            healthPage(this.latest?.status, this.health(), Date.now()),
            'text/html; charset=utf-8',
          );
        case '/livez':
          return send(200, 'alive');
        case '/readyz':
          return this.isFresh()
            ? send(200, 'ready')
            : send(503, 'nothing heard of the coordinator');
        case '/healthz': {
          const { level, ...rest } = this.health();
          const json = JSON.stringify({ level, ...rest, status: this.latest?.status });
          return send(level === 'critical' ? 503 : 200, json, 'application/json');
        }
        case '/metrics':
          return void metricsOf(this.latest?.status, this.health(), this.stuck()).then(
            ({ text, type }) => send(200, text, type),
            (error: unknown) => send(500, String(error)),
          );
        default:
          return send(404, `no such page; there are /, /livez, /readyz, /healthz and /metrics`);
      }
    });
  }

  /** @throws UsageError for an address that cannot be listened on */
  static async listen(address: string): Promise<HealthServer> {
    const match = /^(?:(.+):)?(\d{1,5})$/.exec(address);
    if (!match) throw new UsageError(`--health-address must be [HOST:]PORT, not "${address}"`);
    const health = new HealthServer();
    await new Promise<void>((resolve, reject) => {
      health.server.once('error', (error) =>
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

  /** The newest status that was read. */
  heard(status: LiveStatus): void {
    this.latest = { status, at: Date.now() };
    this.silence = undefined;
  }

  /** Why a status could not be read. */
  missed(error: unknown): void {
    this.silence = error;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private isFresh(): boolean {
    return this.latest !== undefined && Date.now() - this.latest.at < FRESH_MS;
  }

  private health(): Health {
    // What cannot be asked any more is told at once; a worker that restarts has a minute.
    if (this.latest && this.isFresh() && !(this.silence instanceof StuckWorkflowError)) {
      return healthOf(this.latest.status, DEFAULT_LIMITS, Date.now());
    }
    const unknown = 'the coordinator does not answer: is a worker there, and the Temporal server?';
    return healthWithout(this.silence ? messageOf(this.silence) : unknown);
  }

  private stuck(): number {
    const own = this.silence instanceof StuckWorkflowError ? 1 : 0;
    return own + (this.latest?.status.stuck.length ?? 0);
  }
}
