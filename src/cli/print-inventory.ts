import type {
  ListedBackup,
  ShownBackup,
  StorageStats,
} from '../contract/answers/inventory-answers.js';
import { BACKUP_TYPES, rulesOf } from '../contract/kinds/index.js';
import { describeRestorable } from '../monitor/describe-restorable.js';
import { bytes, since } from '../monitor/format.js';

const MOST_PARTS = 20;

/** The first line of what was read through an index. Empty for what the storage itself says. */
export function indexedLine(indexedAt: number | undefined, now: number): string {
  if (indexedAt === undefined) return '';
  const at = new Date(indexedAt).toISOString();
  return `The storage lists nothing to us: this is what its index of ${at} says (${ageOf(at, now)} ago).\n`;
}

export function listHead(sizes: boolean): string {
  const more = sizes ? `${'SIZE'.padEnd(10)}${'PROVEN'.padEnd(10)}` : '';
  return `${'KIND'.padEnd(16)}${'FIRST'.padEnd(14)}${'LAST'.padEnd(14)}${'AGE'.padEnd(10)}${more}BACKUP`;
}

export function listRow(row: ListedBackup, now: number, sizes: boolean): string {
  const { kind, first, last, version, committed_at: at, backup } = row;
  const [from, to] = version === undefined ? [first, last] : [`epoch ${first}`, version];
  const age = at === undefined ? 'unknown' : ageOf(at, now);
  const more = sizes ? `${sizeOf(row).padEnd(9)} ${(row.proven ?? 'unknown').padEnd(9)} ` : '';
  const fault = row.fault === undefined ? '' : `  FAULT: ${row.fault}`;
  return `${kind.padEnd(15)} ${from.padEnd(13)} ${to.padEnd(13)} ${age.padEnd(9)} ${more}${backup}${fault}`;
}

function sizeOf({ bytes: stored }: ListedBackup): string {
  return stored === undefined ? 'unknown' : bytes(stored);
}

export function shownText(shown: ShownBackup, now: number): string {
  const { kind, first, last, version, files, parts, strays } = shown;
  const range =
    version === undefined ? `${first} to ${last}` : `epoch ${first}, version ${version}`;
  const at = (time: string | undefined, none: string) =>
    time === undefined ? none : `${time}, ${ageOf(time, now)} ago`;
  const content =
    shown.content_bytes === undefined ? '' : `; ${bytes(shown.content_bytes)} without gzip`;
  const waypoint = shown.waypoint === undefined ? '' : ` to waypoint ${shown.waypoint}`;
  return [
    `${rulesOf(kind).words.one} ${shown.backup}`,
    row('range', range),
    row('storage', shown.storage),
    row('metadata', shown.metadata),
    row('line', shown.line),
    row('manifest', `${shown.manifest}${size(shown.manifest_bytes)}`),
    ...(shown.root_hash === undefined ? [] : [row('root', shown.root_hash)]),
    row('committed', at(shown.committed_at, 'unknown')),
    row('proven', `${PROVEN[shown.proven ?? 'unknown']}${waypoint}`),
    row('verified', at(shown.verified_at, 'not read whole by a verification that left records')),
    row('whole storage', at(shown.storage_verified_at, 'not yet proven by a verification')),
    row('size', `${sizeOf(shown)}${content}`),
    row('files', filesText(files)),
    ...files.wrong.map((one) => `  WRONG: ${one}`),
    ...(shown.fault === undefined ? [] : [`  FAULT: ${shown.fault}`]),
    ...strays.map((one) => `  nothing names ${one}`),
    row('chunks', `${parts.length}`),
    ...parts.slice(0, MOST_PARTS).map(partText),
    ...(parts.length > MOST_PARTS ? [`  ... (--json shows all)`] : []),
  ].join('\n');
}

const PROVEN = {
  signed: 'signed',
  chained: 'chained',
  unproven: 'not yet proven',
  unknown: 'unknown: the stock tool wrote the manifest, and no verification has left a record',
};

function filesText({ named, there, looked_at: looked }: ShownBackup['files']): string {
  if (!looked)
    return `${named} named; the storage lists none, so nobody looked (verify reads them)`;
  return `${there} of ${named} are there as the manifest says`;
}

function partText({
  first,
  last,
  file,
  bytes: stored,
  state,
  proof,
}: ShownBackup['parts'][number]) {
  const with_ = proof && proof.state !== 'there' ? `; ${proof.file}: ${proof.state}` : '';
  return `    ${first} to ${last}: ${file}${size(stored)}${state === 'there' ? '' : `: ${state}`}${with_}`;
}

function size(count: number | undefined): string {
  return count === undefined ? '' : `, ${bytes(count)}`;
}

export function statsText(stats: StorageStats, now: number): string {
  const { growth, orphans, kinds } = stats;
  const grows =
    growth.bytes_a_day === undefined
      ? `unknown: ${growth.why_unknown}`
      : `${bytes(growth.bytes_a_day)} a day, over ${growth.over_days} days`;
  const verified = stats.verified_at;
  return [
    stats.storage,
    ...BACKUP_TYPES.map((type) => row(rulesOf(type).words.many, kindText(type, kinds[type]))),
    ...BACKUP_TYPES.flatMap((type) => spotsOf(type, kinds[type])),
    row('metadata', `${stats.metadata_files} files, ${stats.damaged} damaged lines or files`),
    row('size', stats.bytes === undefined ? UNKNOWN : bytes(stats.bytes)),
    row('growth', grows),
    row('orphans', orphans ? `${orphans.folders} folders, ${bytes(orphans.bytes)}` : UNKNOWN),
    ...(orphans?.first ?? []).map(
      ({ folder, bytes: held, what, changed_at: at }) =>
        `    ${folder}: ${bytes(held)}, ${what}${at === undefined ? '' : `, last written ${ageOf(at, now)} ago`}`,
    ),
    row('restorable', describeRestorable(stats.restorable)),
    row(
      'verified',
      verified === undefined ? 'not yet' : `${verified}, ${ageOf(verified, now)} ago`,
    ),
  ].join('\n');
}

const UNKNOWN = 'unknown: the storage lists no folders';

type Kind = (typeof BACKUP_TYPES)[number];
type KindStats = StorageStats['kinds'][Kind];

function kindText(type: Kind, one: KindStats): string {
  const held = one.bytes === undefined ? '' : `, ${bytes(one.bytes)}`;
  const newest = one.newest === undefined ? '' : `, newest ${one.newest}`;
  const { many, records } = rulesOf(type).words;
  const noun = type === 'state_snapshot' ? many : records;
  const grows =
    one.bytes_a_day === undefined
      ? ''
      : `, ${bytes(one.bytes_a_day)} and ${one.records_a_day} ${noun} a day`;
  return `${one.backups} backups${newest}${held}${grows}`;
}

function spotsOf(type: Kind, one: KindStats): string[] {
  const { many } = rulesOf(type).words;
  const told = (count: number, first: { first: string; last: string }[], what: string) =>
    count === 0
      ? []
      : [
          `  ${many}: ${count} ${what}: ${first.map((span) => `${span.first} to ${span.last}`).join(', ')}${count > first.length ? ', ...' : ''}`,
        ];
  return [
    ...told(one.holes, one.first_holes, 'holes'),
    ...told(one.overlaps, one.first_overlaps, 'overlaps'),
  ];
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(16)} ${text}`;
}

/** How long ago an ISO time was; of backups that are years old, in days. */
function ageOf(at: string, now: number): string {
  const days = Math.floor((now - Date.parse(at)) / 86_400_000);
  return days >= 2 ? `${days}d` : since(at, now);
}
