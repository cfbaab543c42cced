import type { ReasonCode } from '../errors/codes/health-codes.js';
import type { HealthLimits } from './health.js';
import type { CoordinatorStatus } from '../contract/answers/coordinator-answers.js';
import type { Health } from '../contract/answers/shown-answers.js';

/** A node that was not seen for so long is a reason. Normally the coordinator sees it every few seconds. */
const UNSEEN_SECONDS = 300;
/** A node whose version changed within this time is making progress. */
const MOVES_SECONDS = 120;

type Seen = NonNullable<CoordinatorStatus['seen']>;

/** Reasons about the node: it is silent, its tip is old, or no trusted waypoint confirms its genesis. */
export function nodeReasons(seen: Seen, limits: HealthLimits, now: number): Health['reasons'] {
  const { unconfirmed_genesis: genesis } = seen;
  const unseen = secondsSince(seen.at, now);
  const tip = oldTip(seen, limits.warning);
  return [
    ...(unseen > UNSEEN_SECONDS
      ? [
          {
            level: unseen > limits.critical ? ('critical' as const) : ('warning' as const),
            code: 'NODE_UNSEEN' satisfies ReasonCode,
            since: seen.at,
            what: `the node was last seen ${unseen} s ago`,
          },
        ]
      : []),
    ...(tip === undefined ? [] : [warning('TIP_OLD', tip)]),
    ...(genesis === undefined ? [] : [warning('GENESIS_UNCONFIRMED', unconfirmed(genesis))]),
  ];
}

function warning(code: ReasonCode, what: string): Health['reasons'][number] {
  return { level: 'warning', code, what };
}

/** Tells the operator what to do about a genesis that nothing but the node confirms. */
export function unconfirmed(genesis: string): string {
  return `no trusted waypoint confirms the chain's genesis: get it from a source other than this node; if it is the same, add --trust-waypoint ${genesis}`;
}

/** Describes a tip older than `limit` seconds. Ages are counted up to when the node was last seen, not up to now. */
function oldTip({ at, version, version_since, tip_at }: Seen, limit: number): string | undefined {
  const seen = Date.parse(at);
  const still = version_since === undefined ? 0 : secondsSince(version_since, seen);
  const age = tip_at === undefined ? 0 : secondsSince(tip_at, seen);
  const newest = tip_at === undefined ? '' : `; its newest ledger info is of ${tip_at}`;
  if (still > limit) {
    return `the node answers, but stays at version ${version} for ${still} s, since ${version_since}${newest}: it has stopped syncing, or the chain stands still`;
  }
  if (age <= limit) return undefined;
  const what =
    still > MOVES_SECONDS
      ? `it stays at version ${version} since ${version_since}: it has stopped syncing, or the chain stands still`
      : `it is catching up (or the clock of this host is ahead)`;
  return `the tip of the node is ${age} s old, its newest ledger info is of ${tip_at}: ${what}`;
}

/** Seconds from an ISO time to now; 0 for a time in the future, because clocks differ. */
function secondsSince(at: string, now: number): number {
  return Math.max(0, Math.round((now - Date.parse(at)) / 1000));
}
