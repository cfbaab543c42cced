import { findTemporal } from '../src/temporal/binary.js';

/** Fetches the Temporal server once, before tests that start at the same time all want it. */
export async function setup(): Promise<void> {
  process.env['TEMPORAL_CLI_PATH'] = await findTemporal({ say: (line) => console.log(line) });
}
