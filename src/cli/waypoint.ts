import { readFile } from 'node:fs/promises';
import { genesisWaypoint } from '../aptos/chain/genesis.js';
import { formatWaypoint } from '../aptos/chain/waypoint.js';
import { UsageError } from './failure.js';

/** `waypoint <genesis.blob>`: the waypoint that a network publishes beside its genesis. */
export async function printWaypoint(file: string, json: boolean): Promise<void> {
  let blob: Uint8Array;
  try {
    blob = await readFile(file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  const waypoint = formatWaypoint(genesisWaypoint(Uint8Array.from(blob)));
  console.log(json ? JSON.stringify({ waypoint }) : waypoint);
}
