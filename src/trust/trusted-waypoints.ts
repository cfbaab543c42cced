import { formatWaypoint, parseWaypoint, type Waypoint } from '../aptos/index.js';
import { BackupError } from '../errors/backup-error.js';

/** The trusted waypoints: those that the operator gave and those built in for the network. */
export class TrustedWaypoints {
  private readonly byVersion = new Map<bigint, string>();
  /** The highest trusted version, or undefined when nothing is trusted. */
  readonly highest: bigint | undefined;

  /** @throws BackupError CHAIN_MISMATCH when two sources disagree about a version. */
  constructor(given: readonly string[], builtIn: readonly Waypoint[]) {
    let highest: bigint | undefined;
    for (const waypoint of [...given.map(parseWaypoint), ...builtIn]) {
      const text = formatWaypoint(waypoint);
      const known = this.byVersion.get(waypoint.version);
      if (known !== undefined && known !== text) {
        throw new BackupError(
          'WAYPOINTS_DISAGREE',
          `trusted waypoints disagree about version ${waypoint.version}: ${known} and ${text}; check --trust-waypoint and --network`,
        );
      }
      this.byVersion.set(waypoint.version, text);
      if (highest === undefined || waypoint.version > highest) highest = waypoint.version;
    }
    this.highest = highest;
  }

  /** The trusted waypoint at exactly this version, as `VERSION:HASH`. */
  at(version: bigint): string | undefined {
    return this.byVersion.get(version);
  }

  /** Whether unsigned history up to `version` may be stored as not yet proven (docs/formats.md, Trust). */
  covers(version: bigint): boolean {
    return this.highest !== undefined && version <= this.highest;
  }

  /** All of them in order of version, as `VERSION:HASH`. */
  list(): string[] {
    return [...this.byVersion.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, w]) => w);
  }
}
