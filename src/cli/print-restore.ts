import type { DrillReport, RestorePlan } from '../contract/answers/restore-answers.js';
import { bytes, duration } from '../monitor/format.js';

type Sized = { files: number; bytes?: number | undefined };

/** Renders a plan for people. */
export function describePlan(plan: RestorePlan): string[] {
  const { restores_to: to, commands, notes } = plan;
  const asked = plan.target_version === undefined ? '' : `, asked for ${plan.target_version}`;
  const head = to
    ? `${plan.ok ? 'Restores' : 'RESTORES LESS THAN ASKED FOR'}: ${plan.storage}`
    : `RESTORES NOTHING: ${plan.storage}`;
  return [
    head,
    ...(to ? [`  up to            version ${to.version} (epoch ${to.epoch})${asked}`] : []),
    ...plan.why.map((text, i) => `  ${(i === 0 ? 'first missing' : '').padEnd(16)} ${text}`),
    ...usesOf(plan),
    ...costsOf(plan),
    ...chainOf(plan),
    ...notes.map((text, i) => `  ${(i === 0 ? 'know' : '').padEnd(16)} ${text}`),
    ...(commands ? commandLines(commands) : []),
  ];
}

function usesOf(plan: RestorePlan): string[] {
  const {
    tree_snapshot: tree,
    kv_snapshot: kv,
    transactions,
    epoch_endings: endings,
    fetch,
  } = plan;
  const snapshot = (one: NonNullable<typeof tree>) =>
    `epoch ${one.epoch}, version ${one.version}: ${one.items} items, ${sized(one)}`;
  return [
    ...(kv ? [`  history from     ${snapshot(kv)}`] : []),
    ...(tree ? [`  state snapshot   ${snapshot(tree)}`] : []),
    ...(transactions
      ? [
          `  transactions     ${transactions.first} to ${transactions.last} in ${transactions.backups} backup(s), ${sized(transactions)}: ${transactions.saved} saved, ${transactions.executed} executed`,
        ]
      : []),
    ...(endings
      ? [
          `  epoch endings    ${endings.first} to ${endings.last} in ${endings.backups} backup(s), ${sized(endings)}`,
        ]
      : []),
    ...(fetch ? [`  to fetch         ${sized(fetch)}, by ${fetch.by}`] : []),
  ];
}

function costsOf({ disk, time }: RestorePlan): string[] {
  const room = disk?.bytes === undefined ? '' : `${bytes(disk.bytes)}; `;
  const total = time?.seconds === undefined ? 'not known' : `at most ${duration(time.seconds)}`;
  return [
    ...(disk ? [`  disk             ${room}${disk.by}`] : []),
    ...(time ? [`  time             ${total}`] : []),
    ...(time?.steps ?? []).map(({ what, amount, unit, rate, rate_by: by, seconds }) => {
      const takes = seconds === undefined ? '' : `${duration(seconds)}, `;
      const at = rate === undefined ? 'rate' : `at ${rate.toPrecision(3)} a second,`;
      return `                   ${what}: ${amount} ${unit}, ${takes}${at} ${by}`;
    }),
  ];
}

function chainOf({ chain, waypoints }: RestorePlan): string[] {
  const from = {
    given: 'given',
    'built in': 'built in',
    storage: 'from the storage: only as good as the storage',
  };
  return [
    ...(chain
      ? [
          `  chain            ${signaturesOf(chain)}; ${chain.confirmed ? 'confirmed by a trusted waypoint' : 'nothing outside the storage confirms it'}`,
          ...chain.why.map((why) => `                   ${why}`),
        ]
      : []),
    ...waypoints.map(
      (one, i) =>
        `  ${(i === 0 ? 'waypoints' : '').padEnd(16)} ${one.waypoint} (${one.epoch === undefined ? 'not reached yet' : `end of epoch ${one.epoch}`}, ${from[one.from]})`,
    ),
  ];
}

function signaturesOf({ unsigned }: NonNullable<RestorePlan['chain']>): string {
  if (!unsigned) return 'signatures checked';
  return `epochs ${unsigned.first} to ${unsigned.last} are unsigned history; the signatures of all others are checked`;
}

function commandLines({ restore, verify, adapter }: NonNullable<RestorePlan['commands']>) {
  return [
    ...(adapter
      ? ['', `Save this as ${adapter.file}:`, '', ...adapter.yaml.trimEnd().split('\n')]
      : []),
    '',
    ...(verify === undefined
      ? []
      : ['Let the stock tool verify it first, if there is time:', '', ...verify.split('\n'), '']),
    'Restore:',
    '',
    ...restore.split('\n'),
  ];
}

function sized({ files, bytes: size }: Sized): string {
  return `${size === undefined ? '' : `${bytes(size)} in `}${files} files`;
}

/** Renders the report of a drill for people. */
export function describeDrill(report: DrillReport): string[] {
  const { proof, restore, without_tool: without, version } = report;
  return [
    `${report.ok ? 'The drill succeeded' : 'THE DRILL FAILED'}: ${report.storage}`,
    `  began            ${report.began_at}, took ${duration(report.seconds)}`,
    ...(version === undefined
      ? []
      : [`  restores         up to version ${version}, from snapshot ${report.snapshot_version}`]),
    ...(proof
      ? [
          `  read and proven  ${proof.ok ? '' : 'NOT ALL: '}${proof.records} records, ${bytes(proof.bytes)} in ${proof.objects} files, in ${duration(proof.seconds)}`,
        ]
      : []),
    ...(restore ? restoreLines(restore) : []),
    ...(without === undefined ? [] : [`  not restored     ${without}`]),
    ...report.why.map((text, i) => `  ${(i === 0 ? 'failed' : '').padEnd(16)} ${text}`),
    ...(restore?.last_lines ?? []).map((line) => `    | ${line}`),
  ];
}

function restoreLines(restore: NonNullable<DrillReport['restore']>): string[] {
  const { seconds, db_bytes: size, root_hash: root, root_version: at } = restore;
  const ended = restore.exit === undefined ? '' : `, ${restore.exit}`;
  return [
    `  restored         ${restore.ok ? '' : 'NOT: '}up to version ${restore.version ?? 'none'} in ${duration(seconds)}, ${bytes(size)} on disk${ended}`,
    ...(root === undefined
      ? []
      : [
          `  state root       ${root} at version ${at}, ${root === restore.expected_root_hash ? 'as proven' : `but ${restore.expected_root_hash} is proven`}`,
        ]),
  ];
}
