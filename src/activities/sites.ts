import { NodeRests } from '../backup/node-rests.js';
import { type Site, openSite } from '../backup/site.js';
import { orAborted } from '../or-aborted.js';
import type { JobSettings } from '../plan/job.js';

/**
 * The sites this process works on, opened once each: all ranges of a backup share one epoch history
 * and one connection pool. A job with several nodes has a site at each that was asked so far.
 */
export class Sites {
  private readonly open = new Map<string, Promise<Site>>();
  private readonly closing = new AbortController();
  private readonly resting = new Map<string, NodeRests>();

  constructor(private readonly dataDir: string) {}

  /** @throws what openSite throws; a site that failed to open is tried anew the next time */
  get(settings: JobSettings, node: string, signal: AbortSignal): Promise<Site> {
    const key = keyOf(settings, node);
    const known = this.open.get(key);
    if (known) return orAborted(known, signal);
    // Others will wait for it as well: it does not end with the one that is first.
    const site = openSite(settings, node, this.dataDir, this.closing.signal);
    this.open.set(key, site);
    site.catch(() => this.open.delete(key));
    return orAborted(site, signal);
  }

  /** Opens the site anew the next time; whoever works on it now keeps it. */
  forget(settings: JobSettings, node: string): void {
    const key = keyOf(settings, node);
    const site = this.open.get(key);
    this.open.delete(key);
    site?.then(
      (known) => known.node.retire(),
      () => undefined,
    );
  }

  /** Which nodes rest, as far as this process knows. A node may be of the wrong chain for one storage only. */
  rests({ storage }: JobSettings): NodeRests {
    const key = storage.local_fs_dir;
    const known = this.resting.get(key) ?? new NodeRests();
    this.resting.set(key, known);
    return known;
  }

  async close(): Promise<void> {
    this.closing.abort();
    const sites = await Promise.allSettled(this.open.values());
    this.open.clear();
    for (const site of sites) if (site.status === 'fulfilled') site.value.node.close();
  }
}

function keyOf({ nodes, storage, network, trustWaypoints }: JobSettings, node: string): string {
  return JSON.stringify([node, nodes, storage, network, trustWaypoints]);
}
