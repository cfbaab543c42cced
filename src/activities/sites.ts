import { NodeRests } from '../site/node-rests.js';
import { type Site, openSite } from '../site/site.js';
import { orAborted } from '../lib/or-aborted.js';
import type { JobSettings } from '../contract/job.js';
import { NodeGates } from './node-gates.js';
import { storageName } from '../contract/storage-name.js';

/**
 * The sites that this process works on. Each is opened once, so all ranges of a backup share one epoch
 * history and one connection pool. A job with several nodes has a site for each node that was asked.
 */
export class Sites {
  private readonly open = new Map<string, Promise<Site>>();
  private readonly closing = new AbortController();
  private readonly resting = new Map<string, NodeRests>();

  constructor(
    private readonly dataDir: string,
    readonly gates = new NodeGates(),
  ) {}

  /**
   * The site of a job. When `signal` aborts, all work on its storage ends.
   * @throws what openSite throws; the next call tries a failed site again
   */
  async get(settings: JobSettings, node: string, signal: AbortSignal): Promise<Site> {
    const site = await orAborted(this.shared(settings, node), signal);
    return { ...site, storage: site.storage.withSignal(signal) };
  }

  /** Opens the site anew at its next use. Current users keep the old one. */
  forget(settings: JobSettings, node: string): void {
    const key = keyOf(settings, node);
    const site = this.open.get(key);
    this.open.delete(key);
    site?.then(
      (known) => known.node.retire(),
      () => undefined,
    );
  }

  /**
   * Which nodes rest, as far as this process knows. The rests are kept per storage, because a node may be
   * of the wrong chain for one storage only.
   */
  rests({ storage }: JobSettings): NodeRests {
    const key = storageName(storage);
    const known = this.resting.get(key) ?? new NodeRests();
    this.resting.set(key, known);
    return known;
  }

  async close(): Promise<void> {
    this.closing.abort();
    const sites = await Promise.allSettled(this.open.values());
    this.open.clear();
    for (const site of sites) if (site.status === 'fulfilled') site.value.node.close();
    await this.gates.close();
  }

  private shared(settings: JobSettings, node: string): Promise<Site> {
    const key = keyOf(settings, node);
    const known = this.open.get(key);
    if (known) return known;
    // Others may wait for the same site, so opening it does not end with the first caller.
    const gateTo = (one: string) => this.gates.to(one);
    const site = openSite(settings, node, this.dataDir, this.closing.signal, gateTo);
    this.open.set(key, site);
    site.catch(() => this.open.delete(key));
    return site;
  }
}

function keyOf({ nodes, storage, network, trustWaypoints }: JobSettings, node: string): string {
  return JSON.stringify([node, nodes, storage, network, trustWaypoints]);
}
