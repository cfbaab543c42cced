import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { type Site, openSite } from '../../src/site/site.js';
import type { JobSettings } from '../../src/contract/job.js';
import { temporaryFolder } from './temporary-folder.js';

/** The site of a job at its first node, with a data folder of its own. Both end with the test. */
export async function siteOf(settings: JobSettings): Promise<Site> {
  const data = temporaryFolder('data');
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const site = await openSite(settings, settings.nodes[0]!, data);
  onTestFinished(() => site.node.close());
  return site;
}
