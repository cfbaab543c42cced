import type { RestorePlan, RestoreRates } from '../../contract/answers/restore-answers.js';
import type { NeededFile } from './needs.js';
import { type Reads, sum } from './reads.js';

/** Rates that the operator gives. */
export interface GivenRates {
  /** Bytes a second. */
  download?: number | undefined;
  /** Items of state snapshots a second. */
  items?: number | undefined;
  /** Transactions a second that are stored as they are. */
  save?: number | undefined;
  /** Transactions a second whose write sets are replayed, with history. */
  kvReplay?: number | undefined;
  /** Transactions a second that are executed. */
  execute?: number | undefined;
}

/**
 * The new database as a multiple of the unpacked chunks of which it is made. A rule of thumb: nodes keep indexes, a
 * tree of hashes and logs beside the data.
 */
const TIMES_UNPACKED = 3;
/** RocksDB's own files: logs of up to 1 GiB for each of its databases, and room for compaction. */
const OWN_BYTES = 5e9;

/** Estimates the size of the new database. `unpackedPer`: unpacked bytes for each stored byte, as a sample shows. */
export function estimateDisk(
  { content, fetched }: Pick<Reads, 'content' | 'fetched'>,
  unpackedPer: number | undefined,
  last: RestoreRates | undefined,
): NonNullable<RestorePlan['disk']> {
  const bytes = sum(fetched, ({ stored }) => stored);
  if (last?.fetched_bytes && bytes !== undefined) {
    const times = last.db_bytes / last.fetched_bytes;
    return {
      bytes: Math.ceil(bytes * times + OWN_BYTES),
      by: `the drill of ${last.at}, whose database was ${times.toFixed(2)} times what was fetched, and 5 GB for the tool's logs`,
    };
  }
  const unpacked = unpackedOf(content, unpackedPer);
  if (unpacked === undefined) {
    const by =
      'not known: this storage cannot say how large its files are, and its manifests do not';
    return { by };
  }
  return {
    bytes: Math.ceil(unpacked * TIMES_UNPACKED + OWN_BYTES),
    by: `a rule of thumb, not measured: ${TIMES_UNPACKED} times the ${Math.round(unpacked)} unpacked bytes of the snapshot and the transactions, and 5 GB for the tool's logs; a drill with a stock binary measures it`,
  };
}

/** Bytes of chunks as the tool reads them. */
function unpackedOf(content: readonly NeededFile[], per: number | undefined): number | undefined {
  return sum(content, ({ unpacked, stored }) => {
    if (unpacked !== undefined) return unpacked;
    return stored === undefined || per === undefined ? undefined : stored * per;
  });
}

interface Step {
  what: string;
  amount: bigint;
  unit: string;
  given: number | undefined;
  flag: string;
  measured: number | undefined;
}

/** Estimates how long the tool takes: each step by a given rate, or by that of the last drill. */
export function estimateTime(
  { uses, items, fetched }: Reads,
  given: GivenRates,
  last: RestoreRates | undefined,
): NonNullable<RestorePlan['time']> {
  const { transactions } = uses;
  const bytes = sum(fetched, ({ stored }) => stored);
  // These are saved in the same step.
  const replayed = BigInt(transactions.kv_replayed);
  const steps = [
    ...(bytes === undefined || (given.download === undefined && last)
      ? [] // the rates of a drill include fetching
      : [step('fetch', BigInt(bytes), 'bytes', given.download, '--download-rate', undefined)]),
    step(
      ...(['restore state', items.tree + items.kv, 'items', given.items] as const),
      ...(['--state-rate', last?.items_per_second] as const),
    ),
    step(
      ...(['save transactions', BigInt(transactions.saved) - replayed, 'transactions'] as const),
      ...([given.save, '--save-rate', last?.saved_per_second] as const),
    ),
    step(
      ...(['replay write sets', replayed, 'transactions', given.kvReplay] as const),
      ...(['--kv-replay-rate', last?.kv_replayed_per_second] as const),
    ),
    step(
      ...(['execute transactions', BigInt(transactions.executed), 'transactions'] as const),
      ...([given.execute, '--replay-rate', last?.executed_per_second] as const),
    ),
  ].filter(({ amount }) => amount > 0n);
  const timed = steps.map((one) => timeOf(one, last?.at));
  const seconds = timed.reduce<number | undefined>(
    (total, one) =>
      total === undefined || one.seconds === undefined ? undefined : total + one.seconds,
    0,
  );
  return { ...(seconds === undefined ? {} : { seconds }), steps: timed };
}

function step(
  what: string,
  amount: bigint,
  unit: string,
  given: number | undefined,
  flag: string,
  measured: number | undefined,
): Step {
  return { what, amount, unit, given, flag, measured };
}

function timeOf({ what, amount, unit, given, flag, measured }: Step, drillAt: string | undefined) {
  const rate = given ?? measured;
  const by =
    given !== undefined
      ? `given by ${flag}`
      : measured === undefined
        ? `not known: give ${flag}, or run a drill with a stock binary`
        : `the drill of ${drillAt}`;
  return {
    ...{ what, amount: `${amount}`, unit },
    ...(rate === undefined ? {} : { rate, seconds: Math.ceil(Number(amount) / rate) }),
    rate_by: by,
  };
}
