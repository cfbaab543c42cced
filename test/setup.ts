import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporal } from '../src/temporal-server/binary/find-temporal.js';
import { FAKE_GCS } from './support/servers/fake-gcs.js';
import { CHROMIUM } from './support/servers/chromium.js';
import { findServer } from './support/servers/install.js';
import { PROMETHEUS, PROMTOOL } from './support/servers/prometheus.js';
import { WEED } from './support/servers/seaweedfs.js';

/**
 * Fetches every server once, before tests that start at the same time all want it: the first run on a machine takes
 * minutes longer. Gives the tests one temporary folder, so that nothing of theirs stays on the machine.
 */
export async function setup(): Promise<() => void> {
  process.env['TEMPORAL_CLI_PATH'] = await findTemporal({ say: (line) => console.log(line) });
  for (const program of [WEED, FAKE_GCS, CHROMIUM, PROMETHEUS, PROMTOOL]) {
    process.env[program.variable] = await findServer(program);
  }
  const folder = mkdtempSync(join(tmpdir(), 'aptos-backup-tests-'));
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
