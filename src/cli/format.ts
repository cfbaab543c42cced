import { type BackupResult } from '../plan/unit.js';

const KINDS: Record<BackupResult['type'], { title: string; records: string }> = {
  epoch_ending: { title: 'Epoch ending backup', records: 'epoch endings' },
  state_snapshot: { title: 'State snapshot backup', records: 'state items' },
  transaction: { title: 'Transaction backup', records: 'transactions' },
};

/** A size in the unit that suits it. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** 75 s -> "1m15s". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m${whole % 60}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

/** How long ago an ISO time is. */
export function since(at: string, now: number): string {
  return duration(Math.max(0, now - Date.parse(at)) / 1000);
}

/** What a finished backup is, for people. */
export function describeResult(result: BackupResult): string {
  const { title, records } = KINDS[result.type];
  const what =
    result.version === undefined
      ? `${result.first} to ${result.last}`
      : `epoch ${result.epoch}, version ${result.version}`;
  const { anchor } = result;
  const trust = anchor.confirmed
    ? `genesis ${anchor.waypoint}${anchor.network ? ` (${anchor.network})` : ''}`
    : `genesis ${anchor.waypoint}, which nothing but this node confirms (see --trust-waypoint)`;
  return [
    `${title} ${result.already_committed ? 'is there already' : 'succeeded'}. Manifest: ${result.manifest}`,
    `  ${what}: ${result.records} ${records} in ${result.chunks} chunks, ${bytes(result.bytes)}` +
      (result.chunks_reused > 0 ? `, ${result.chunks_reused} of them found stored` : ''),
    `  proven: ${result.proven}; ${trust}`,
    ...(result.lies ?? []).map(({ node, why }) => `  LIE of ${node}: ${why}`),
  ].join('\n');
}
