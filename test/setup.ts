import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporal } from '../src/temporal/binary/find-temporal.js';

/**
 * Fetches the Temporal server once, before tests that start at the same time all want it, and gives
 * them one temporary folder, so that nothing of theirs stays on the machine.
 */
export async function setup(): Promise<() => void> {
  process.env['TEMPORAL_CLI_PATH'] = await findTemporal({ say: (line) => console.log(line) });
  const folder = mkdtempSync(join(tmpdir(), 'aptos-backup-tests-'));
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
