import { Random } from '../../src/devnode/chain/random.js';
import type { FaultInput } from '../../src/devnode/faults.js';

/** The processes that can be killed. */
export type Target =
  | 'chunk worker'
  | 'workflow worker'
  | 'apart worker'
  | 'up'
  | 'temporal server'
  | 'node'
  /** Of a stack on PostgreSQL. */
  | 'worker command'
  | 'postgres';

export type Damage =
  | 'flip chunk'
  | 'cut chunk'
  | 'remove chunk'
  | 'remove proof'
  | 'flip receipt'
  | 'remove receipt'
  | 'leave part';

/** Of a disk the first three. A bucket is read-only when its rights were taken, and away when its server was killed. */
export type StorageMode =
  'full' | 'read-only' | 'away' | 'slow' | 'throttling' | 'truncating' | 'clock';

/** Of each stage: small objects, and begin, parts and completion of large ones. */
export type UploadMode = 'cut' | 'answer lost' | 'changed';

/** What the backups are stored in. */
export type StorageKind = 'folder' | 's3';

/** One fault. */
export type Strike =
  /** kill -9. The supervisor of the process starts it again; for `up` and the node that is the test. */
  | { kind: 'kill'; target: Target }
  /** SIGSTOP, then SIGCONT unless it was killed meanwhile. */
  | { kind: 'stop'; target: Target; seconds: number }
  /**
   * Away for a while: the node is not started again, or something that never answers takes the server's
   * port.
   */
  | { kind: 'outage'; target: 'temporal server' | 'node' | 'postgres'; seconds: number }
  | { kind: 'node'; fault: FaultInput; seconds: number }
  /** On the link between workers and node. */
  | { kind: 'link'; mode: 'stall' | 'cut' | 'throttle'; seconds: number }
  | { kind: 'storage'; mode: StorageMode; seconds: number }
  /** To requests that write into a bucket. */
  | { kind: 'upload'; mode: UploadMode; seconds: number }
  /** To a file of an uncommitted backup. */
  | { kind: 'damage'; mode: Damage };

export type ChaosEvent = Strike & {
  number: number;
  /** Milliseconds after the start. */
  at: number;
};

export interface PlanOptions {
  seed: number;
  seconds: number;
  /** Number of kills of each of these processes. */
  kills: number;
  targets: readonly Target[];
  /** @default 'folder' */
  storage?: StorageKind;
  /** Number of further strikes, drawn by the weights of the mix. */
  others: number;
  /** Names of strikes to leave out, e.g. because this machine does not allow them. */
  without?: readonly string[];
  /** Stops and outages take minutes. */
  long?: boolean;
}

/** Nothing happens before the first bytes are stored. */
const QUIET_MS = 4_000;

type Draw = (random: Random, long: boolean, targets: readonly Target[]) => Strike;

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!;
const seconds = (random: Random, long: boolean, most: number) =>
  long && random.below(4) === 0 ? 60 + random.below(180) : 1 + random.below(most);
const nodeFault =
  (kind: FaultInput['kind'], percent: number): Draw =>
  (random) => {
    const fault = { kind, probability: (percent * (50 + random.below(100))) / 10_000 };
    return { kind: 'node', fault, seconds: 4 + random.below(8) };
  };
const bucketFault =
  (mode: StorageMode): Draw =>
  (random, long) => ({ kind: 'storage', mode, seconds: seconds(random, long, 6) });
const uploadFault =
  (mode: UploadMode): Draw =>
  (random) => ({ kind: 'upload', mode, seconds: 2 + random.below(5) });
const damage: Draw = (random) => ({
  kind: 'damage',
  mode: pick(random, [
    ...(['flip chunk', 'flip chunk', 'cut chunk', 'remove chunk', 'remove proof'] as const),
    ...(['flip receipt', 'remove receipt', 'leave part'] as const),
  ]),
});

/**
 * The strikes beside the requested kills, after FoundationDB's simulation: errors, throttles, delays,
 * corruption, kills and restarts, each with its weight. Strikes of different kinds overlap.
 */
export const MIX: Record<string, { weight: number; draw: Draw; only?: StorageKind }> = {
  // Errors
  'node error500': { weight: 5, draw: nodeFault('error500', 15) },
  'node refuse': { weight: 5, draw: nodeFault('refuse', 15) },
  'node cut': { weight: 6, draw: nodeFault('cut', 15) },
  'link cut': {
    weight: 7,
    draw: (random) => ({ kind: 'link', mode: 'cut', seconds: 1 + random.below(4) }),
  },
  // Throttles
  'node slow': { weight: 4, draw: nodeFault('slow', 30) },
  'link throttle': {
    weight: 4,
    draw: (random) => ({ kind: 'link', mode: 'throttle', seconds: 3 + random.below(6) }),
  },
  // Delays
  'node stall': { weight: 3, draw: nodeFault('stall', 3) },
  'link stall': {
    weight: 6,
    draw: (random, long) => ({ kind: 'link', mode: 'stall', seconds: seconds(random, long, 6) }),
  },
  stop: {
    weight: 9,
    draw: (random, long, targets) => ({
      kind: 'stop',
      target: pick(random, targets),
      seconds: seconds(random, long, 6),
    }),
  },
  // Corruption, on the way and at rest
  'node flip': { weight: 4, draw: nodeFault('flip', 6) },
  'node short': { weight: 3, draw: nodeFault('short', 6) },
  'node long': { weight: 3, draw: nodeFault('long', 6) },
  'node swap': { weight: 3, draw: nodeFault('swap', 6) },
  'node lie': { weight: 2, draw: nodeFault('lie', 4) },
  damage: { weight: 9, draw: damage },
  // Random kills, beside the requested ones
  kill: {
    weight: 10,
    draw: (random, _, targets) => ({ kind: 'kill', target: pick(random, targets) }),
  },
  // Restarts of the parts on which everything depends
  'outage temporal server': {
    weight: 4,
    draw: (random, long) => ({
      kind: 'outage',
      target: 'temporal server',
      seconds: seconds(random, long, 8),
    }),
  },
  'outage postgres': {
    weight: 4,
    draw: (random, long) => ({
      kind: 'outage',
      target: 'postgres',
      seconds: seconds(random, long, 8),
    }),
  },
  'outage node': {
    weight: 5,
    draw: (random, long) => ({
      kind: 'outage',
      target: 'node',
      seconds: seconds(random, long, 8),
    }),
  },
  // The disk
  'storage full': {
    weight: 4,
    draw: (random, long) => ({ kind: 'storage', mode: 'full', seconds: seconds(random, long, 6) }),
  },
  'storage read-only': {
    weight: 3,
    draw: (random, long) => ({
      kind: 'storage',
      mode: 'read-only',
      seconds: seconds(random, long, 6),
    }),
  },
  'storage away': {
    weight: 3,
    draw: (random, long) => ({ kind: 'storage', mode: 'away', seconds: seconds(random, long, 6) }),
  },
  // The bucket
  'storage slow': { weight: 3, only: 's3', draw: bucketFault('slow') },
  'storage throttling': { weight: 4, only: 's3', draw: bucketFault('throttling') },
  'storage truncating': { weight: 4, only: 's3', draw: bucketFault('truncating') },
  'storage clock': { weight: 3, only: 's3', draw: bucketFault('clock') },
  'upload cut': { weight: 4, only: 's3', draw: uploadFault('cut') },
  'upload answer lost': { weight: 4, only: 's3', draw: uploadFault('answer lost') },
  'upload changed': { weight: 3, only: 's3', draw: uploadFault('changed') },
};

/** Plans the strikes, each with its own time. The same options give the same plan. */
export function planChaos(options: PlanOptions): ChaosEvent[] {
  const { seed, targets, storage = 'folder', long = false, without = [] } = options;
  const random = new Random(seed);
  const allowed = (strike: Strike) => ![...namesOf(strike)].some((name) => without.includes(name));
  const kills = targets.flatMap((target) =>
    Array.from({ length: options.kills }, (): Strike => ({ kind: 'kill', target })),
  );
  const rows = rowsFor(targets, storage, without);
  const total = rows.reduce((sum, [, { weight }]) => sum + weight, 0);
  const others: Strike[] = [];
  // Every kind comes once before any comes twice, if there is room. So a short run sees each kind.
  const first = shuffled(rows, random);
  while (others.length < options.others) {
    const [, row] = first.shift() ?? weighted(rows, random.below(total));
    const strike = row.draw(random, long, targets);
    if (allowed(strike)) others.push(strike);
  }
  const strikes = shuffled([...kills, ...others], random);
  const step = (options.seconds * 1000 - QUIET_MS) / Math.max(1, strikes.length);
  return strikes.map((strike, i) => ({
    ...strike,
    number: i + 1,
    at: Math.round(QUIET_MS + (i + random.below(1000) / 1000) * step),
  }));
}

function rowsFor(targets: readonly Target[], storage: StorageKind, without: readonly string[]) {
  const absent = targets.includes('postgres') ? [] : ['outage postgres'];
  return Object.entries(MIX).filter(
    ([name, { only = storage }]) => only === storage && ![...absent, ...without].includes(name),
  );
}

/** The kinds of the mix that apply to these processes, and to such a storage. */
export function kindsFor(
  targets: readonly Target[],
  storage: StorageKind,
  without: readonly string[],
): string[] {
  return rowsFor(targets, storage, without).map(([name]) => name);
}

/**
 * The names of a strike, by which it can be left out: `kill`, `kill up`, `storage away`, `node lie`, ...
 */
export function* namesOf(strike: Strike): Generator<string> {
  yield strike.kind;
  if ('target' in strike) yield `${strike.kind} ${strike.target}`;
  if ('mode' in strike) yield `${strike.kind} ${strike.mode}`;
  if ('fault' in strike) yield `${strike.kind} ${strike.fault.kind}`;
}

export function describeStrike(strike: Strike): string {
  switch (strike.kind) {
    case 'kill':
      return `kill -9 ${strike.target}`;
    case 'stop':
      return `SIGSTOP ${strike.target} for ${strike.seconds} s`;
    case 'outage':
      return `${strike.target} gone for ${strike.seconds} s`;
    case 'node': {
      const percent = Math.round((strike.fault.probability ?? 1) * 1000) / 10;
      return `node: ${strike.fault.kind} in ${percent} % of answers for ${strike.seconds} s`;
    }
    case 'link':
      return `link: ${strike.mode} for ${strike.seconds} s`;
    case 'storage':
      return `storage ${strike.mode} for ${strike.seconds} s`;
    case 'upload':
      return `uploads: ${strike.mode} for ${strike.seconds} s`;
    case 'damage':
      return `damage: ${strike.mode}`;
  }
}

function weighted<T extends [string, { weight: number }]>(rows: readonly T[], at: number): T {
  let left = at;
  for (const row of rows) {
    left -= row[1].weight;
    if (left < 0) return row;
  }
  return rows.at(-1)!;
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
