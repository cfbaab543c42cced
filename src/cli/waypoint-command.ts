import { readFile } from 'node:fs/promises';
import { formatWaypoint, genesisWaypoint } from '../aptos/index.js';
import { UsageError } from '../client/command-failure.js';
import { systemWords } from '../lib/host/system-words.js';
import { print } from './print.js';

/** `waypoint <genesis.blob>`: prints the waypoint that a network publishes with its genesis. */
export async function printWaypoint(file: string, json: boolean): Promise<void> {
  let blob: Uint8Array;
  try {
    blob = await readFile(file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${systemWords(error, 'read')}`);
  }
  const waypoint = formatWaypoint(genesisWaypoint(Uint8Array.from(blob)));
  print(json ? JSON.stringify({ waypoint }) : waypoint);
}
