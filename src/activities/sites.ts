import type { JobSettings } from '../plan/job.js';
import { type Site, openSite } from '../backup/site.js';

/**
 * The sites this process works on, opened once each: all ranges of a backup share one epoch history
 * and one connection pool.
 */
export class Sites {
  private readonly open = new Map<string, Promise<Site>>();

  constructor(private readonly dataDir: string) {}

  /** @throws what openSite throws; a site that failed to open is tried anew the next time */
  get(settings: JobSettings, signal: AbortSignal): Promise<Site> {
    const key = keyOf(settings);
    const known = this.open.get(key);
    if (known) return known;
    const site = openSite(settings, this.dataDir, signal);
    this.open.set(key, site);
    site.catch(() => this.open.delete(key));
    return site;
  }

  /** Opens the site anew the next time; whoever works on it now keeps it. */
  forget(settings: JobSettings): void {
    this.open.delete(keyOf(settings));
  }

  async close(): Promise<void> {
    const sites = await Promise.allSettled(this.open.values());
    this.open.clear();
    for (const site of sites) if (site.status === 'fulfilled') site.value.node.close();
  }
}

function keyOf({ node, storage, network, trustWaypoints }: JobSettings): string {
  return JSON.stringify([node, storage, network, trustWaypoints]);
}
