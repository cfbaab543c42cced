import { BcsWriter } from '../bcs/writer.js';
import { AptosDataError } from '../data-error.js';
import { hash } from '../hash/seeds.js';
import { toHex } from '../hex.js';
import { type LedgerInfo, writeEpochState } from './ledger-info.js';

/** A version, and a hash over the ledger info there and the next validators (docs/formats.md, Ledger infos). */
export interface Waypoint {
  version: bigint;
  /** 64 lower-case hex digits. */
  hash: string;
}

const MAX_VERSION = 0xffff_ffff_ffff_ffffn;

/** Reads `VERSION:HASH`. @throws AptosDataError WAYPOINT_INVALID */
export function parseWaypoint(text: string): Waypoint {
  const match = /^([0-9]{1,20}):([0-9a-fA-F]{64})$/.exec(text);
  const version = match ? BigInt(match[1]!) : 0n;
  if (!match || version > MAX_VERSION) {
    throw new AptosDataError(
      'WAYPOINT_INVALID',
      `"${text.slice(0, 120)}" is not a waypoint: VERSION:HASH with 64 hex digits`,
    );
  }
  return { version, hash: match[2]!.toLowerCase() };
}

export function formatWaypoint(waypoint: Waypoint): string {
  return `${waypoint.version}:${waypoint.hash}`;
}

/** The waypoint of a ledger info. It does not cover round, block id and consensus data. */
export function waypointOf(info: LedgerInfo): Waypoint {
  const writer = new BcsWriter();
  writer.u64(info.epoch).fixed(info.executedStateId).u64(info.version).u64(info.timestampUsecs);
  writer.option(info.nextEpochState, (state) => writeEpochState(writer, state));
  const digest = hash('Ledger2WaypointConverter', writer.toBytes());
  return { version: info.version, hash: toHex(digest) };
}
